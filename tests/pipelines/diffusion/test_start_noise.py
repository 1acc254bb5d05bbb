"""Varied noise: nothing changes without it, all of it is the other seed's, and between them it stays noise."""

from typing import Any

import numpy as np
import pytest
import torch

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.run import PictureNoise
from pipelines.diffusion.start_noise import pasted, slerp, varied
from pipelines.errors import BadRequest
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from tests.tiny import tiny_model

SMALL = {"width": 64, "height": 64, "upscale": "none", "model": "tiny", "num_inference_steps": 3, "seed": 7}


class Eighths:
    """All that the noise needs of a model: how large its latents are."""

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        return 4, height // 8, width // 8


def noise(**values: Any) -> torch.Tensor:
    request = TextToImageRequest.parse(SMALL | {"model": "aigc-mini"} | values)
    seeds = [request.seeds(i)[0] for i in range(request.count)]
    plain = PictureNoise(seeds, Eighths().latent_shape(request.width, request.height), "cpu")()
    return varied(plain, request, Eighths())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        manager = DeviceManager("cpu", threads=1)
        yield manager
        manager.close()


def paint(devices: DeviceManager, **values: Any) -> Result:
    *_, result = TextToImage().stream(TextToImageRequest.parse(SMALL | values), devices)
    assert isinstance(result, Result)
    return result


def test_strength_0_is_the_plain_noise_and_strength_1_the_variation_seeds():
    assert torch.equal(noise(variation_seed=9), noise())
    assert torch.equal(noise(variation_seed=9, variation_strength=1), noise(seed=9))
    assert not torch.equal(noise(), noise(seed=9))


@pytest.mark.parametrize("strength", (0.1, 0.5, 0.9))
def test_between_two_seeds_noise_stays_noise(strength):
    """The straight line between them would have a deviation of 0.71 in the middle."""
    half = noise(variation_seed=9, variation_strength=strength, width=256, height=256)
    assert float(half.std()) == pytest.approx(1, abs=0.03)
    ends = [float((half * noise(seed=seed, width=256, height=256)).mean()) for seed in (7, 9)]
    angle = strength * np.pi / 2
    assert ends == pytest.approx([np.cos(angle), np.sin(angle)], abs=0.05)


def test_an_arc_between_the_same_or_nearly_the_same_noise_is_no_division_by_zero():
    start = torch.randn(4, 8, 8)
    for end in (start, start * (1 + 1e-6), -start):
        assert slerp(start, end, 0.5).isfinite().all()
    torch.testing.assert_close(slerp(start, start, 0.3), start)


def test_pictures_of_a_batch_vary_by_their_variation_seed_and_equal_themselves_alone():
    batch = noise(variation_seed=2**64 - 1, variation_strength=0.4, count=3)
    alone = [noise(variation_seed=seed, variation_strength=0.4)[0] for seed in (2**64 - 1, 0, 1)]
    assert torch.equal(batch, torch.stack(alone))


def test_noise_of_its_own_size_is_the_plain_noise():
    assert torch.equal(noise(seed_resize_width=64, seed_resize_height=64), noise())


@pytest.mark.parametrize("width, height", ((32, 48), (128, 96), (32, 128)))
def test_noise_of_another_size_lies_in_the_middle(width, height):
    resized = noise(seed_resize_width=width, seed_resize_height=height)[0]
    plain = noise()[0]
    assert resized.shape == plain.shape
    own = PictureNoise([7], (4, height // 8, width // 8), "cpu")()[0]
    rows, columns = min(8, height // 8), min(8, width // 8)
    top, left, own_top, own_left = (n // 2 for n in (8 - rows, 8 - columns, height // 8 - rows, width // 8 - columns))
    inner = resized[:, top : top + rows, left : left + columns]
    assert torch.equal(inner, own[:, own_top : own_top + rows, own_left : own_left + columns])
    outside = torch.ones_like(plain, dtype=torch.bool)
    outside[:, top : top + rows, left : left + columns] = False
    assert torch.equal(resized[outside], plain[outside])


def test_pasting_leaves_the_plain_noise_as_it_was():
    plain = torch.zeros(1, 4, 4)
    assert float(pasted(plain, torch.ones(1, 2, 2)).sum()) == 4 and float(plain.sum()) == 0


def test_half_a_size_is_refused():
    with pytest.raises(BadRequest, match="go together; got 64 and 0"):
        TextToImageRequest.parse({"seed_resize_width": 64})


@pytest.mark.parametrize("sampler", ("euler", "ddpm"))
def test_varied_pictures_repeat_from_their_recipes_and_do_not_depend_on_their_batch(devices, sampler):
    varied = paint(devices, sampler=sampler, count=3, variation_strength=0.4)
    alone = [paint(devices, **recipe["request"]).images[0] for recipe in varied.recipes]
    assert np.array_equal(varied.images, np.stack(alone))
    assert len({picture.tobytes() for picture in alone}) == 3
    assert [recipe["request"]["seed"] for recipe in varied.recipes] == [7, 7, 7]


def test_at_full_strength_a_deterministic_picture_is_the_variation_seeds(devices):
    turned = paint(devices, variation_seed=9, variation_strength=1).images
    assert np.array_equal(turned, paint(devices, seed=9).images)
    assert np.array_equal(paint(devices, variation_seed=9).images, paint(devices).images)


def test_fresh_noise_stays_the_seeds_own(devices):
    """The same start by two ways: only what is drawn on the way differs."""
    one = paint(devices, sampler="ddpm", variation_seed=9, variation_strength=1).images
    assert not np.array_equal(one, paint(devices, sampler="ddpm", seed=9).images)


@pytest.mark.parametrize("sampler", ("dpm_2", "dpmpp_sde"))
def test_guidance_acts_between_the_levels_of_the_path_too(devices, sampler):
    """Samplers that look halfway: with guidance off there, a scale that acts in the last step only acts as well."""
    from pipelines.diffusion.denoiser import Denoiser

    asked: list[tuple[float, float]] = []
    before = Denoiser.predict

    def predict(self, x, sigma):
        asked.append((sigma, self.scale(sigma)))
        return before(self, x, sigma)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Denoiser, "predict", predict)
        paint(devices, sampler=sampler, guidance_curve=[[0, 9], [0.5, 5], [1, 2]])
    assert [scale for _, scale in asked] == [9, 9, 5, 5, 2]
    assert len({sigma for sigma, _ in asked}) == 5


def test_after_the_largest_seed_comes_the_first() -> None:
    last = 2**64 - 1
    plain = TextToImageRequest.of(seed=last, count=2)
    varied = TextToImageRequest.of(seed=5, variation_seed=last, variation_strength=0.5, count=2)
    assert [plain.seeds(i)[0] for i in range(2)] == [last, 0]
    assert [varied.seeds(i) for i in range(2)] == [(5, last), (5, 0)]
