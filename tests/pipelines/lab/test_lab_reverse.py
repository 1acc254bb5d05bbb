"""A noised picture taken back by the embedded model: what is shown is what the samplers computed."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease
from pipelines.diffusion.run import PictureNoise
from pipelines.diffusion.start import fitted
from pipelines.errors import BadRequest
from pipelines.lab import reverse
from pipelines.lab.picture import picture_of
from pipelines.lab.reverse import ReverseRequest
from pipelines.theory.betas import BETA_SCHEDULES, make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.path import path_from
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.sigmas import SIGMA_SCHEDULES
from tests.embedded import SIDE


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    with contextlib.closing(DeviceManager()) as made:
        yield made


def ask(devices: DeviceManager, **values: Any) -> dict[str, Any]:
    return reverse.answer(ReverseRequest.parse(values), devices)


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square, of 255."""
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_watching_changes_nothing(devices: DeviceManager, sampler: str) -> None:
    asked = ReverseRequest.parse({"sampler": sampler, "num_inference_steps": 4, "eta": 0.5})
    with lease(models.inspect(models.find(asked.model)), devices) as model:
        path = path_from(model.process.alphas_cumprod, asked.process(), asked.t - 1, "path", 4)
        shape = model.latent_shape(SIDE, SIDE)
        noise = PictureNoise([asked.seed], shape, "cpu")
        x = model.encode_picture(fitted(picture_of(asked), SIDE, SIDE)) + float(path.sigmas[0]) * noise()
        denoiser = reverse._denoiser(asked, model, devices, path, shape)
        *_, last = SAMPLERS[sampler](denoiser, x, path.sigmas, lambda like: noise(), asked.eta)
        plain = model.decode(last.x[0])
    watched = reverse.answer(asked, devices)
    assert np.array_equal(watched["result"][0], plain)
    assert len(watched["x"]) == len(watched["told"]) == 4


def test_a_little_noise_gives_the_picture_back_and_a_lot_only_the_prompt(devices: DeviceManager) -> None:
    blue = "a tiger on a blue background"
    little, lot = ask(devices, t=30, prompt=blue), ask(devices, t=1000, prompt=blue)
    assert gap(little["result"], little["source"]) < 25 < 60 < gap(lot["result"], lot["source"])
    corner = lot["result"][0, :8, :8].mean(axis=(0, 1))
    assert corner[2] > 1.5 * corner[0]


def test_a_picture_does_not_come_back_by_wrong_timesteps(devices: DeviceManager) -> None:
    right, wrong = ask(devices, t=400), ask(devices, t=400, shift=-250)
    assert gap(wrong["result"], wrong["source"]) > 1.3 * gap(right["result"], right["source"])
    assert wrong["told"] == [max(1, t - 250) for t in wrong["timesteps"]]


def test_guidance_of_1_adds_nothing_and_more_adds_more(devices: DeviceManager) -> None:
    shares = [ask(devices, guidance_scale=scale)["guidance_share"][0] for scale in (1, 3, 6)]
    assert shares[0] == 0 < shares[1] < shares[2]
    assert (ask(devices, guidance_scale=1)["guided"] == 128).all()


def test_a_drawn_guidance_acts_step_by_step(devices: DeviceManager) -> None:
    drawn = ask(devices, guidance_curve=[[0, 5], [1, 1]], num_inference_steps=5)
    assert drawn["scales"] == [5, 4, 3, 2, 1] and drawn["guidance_share"][-1] == 0
    with pytest.raises(BadRequest, match="guidance_curve must lie between"):
        ask(devices, guidance_curve=[[0, 99]])


def test_one_step_is_left_at_the_lowest_noise(devices: DeviceManager) -> None:
    answer = ask(devices, t=1, num_inference_steps=10)
    assert len(answer["x"]) == 1 and "only 1 steps are left" in answer["notes"][0]
    assert answer["timesteps"] == [1]
    with pytest.raises(BadRequest, match="t must be 1 to"):
        ask(devices, t=0)


@pytest.mark.parametrize("name", BETA_SCHEDULES)
@pytest.mark.parametrize("spacing", SIGMA_SCHEDULES)
@pytest.mark.parametrize("t", (0, 3, 60, 149))
def test_every_path_falls_from_the_noise_of_its_t(name: str, spacing: str, t: int) -> None:
    network = DiffusionProcess(make_betas("linear", 1000))
    process = DiffusionProcess(make_betas(name, 150))
    path = path_from(network.alphas_cumprod, process, t, spacing, 12)
    known = network.sigmas.clamp(max=float(np.exp(5.1)))
    wanted = process.sigmas[t].clamp(known[0], known[-1])
    assert float(path.sigmas[0]) == pytest.approx(float(wanted), rel=1e-6)
    assert bool((path.sigmas.diff() < 0).all()) and path.sigmas[-1] == 0
    assert 1 <= len(path) <= 12 + (spacing == "ddim_uniform") and bool(torch.isfinite(path.timesteps).all())
