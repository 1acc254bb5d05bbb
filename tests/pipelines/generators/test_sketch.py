"""Sketches over a miniature model: few steps, shown and not kept."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease
from pipelines.diffusion.run import Run
from pipelines.engine import registry
from pipelines.errors import NotFound
from pipelines.events import Frame, Progress, StopEarly
from pipelines.generators import sketch
from pipelines.requests.text_to_image import TextToImageRequest
from tests.tiny import tiny_model


@pytest.fixture(scope="module", params=["tiny", "kl"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("models")
    tiny_model(folder / request.param, request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield request.param


def start(devices: DeviceManager, model: str, **values: Any) -> Any:
    generator = registry.get("sketch")
    values = {"prompt": "a red circle", "model": model, "seed": 7} | values
    return generator.stream(generator.request_type.parse(values), devices)


@pytest.mark.slow
def test_a_sketch_is_one_frame_a_step_and_no_result(devices, model):
    first, *frames = start(devices, model)
    assert first == Progress("loading")
    assert [(f.index, f.total) for f in frames] == [(i, sketch.STEPS) for i in range(1, sketch.STEPS + 1)]


@pytest.mark.slow
def test_its_last_guess_is_the_decoded_picture_of_a_run_of_four_steps(devices, model):
    *_, last = start(devices, model)
    settings = {"num_inference_steps": 4, "sampler": sketch.SAMPLER, "sigma_schedule": sketch.SPACING}
    asked = TextToImageRequest.of(prompt="a red circle", model=model, seed=7, width=64, height=64, **settings)
    with lease(models.inspect(models.find(model)), devices) as bundle:
        run = Run.prepare(asked, bundle, devices)
        *_, step = run.steps(run.start())
        assert np.array_equal(last.x0_pred[0], bundle.decode(step.x[0]))
        assert np.array_equal(last.x, bundle.preview(step.x))
    assert last.x0_pred.shape == (1, 64, 64, 3) and last.x0_pred.std() > 10


@pytest.mark.slow
def test_the_prompt_and_the_seed_matter_and_a_seed_of_its_own_is_taken(devices, model):
    pictures = [
        list(start(devices, model, **values))[-1].x0_pred.tobytes()
        for values in ({}, {}, {"prompt": "a blue cat"}, {"seed": 8}, {"seed": -1}, {"guidance_scale": 9.0})
    ]
    assert pictures[0] == pictures[1] and len(set(pictures)) == 5


@pytest.mark.parametrize("end", ["close", "stop"])
def test_ended_early_it_evaluates_no_more_and_gives_the_model_back(devices, model, end):
    stream = start(devices, model, guidance_scale=1.0)
    assert isinstance([next(stream), next(stream)][-1], Frame)
    before = devices.worker().stats.evaluations
    if end == "close":
        stream.close()
    else:
        with pytest.raises(StopIteration):
            stream.throw(StopEarly())
    assert devices.worker().stats.evaluations == before
    assert all(not held["leases"] for held in devices.loaded())


@pytest.mark.parametrize(
    ("latents", "side"), [([24, 32], (256, 192)), (4, (64, 64)), (4096, (512, 512)), (None, (512, 512))]
)
def test_its_size_is_the_one_that_the_model_was_trained_at_within_bounds(latents, side):
    configs = {"unet": {"sample_size": latents}, "vae": {"block_out_channels": [8] * 4}}
    assert sketch._size(SimpleNamespace(network="unet", configs=configs, bridged=False)) == side


def test_a_model_that_is_not_here_is_a_clear_error(devices):
    with pytest.raises(NotFound, match="not installed"):
        list(registry.get("sketch").stream(sketch.SketchRequest("a cat", model="aigc-none"), devices))
