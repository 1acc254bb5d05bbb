# ruff: noqa: F811 -- fixtures of another file are named as arguments here
"""Tiles: one is the plain run, many see no more than a tile, and their seams do not show."""

import numpy as np
import pytest
import torch

from pipelines.diffusion.tiles import Tiled, Tiles, starts
from tests.pipelines.diffusion.test_image_to_image import home, paint, prepared, scene  # noqa: F401 -- fixtures

LARGE = scene(160, 160)


@pytest.mark.slow
def test_one_tile_is_the_plain_run_bit_for_bit(home, devices):
    assert np.array_equal(paint(devices).images, paint(devices, tile=64).images)
    assert np.array_equal(paint(devices).images, paint(devices, tile=2048).images)


@pytest.mark.slow
def test_a_batch_equals_its_pictures_made_alone_and_the_same_seed_gives_the_same_picture(home, devices):
    values = {"width": 160, "height": 128, "tile": 64, "strength": 0.4}
    batch = paint(devices, LARGE, count=2, **values).images
    assert np.array_equal(batch[1], paint(devices, LARGE, seed=8, **values).images[0])
    assert not np.array_equal(batch[0], paint(devices, LARGE, **values | {"tile": 0}).images[0])


@pytest.mark.slow
def test_the_network_never_sees_more_than_a_tile(home, devices):
    run = prepared(home, devices, LARGE, width=160, height=128, tile=64, strength=0.4)
    assert isinstance(run.denoiser, Tiled)
    seen = []
    unet = run.model.part("unet")
    hook = unet.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape[2:])))
    list(run.steps(run.start()))
    hook.remove()
    assert set(seen) == {(16, 16)}


@pytest.mark.parametrize(("length", "side"), [(20, 8), (64, 64), (65, 64), (256, 64), (17, 16), (200, 32)])
def test_tiles_cover_everything_and_neighbours_share_a_quarter(length, side):
    begins = starts(length, side)
    assert begins[0] == 0 and begins[-1] == length - side
    shared = [a + side - b for a, b in zip(begins, begins[1:], strict=False)]
    assert all(s >= side // 4 for s in shared)


class Affine:
    """A denoiser that only looks at single pixels: tiles cannot change it."""

    notes: tuple[str, ...] = ()

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        return x * 0.5 + sigma


def test_what_looks_at_single_pixels_is_the_same_in_tiles():
    x = torch.randn(2, 4, 20, 27, generator=torch.Generator().manual_seed(0))
    tiled = Tiled(Affine(), Tiles(8, 8, 20, 27))  # type: ignore[arg-type]
    assert torch.allclose(tiled(x, 0.3), Affine()(x, 0.3), atol=1e-6)


class Offset:
    """Gives each tile a level of its own, as a network does that sees other things in it: the worst seams there are."""

    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += 1
        return torch.full_like(x, float(self.calls % 2))


def test_a_step_between_tiles_is_spread_over_what_they_share():
    tiled = Tiled(Offset(), Tiles(32, 32, 32, 128))  # type: ignore[arg-type]
    guess = tiled(torch.zeros(1, 1, 32, 128), 1.0)[0, 0, 16]
    assert guess.min() == 0 and guess.max() == 1
    assert guess.diff().abs().max() < 0.15, "a cut without blending would be 1"
