"""The second pass at a larger size: nothing at scale 1, the first picture's composition, both passes in the stream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging.esrgan import Compact
from pipelines.diffusion.leases import lease
from pipelines.diffusion.run import Run
from pipelines.diffusion.second_pass import enlarged
from pipelines.errors import BadRequest
from pipelines.events import Frame, Result, StopEarly
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests import hires
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import tiny_addons
from tests.tiny import tiny_model

UPSCALERS = (*hires.OWN_UPSCALERS, "4x-Sharp")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    torch.manual_seed(0)
    tiny_addons.save(folder / "upscale_models", "4x-Sharp", Compact(8, 5, 4).state_dict())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def devices(home: Path) -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu", threads=1)
    yield manager
    manager.close()


def request(**values: Any) -> TextToImageRequest:
    common = {"prompt": "a red circle", "model": "tiny", "num_inference_steps": 4, "seed": 7, "upscale": "none"}
    return TextToImageRequest.parse(common | {"width": 64, "height": 64} | values)


def stream(devices: DeviceManager, **values: Any) -> list[Any]:
    return list(TextToImage().stream(request(**values), devices))


def paint(devices: DeviceManager, **values: Any) -> Result:
    return stream(devices, **values)[-1]


def test_scale_1_is_exactly_the_picture_without(devices):
    plain = paint(devices)
    assert np.array_equal(plain.images, paint(devices, hires_scale=1.0, hires_steps=9, hires_strength=1.0).images)


@pytest.mark.parametrize(
    ("prompt", "same_as"), [("[x y:b:2.0]", "x y"), ("[x y:b:0.0]", "b"), ("[x y:b:4]", "[x y:b:1.0]")]
)
def test_what_the_prompt_changes_goes_on_in_the_second_pass(devices, prompt, same_as):
    one, other = (paint(devices, hires_scale=1.5, prompt=text).images for text in (prompt, same_as))
    assert np.array_equal(one, other)


def test_a_change_at_1_is_between_the_passes(devices):
    alone = {text: paint(devices, prompt=text).images for text in ("x y", "b", "[x y:b:1.0]")}
    assert np.array_equal(alone["[x y:b:1.0]"], alone["x y"])
    twice = {text: paint(devices, prompt=text, hires_scale=1.5).images for text in alone}
    assert not np.array_equal(twice["[x y:b:1.0]"], twice["x y"])
    assert not np.array_equal(twice["[x y:b:1.0]"], twice["b"])


@pytest.mark.slow
@pytest.mark.parametrize("how", UPSCALERS)
@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_ancestral"])
def test_a_batch_equals_its_pictures_made_alone_at_the_larger_size(devices, how, sampler):
    values = {"hires_scale": 1.5, "hires_upscaler": how, "hires_strength": 0.5, "hires_steps": 2, "sampler": sampler}
    batch = paint(devices, count=3, **values).images
    assert batch.shape == (3, 96, 96, 3)
    assert np.array_equal(batch, np.stack([paint(devices, seed=7 + i, **values).images[0] for i in range(3)]))
    assert len({picture.tobytes() for picture in batch}) == 3


@pytest.mark.parametrize("how", UPSCALERS)
def test_between_the_passes_the_picture_is_decoded_by_the_chosen_decoder(devices, how, monkeypatch):
    decoded, decode = [], Run.decode
    monkeypatch.setattr(Run, "decode", lambda run, latents: decoded.append(latents.shape[-1]) or decode(run, latents))
    paint(devices, hires_scale=1.5, hires_upscaler=how)
    assert decoded == ([12] if how == "latent" else [8, 12])


@pytest.mark.parametrize("how", UPSCALERS)
def test_the_less_strength_the_nearer_to_the_first_picture_enlarged(devices, how):
    asked = request(guidance_scale=1)
    with lease(models.inspect(models.find("tiny")), devices) as model:
        *_, last = (run := Run.prepare(asked, model, devices)).steps(run.start())
        larger = ended(enlarged(last.x, 128, 128, how, model, devices, model.decode))
        itself = model.decode(larger.latents[0]).astype(float)

    def far(strength: float) -> float:
        values = {"hires_scale": 2, "hires_upscaler": how, "hires_strength": strength, "guidance_scale": 1}
        return float(np.abs(paint(devices, **values).images[0] - itself).mean())

    distances = [far(0.05), far(0.5), far(1)]
    assert distances[0] < distances[2] / 2 and distances == sorted(distances)


def ended(generator: Any) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def test_the_frames_of_both_passes_are_counted_together(devices):
    events = stream(devices, hires_scale=2, hires_steps=3, hires_strength=0.5)
    frames = [event for event in events if isinstance(event, Frame)]
    assert [(frame.index, frame.total) for frame in frames] == [(i, 7) for i in range(8)]
    assert frames[4].x.shape[1] * 2 == frames[5].x.shape[1]
    assert events[-1].steps_done == 7 and not events[-1].unfinished


@pytest.mark.parametrize(("stopped_at", "side"), [(2, 64), (4, 64), (5, 128)])
def test_stopped_in_either_pass_there_is_what_was_painted(devices, stopped_at, side):
    values = request(hires_scale=2, hires_steps=3, hires_strength=0.5)
    running: Any = TextToImage().stream(values, devices)
    next(event for event in running if isinstance(event, Frame) and event.index == stopped_at)
    result = [running.throw(StopEarly()), *running][-1]
    assert isinstance(result, Result) and result.images.shape[1:3] == (side, side)
    assert result.recipes[0]["unfinished"] == {"step": stopped_at, "of": 7}


@pytest.mark.parametrize(("asked", "strength", "walked"), [(4, 0.5, (4, 8)), (9, 1, (9, 9)), (150, 0.05, (50, 1000))])
def test_all_steps_asked_for_are_walked_from_the_level_of_the_strength(asked, strength, walked):
    first = request(hires_scale=2, hires_steps=asked, hires_strength=strength)
    assert first.hires.steps_of(first.num_inference_steps) == walked


def test_the_recipe_makes_the_picture_again(devices):
    first = paint(devices, hires_scale=1.5, hires_upscaler="ours", hires_steps=2)
    again = TextToImageRequest.parse(first.recipes[0]["request"])
    *_, second = TextToImage().stream(again, devices)
    assert isinstance(second, Result) and np.array_equal(first.images, second.images)


@pytest.mark.parametrize("how", UPSCALERS)
@pytest.mark.parametrize("upscale", ["none", "2x"])
def test_the_infotext_says_it_in_a1111s_words_and_is_read_back(how, upscale):
    asked = request(hires_scale=1.5, hires_upscaler=how, hires_steps=7, hires_strength=0.45, upscale=upscale)
    text = infotext.write({"request": asked.values()})
    for pair in ("Hires upscale: 1.5", "Hires steps: 7", "Denoising strength: 0.45", "Hires upscaler: "):
        assert pair in text
    assert "Exact settings" not in text
    back = infotext.parse(text)
    assert TextToImageRequest.parse(back["request"]) == asked and back["other"] == {}


def test_an_upscaler_that_is_installed_is_found_by_its_name_in_any_case(home):
    text = "fox\nSteps: 20, Denoising strength: 0.7, Hires upscale: 2, Hires upscaler: 4X-SHARP"
    read = infotext.parse(text)
    assert read["request"]["hires_upscaler"] == "4x-Sharp" and read["other"] == {}


def test_a_picture_of_a1111_brings_its_second_pass():
    text = "fox\nSteps: 20, Seed: 1, Denoising strength: 0.7, Hires upscale: 2, Hires upscaler: R-ESRGAN 4x+"
    read = infotext.parse(text)
    assert read["request"] == {
        "prompt": "fox", "negative_prompt": "", "num_inference_steps": 20, "seed": 1,
        "hires_scale": 2.0, "hires_strength": 0.7, "hires_upscaler": "ours",
    }  # fmt: skip
    assert read["other"] == {"Hires upscaler": "R-ESRGAN 4x+"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hires_scale": 4, "width": 1200, "height": 1024}, "4800 x 4096 is .* smaller hires_scale"),
        ({"hires_scale": 2, "image": "1" * 64}, "hires_scale is for pictures made from noise"),
        ({"hires_scale": 4, "width": 512, "height": 512, "hires_steps": 150}, "both passes together are too much"),
    ],
)
def test_what_is_too_large_or_has_no_meaning_is_refused(values, words):
    with pytest.raises(BadRequest, match=words):
        request(**values)


def test_the_second_pass_is_told_the_prompt_of_its_own_size_and_noise_that_the_seed_draws(devices):
    """Strength 1 leaves a trace of the first picture only, so it nearly equals the picture painted at that size."""
    large = paint(devices, width=128, height=128, num_inference_steps=4).images[0].astype(float)
    twice = paint(devices, hires_scale=2, hires_strength=1).images[0].astype(float)
    other = paint(devices, width=128, height=128, num_inference_steps=4, seed=8).images[0].astype(float)
    assert np.abs(twice - large).mean() < np.abs(other - large).mean() / 3


@pytest.mark.parametrize(
    "values",
    [
        {"width": 832, "height": 1216, "hires_scale": 2},
        {"width": 8192, "height": 2048},
        {"width": 4096, "height": 4096},
        {"image": "1" * 64, "width": 2048, "outpaint_left": 1024},
    ],
)
def test_a_side_may_be_longer_than_2048(values):
    wide, high = request(**{"num_inference_steps": 8} | values).final_size()
    assert max(wide, high) > 2048


@pytest.mark.parametrize(
    "values", [{"width": 8192, "height": 2056}, {"seed_resize_width": 8192, "seed_resize_height": 4096}]
)
def test_what_has_too_many_pixels_is_refused_whatever_its_shape(values):
    with pytest.raises(BadRequest, match="million pixels; at most 16.8 million are made. Choose a smaller"):
        request(**{"num_inference_steps": 1} | values)
