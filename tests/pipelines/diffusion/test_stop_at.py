"""`stop_at`: the picture is the guess after a part of the steps, is finished, and can be made again and branched."""

import numpy as np
import pytest

from pipelines.events import Frame, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from tests.embedded import NAME, SIDE

SMALL = {"prompt": "a red fox", "model": NAME, "width": SIDE // 2, "height": SIDE // 2, "seed": 5, "upscale": "none"}


def paint(devices, **values) -> tuple[list[Frame], Result]:
    request = TextToImageRequest.parse(SMALL | {"num_inference_steps": 5} | values)
    events = list(TextToImage().stream(request, devices))
    assert isinstance(events[-1], Result)
    return [event for event in events if isinstance(event, Frame)], events[-1]


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "heun", "euler_ancestral"])
def test_it_takes_so_many_steps_of_the_same_way_and_shows_their_guess(devices, sampler):
    frames, result = paint(devices, stop_at=0.6, sampler=sampler)
    whole, _ = paint(devices, sampler=sampler)
    assert [frame.index for frame in frames] == [0, 1, 2, 3] and frames[-1].total == 3
    assert all(np.array_equal(one.x, other.x) for one, other in zip(frames, whole, strict=False))
    assert not result.unfinished and "unfinished" not in result.recipes[0]
    assert result.recipes[0]["request"]["stop_at"] == 0.6
    assert np.array_equal(paint(devices, **result.recipes[0]["request"])[1].images, result.images)


def test_of_two_passes_the_second_stops(devices):
    frames, result = paint(devices, stop_at=0.5, hires_scale=1.5, hires_steps=4, hires_strength=0.5)
    whole, _ = paint(devices, hires_scale=1.5, hires_steps=4, hires_strength=0.5)
    assert len(whole) > len(frames) > 6
    assert frames[-1].index == frames[-1].total == result.steps_done and not result.unfinished


def test_one_takes_all_steps(devices):
    assert np.array_equal(paint(devices, stop_at=1)[1].images, paint(devices)[1].images)
