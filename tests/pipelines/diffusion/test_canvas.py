# ruff: noqa: F811 -- fixtures of another file are named as arguments here
"""Canvases that grow, are filled, or are cut around a mask: known pixels stay as they are, bit for bit."""

from typing import Any

import numpy as np
import pytest
import torch

from pipelines.diffusion import start
from pipelines.diffusion.canvas import box_around, cut, filled, put_back
from pipelines.diffusion.start import feathered, fitted
from pipelines.errors import BadRequest
from pipelines.requests.border import Border
from pipelines.requests.limits import FILLS
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests.pipelines.diffusion.test_image_to_image import (  # noqa: F401 -- fixtures
    MASK,
    MIDDLE,
    OUTSIDE,
    PICTURE,
    SIDE,
    START,
    home,
    mask,
    paint,
    prepared,
    scene,
)

BORDER = {"outpaint_left": 32, "outpaint_right": 16, "outpaint_top": 0, "outpaint_bottom": 48}
BEFORE = fitted(PICTURE, SIDE, SIDE)


# --- beyond the edges ------------------------------------------------------------------------------------------------


def test_what_is_known_stays_bit_for_bit_and_the_rest_is_painted(home, devices):
    made = paint(devices, strength=0.3, **BORDER).images[0]
    assert made.shape == (SIDE + 48, SIDE + 48, 3)
    assert np.array_equal(made[:SIDE, 32 : 32 + SIDE], BEFORE)
    first = Border(32, 16, 0, 48).extended(BEFORE)
    assert (made[:, :28] != first[:, :28]).any(axis=-1).mean() > 0.9


def test_the_border_is_painted_from_the_first_step_and_a_mask_inside_from_its_strength_on(home, devices):
    run = prepared(home, devices, PICTURE, MIDDLE, num_inference_steps=10, strength=0.5, **BORDER)
    begun: Any = run.picture
    assert len(run.path) == 10
    early, late = begun.free(float(run.path.sigmas[0])), begun.free(float(run.path.sigmas[5]))
    assert not early[: SIDE // 4, 8 : 8 + SIDE // 4].any() and early[:, :8].all()
    assert (late & ~early).any() and (late >= early).all()
    guesses = [step.x0_pred[0] for step in run.steps(run.start())]
    inside = torch.from_numpy(late & ~early)
    moved = [not torch.equal(guess[:, inside], begun.latents[:, inside]) for guess in guesses]
    assert moved == [False] * 5 + [True] * 5


def test_the_border_begins_as_the_edge_stretched_and_softened():
    grown = Border(16, 0, 32, 0).extended(BEFORE)
    assert np.array_equal(grown[32:, 16:], BEFORE)
    assert np.abs(grown[40:-8, 15].astype(int) - BEFORE[8:-8, 0]).max() < 40
    flat = np.full((16, 16, 3), 77, np.uint8)
    assert (Border(16, 16, 16, 16).extended(flat) == 77).all()


def test_no_border_is_exactly_the_picture_without(home, devices):
    assert np.array_equal(paint(devices).images, paint(devices, outpaint_left=0, tile=0).images)


def test_a_batch_with_a_border_equals_its_pictures_made_alone(home, devices):
    batch = paint(devices, count=2, **BORDER).images
    assert np.array_equal(batch[1], paint(devices, seed=8, **BORDER).images[0])


# --- what lies under the mask ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", FILLS)
def test_outside_the_mask_not_one_bit_changes_whatever_lies_under_it(home, devices, fill):
    made = paint(devices, PICTURE, MIDDLE, mask_fill=fill).images[0]
    assert np.array_equal(made[OUTSIDE], BEFORE[OUTSIDE]) and not np.array_equal(made, BEFORE)


def test_the_fillings_start_from_what_they_are_called(home, devices):
    starts: dict[str, Any] = {
        fill: prepared(home, devices, PICTURE, MIDDLE, mask_fill=fill, strength=0.5) for fill in FILLS
    }
    x = {fill: run.start() for fill, run in starts.items()}
    free = torch.from_numpy(starts["original"].picture.free())
    noise = prepared(home, devices, PICTURE, MIDDLE, strength=0.5).noise()
    sigma = float(starts["original"].path.sigmas[0])
    assert torch.allclose(x["nothing"][..., free], sigma * noise[..., free], atol=1e-5)
    assert torch.allclose(x["noise"][..., free], (1 + sigma) * noise[..., free], atol=1e-5)
    assert not torch.allclose(x["fill"][..., free], x["original"][..., free], atol=1e-2)
    for fill in ("noise", "nothing"):
        assert torch.equal(x[fill][..., ~free], x["original"][..., ~free])


def test_a_hole_is_filled_with_the_colours_around_it_only():
    picture = np.full((64, 64, 3), 50, np.uint8)
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    picture[hole] = 255
    result = filled(picture, hole)
    assert np.array_equal(result[~hole], picture[~hole])
    assert np.abs(result[hole].astype(int) - 50).max() <= 1
    halves = picture.copy()
    halves[:, 32:] = 150
    result = filled(np.where(hole[..., None], 255, halves).astype(np.uint8), hole)
    assert result[30, 21, 0] < result[30, 38, 0] and 49 <= result[hole].min() <= result[hole].max() <= 151


# --- only around the mask --------------------------------------------------------------------------------------------


def test_only_what_is_around_the_mask_is_painted_at_the_full_size_and_put_back_into_the_whole(home, devices):
    large = scene(160, 240)
    selected = np.zeros((160, 240, 3), np.uint8)
    selected[40:72, 100:140] = 255
    made = paint(devices, large, selected, only_masked=True, masked_padding=8).images[0]
    outside = selected[..., 0] == 0
    assert made.shape == large.shape
    assert np.array_equal(made[outside], large[outside]) and not np.array_equal(made, large)


@pytest.mark.parametrize("place", [(0, 0), (150, 230), (70, 110)])
@pytest.mark.parametrize("size", [(64, 64), (128, 64), (64, 256)])
@pytest.mark.parametrize("padding", [0, 16, 256])
def test_the_box_holds_the_mask_has_the_wanted_shape_and_stays_in_the_picture(place, size, padding):
    """What the model sees is never squeezed: where the picture ends, the padding gives way."""
    painted = np.zeros((160, 240), bool)
    painted[place[0] : place[0] + 10, place[1] : place[1] + 10] = True
    left, top, right, bottom = box_around(painted, padding, *size)
    assert painted[top:bottom, left:right].sum() == painted.sum()
    assert 0 <= left < right <= 240 and 0 <= top < bottom <= 160
    assert abs((right - left) - (bottom - top) * size[0] / size[1]) <= max(1, size[0] / size[1])


def test_a_mask_that_is_longer_than_the_shape_allows_is_seen_with_the_edges_going_on():
    picture = scene(384, 960)
    painted = np.zeros((384, 960), bool)
    painted[:, 40:920] = True
    box = left, top, right, bottom = box_around(painted, 256, 64, 64)
    assert right - left == bottom - top >= 880 and top < 0 and bottom > 384
    part = cut(picture, box)
    assert part.shape == (bottom - top, right - left, 3)
    assert np.array_equal(part[0], picture[0, left:right]) and np.array_equal(part[-1], picture[-1, left:right])
    assert np.array_equal(put_back(picture, part, box), picture)
    other = put_back(picture, 255 - part, box)
    assert np.array_equal(other[:, left:right], 255 - picture[:, left:right])
    assert np.array_equal(other[:, :left], picture[:, :left])


def test_a_mask_over_a_wide_photo_leaves_every_other_pixel_alone(home, devices):
    large = scene(96, 320)
    selected = np.zeros((96, 320, 3), np.uint8)
    selected[:, 100:300] = 255
    made = paint(devices, large, selected, only_masked=True, masked_padding=64).images[0]
    outside = selected[..., 0] == 0
    assert np.array_equal(made[outside], large[outside]) and not np.array_equal(made, large)


def test_only_masked_gives_a_photo_back_at_its_size_and_untouched_outside_the_mask(home, devices):
    photo = np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), np.uint8)
    selected = np.zeros((1000, 1500, 3), np.uint8)  # painted at half the size
    selected[300:420, 500:640] = 255
    made = paint(devices, photo, selected, only_masked=True, upscale="auto").images[0]
    changed = (made != photo).any(axis=2)
    assert made.shape == photo.shape and changed[600:840, 1000:1280].mean() > 0.9
    changed[600:840, 1000:1280] = False
    assert not changed.any()


def test_mixing_row_by_row_is_mixing(monkeypatch):
    chance = np.random.default_rng(1)
    old, new = chance.integers(0, 256, (2, 90, 70, 3), np.uint8)
    painted, level = chance.random((90, 70)) > 0.4, chance.random((90, 70))
    share = (feathered(painted, 4) * level)[..., None]
    expected = (old + share * (new.astype(np.float64) - old)).round().astype(np.uint8)
    monkeypatch.setattr(start, "ROWS", 7)
    assert np.array_equal(start.mixed(old, new, painted, 4, level), expected)


# --- how it is softened ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blur", [0, 1, 4, 16])
def test_the_blur_lies_inside_the_mask(blur):
    painted = MIDDLE[..., 0] > 0
    share = feathered(painted, blur)
    assert (share[~painted] == 0).all() and (share[painted] > 0).all()
    steps = max(1, min(blur, 11))  # the mask is 21 wide
    assert np.allclose(share[30, 9 : 9 + steps], np.arange(1, steps + 1) / steps)


def test_the_blur_is_that_of_the_request(home, devices):
    hard, soft = (paint(devices, PICTURE, MIDDLE, mask_blur=blur).images[0] for blur in (0, 16))
    near = np.abs(hard[30, 9].astype(int) - BEFORE[30, 9]).sum(), np.abs(soft[30, 9].astype(int) - BEFORE[30, 9]).sum()
    assert near[1] < near[0] / 3


# --- refused, said, read back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"outpaint_left": 16}, "need a start picture"),
        (
            {"image": START, "outpaint_left": 1024, "width": 4096, "height": 4096},
            "5120 x 4096 .* smaller size or border",
        ),
        ({"image": START, "outpaint_top": 20}, "outpaint_top must be 0 plus a multiple of 8"),
        ({"image": START, "mask_image": MASK, "only_masked": True, "outpaint_top": 16}, "Choose one of them"),
        ({"tile": 32}, "tile must be 0 or 64 to 8192"),
    ],
)
def test_what_does_not_go_together_is_refused(values, words):
    with pytest.raises(BadRequest, match=words):
        TextToImageRequest.parse(values)


@pytest.mark.parametrize(
    "values",
    [
        BORDER,
        {"mask_image": MASK, "mask_blur": 9, "mask_fill": "nothing", "only_masked": True, "masked_padding": 48},
        {"mask_image": MASK, "mask_fill": "noise", "outpaint_top": 32, "mask_blur": 0},
        {"tile": 512},
    ],
)
def test_the_infotext_says_it_and_is_read_back_without_exact_settings(values):
    asked = TextToImageRequest.parse({"image": START, "seed": 1} | values)
    text = infotext.write({"request": asked.values()})
    assert "Exact settings" not in text
    assert TextToImageRequest.parse(infotext.parse(text)["request"]) == asked
