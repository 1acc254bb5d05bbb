"""Enlarging a kept picture: one request, one picture, or a clear sentence."""

from typing import Any

import numpy as np
import pytest

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging import use
from pipelines.diffusion.enlarging.upscaler import upscale
from pipelines.engine import registry
from pipelines.errors import BadRequest, NotFound, OutOfMemory
from pipelines.events import Progress, Result, StopEarly
from pipelines.generators.upscale_picture import UpscalePicture
from pipelines.requests.others import UpscaleRequest
from pipelines.store import infotext, recipe

KEPT = "ab" * 32


def picture(height: int = 30, width: int = 20) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def start(devices: DeviceManager, shown: np.ndarray, factor: str = "2x") -> Any:
    generator = registry.get("upscale")
    request = generator.request_type.parse({"image": KEPT, "factor": factor})
    return generator.stream(request.with_pictures({KEPT: shown}.__getitem__), devices)


@pytest.mark.parametrize(("factor", "times"), [("2x", 2), ("4x", 4)])
def test_it_gives_the_enlarged_picture_with_what_was_asked(devices, factor, times):
    *told, result = start(devices, picture(), factor)
    assert isinstance(result, Result) and not result.unfinished
    assert np.array_equal(result.images, upscale(picture(), times, devices)[None])
    assert result.recipes[0]["generator"] == "upscale"
    assert result.recipes[0]["request"] == {"image": KEPT, "factor": factor, "upscaler": "aigc", "source": ""}
    assert [event.stage for event in told] == ["loading"] + ["upscaling"] * (times // 2)


def test_the_recipe_of_the_picture_goes_on_and_says_what_was_done_to_it(devices):
    """So that an enlarged picture has a prompt, a seed and all settings, here and in other tools."""
    known = recipe.new("text-to-image", {"prompt": "a fox", "seed": 7, "upscale": "2x"}, notes=["a note"])
    request = UpscaleRequest.parse({"image": KEPT, "source": "some-id"})
    for times in (2, 4):
        *_, result = UpscalePicture().stream(
            request.with_recipe(known).with_pictures({KEPT: picture()}.__getitem__), devices
        )
        (known,) = result.recipes
        assert known["request"] == {"prompt": "a fox", "seed": 7, "upscale": "2x"} and known["notes"] == ["a note"]
        text = infotext.write(known)
        assert f"Postprocess upscale by: {times}, Postprocess upscaler: AIGC flat art" in text
        assert infotext.parse(text)["request"]["seed"] == 7
    assert known["enlarged"] == [{"factor": "2x", "upscaler": "aigc"}] * 2


def test_stopped_it_ends_without_a_picture_and_gives_the_upscaler_back(devices):
    stream = start(devices, picture(200, 200))
    assert [next(stream).stage for _ in range(3)] == ["loading", "upscaling", "upscaling"]
    with pytest.raises(StopIteration):
        stream.throw(StopEarly())
    assert [held["leases"] for held in devices.loaded()] == [0]


def test_a_picture_that_would_become_too_large_is_refused_before_anything_is_loaded(devices):
    photo = np.zeros((3000, 4032, 3), np.uint8)
    with pytest.raises(BadRequest, match="16128 x 12000 is 193.5 million pixels; at most 67.1 million .* smaller fac"):
        next(start(devices, photo, "4x"))
    assert isinstance(next(start(devices, photo, "2x")), Progress)


def test_a_picture_that_leaves_no_memory_is_refused_with_what_it_takes(devices, monkeypatch):
    monkeypatch.setattr(use, "free_memory", lambda: 10**6)
    with pytest.raises(OutOfMemory, match="400 x 400 pixels take about 2 MB, and 1 MB are free"):
        next(start(devices, picture(200, 200)))


def test_without_a_picture_it_says_what_to_do(devices):
    generator = registry.get("upscale")
    with pytest.raises(BadRequest, match="Choose the picture to enlarge"):
        generator.request_type.parse({"factor": "2x"})
    with pytest.raises(NotFound, match="Send the picture itself again"):
        next(generator.stream(generator.request_type.parse({"image": KEPT}), devices))
