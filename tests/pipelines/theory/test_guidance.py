"""Guidance: the formulas of diffusers, and the steps in which it acts."""

import pytest
import torch

from pipelines.errors import BadRequest
from pipelines.params import Curve
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance, guide


@pytest.fixture
def predictions():
    torch.manual_seed(0)
    return torch.randn(3, 4, 8, 8, dtype=torch.float64), 2 * torch.randn(3, 4, 8, 8, dtype=torch.float64)


def test_scale_1_is_the_conditional_and_scale_0_the_unconditional_prediction(predictions):
    cond, uncond = predictions
    assert torch.equal(guide(cond, uncond, 1.0), cond)
    assert torch.equal(guide(cond, uncond, 0.0), uncond)


def test_guidance_goes_on_from_the_unconditional_through_the_conditional(predictions):
    cond, uncond = predictions
    torch.testing.assert_close(guide(cond, uncond, 7.5), 7.5 * cond - 6.5 * uncond)


@pytest.mark.parametrize("rescale", (0.3, 0.7, 1.0))
def test_rescaling_is_that_of_diffusers(predictions, rescale):
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

    cond, uncond = predictions
    theirs = rescale_noise_cfg(guide(cond, uncond, 7.5), cond, guidance_rescale=rescale)
    torch.testing.assert_close(guide(cond, uncond, 7.5, rescale), theirs)


def test_full_rescaling_gives_each_picture_the_spread_of_its_conditional_prediction(predictions):
    cond, uncond = predictions
    torch.testing.assert_close(guide(cond, uncond, 9.0, 1.0).std((1, 2, 3)), cond.std((1, 2, 3)))


def test_a_picture_does_not_depend_on_its_company(predictions):
    cond, uncond = predictions
    alone = guide(cond[1:2], uncond[1:2], 5.0, 0.7)
    torch.testing.assert_close(guide(cond, uncond, 5.0, 0.7)[1:2], alone)


def test_a_flat_prediction_is_not_divided_by_its_spread_of_zero():
    flat = torch.ones(1, 4, 8, 8)
    assert guide(flat, 0 * flat, 5.0, 0.7).isfinite().all()


def test_guidance_acts_in_its_interval_only():
    def guided(start: float, end: float, n: int = 10) -> list[int]:
        return [step for step in range(n) if Guidance(5.0, 0.0, start, end).at(step, n) == 5.0]

    assert guided(0.0, 1.0) == list(range(10))
    assert guided(0.3, 0.7) == [3, 4, 5, 6]
    assert guided(0.0, 0.0) == guided(1.0, 1.0) == guided(0.7, 0.3) == []
    assert guided(0.0, 1.0, n=1) == [0]


@pytest.mark.parametrize("scale", (0.0, 0.5, 1.0, 7.5))
def test_the_scale_is_what_was_asked_for_also_below_1(scale):
    assert all(Guidance(scale).at(step, 10) == scale for step in range(10))


def test_a_curve_takes_the_place_of_the_one_scale():
    falling = Guidance(7.0, curve=((0.0, 9.0), (1.0, 1.0)))
    assert [falling.at(step, 5) for step in range(5)] == pytest.approx([9, 7, 5, 3, 1])
    assert Guidance(7.0, start=0.5, curve=((0.0, 9.0),)).at(0, 2) == 1
    assert Guidance(7.0, curve=((0.0, 0.5), (1.0, 0.0))).at(1, 2) == 0


def test_a_curve_acts_in_its_interval_and_is_rescaled_like_the_one_scale(predictions):
    cond, uncond = predictions
    drawn = Guidance(7.0, 0.7, 0.25, 0.75, ((0.0, 9.0), (1.0, 5.0)))
    assert [drawn.at(step, 4) for step in range(4)] == pytest.approx([1, 9 - 4 / 3, 9 - 8 / 3, 1])
    flat = Guidance(5.0, curve=((0.3, 5.0),))
    assert [flat.at(step, 7) for step in range(7)] == [Guidance(5.0).at(step, 7) for step in range(7)]
    torch.testing.assert_close(guide(cond, uncond, drawn.at(1, 4), 1.0).std((1, 2, 3)), cond.std((1, 2, 3)))


@pytest.mark.parametrize("points", ((), ((0.0, 9.0), (1 / 3, 2.5), (1.0, 1e-7)), ((0.1, 30.0),)))
def test_a_curve_as_text_reads_back_exactly(points):
    assert Curve().check("curve", Curve.text(points), tuple) == points


@pytest.mark.parametrize(
    "curve, said",
    (
        ("0 9; 2 1", "positions from 0 to 1"),
        ("0 9; 0 1", "different positions"),
        ("0 31", "scales from 0 to 30"),
        ("0 9 1", "points"),
        ("a b", "must be a number"),
        ([[0, 1]] * 25, "at most 24"),
    ),
)
def test_a_curve_that_is_none_is_refused_with_a_sentence(curve, said):
    with pytest.raises(BadRequest, match=f"guidance_curve must.*{said}|{said}"):
        TextToImageRequest.parse({"guidance_curve": curve})
