"""SDXL, SD3, FLUX and PixArt through our own loop: diffusers' own numbers, on miniature models of the real classes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models
from pipelines.device.worker import Worker
from pipelines.diffusion import loading
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import Conditions, PictureContext
from pipelines.diffusion.denoiser import Denoiser
from pipelines.events import Frame, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.samplers import SAMPLERS
from tests.tiny_zoo import KINDS, tiny_pipeline

SIDE, STEPS, SCALE = 64, 5, 2.5
PROMPT, NEGATIVE = "a red circle", "a cat"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("zoo")
    for kind in KINDS:
        tiny_pipeline(kind).save_pretrained(folder / kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def ours(model: Bundle, noise: torch.Tensor, path: NoisePath, sampler: str, negative: str) -> torch.Tensor:
    """The latents at the end of our loop, from the noise that diffusers was given, in batches of its size."""
    drawn = PictureContext(SIDE, SIDE, SCALE)
    words = model.condition(plain(PROMPT), "original", drawn).condition
    avoided = model.condition(plain(negative), "original", drawn, negative=True).condition
    network = model.network(tuple(noise.shape[1:]))
    guidance = Guidance(1.0 if model.distilled else SCALE)
    worker = Worker(threads=torch.get_num_threads())
    denoiser = Denoiser(network, worker, model.process, path, Conditions.fixed(words, avoided), guidance)
    x = noise / model.process.scale(float(path.sigmas[0]))
    *_, last = SAMPLERS[sampler](denoiser, x, path.sigmas, torch.randn_like)
    worker.close()
    return last.x


def leading(model: Bundle, scheduler: Any) -> NoisePath:
    """diffusers' own timesteps of a variance-preserving model as a path of ours."""
    scheduler.set_timesteps(STEPS)
    timesteps = scheduler.timesteps.double()
    known = torch.as_tensor(model.process.alphas_cumprod)[timesteps.long()]
    sigmas = torch.cat([((1 - known) / known).sqrt(), torch.zeros(1, dtype=torch.float64)])
    return NoisePath(sigmas, timesteps)


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Within 1e-5 where latents have the deviation 1 of trained models; random weights make larger ones."""
    assert b.std() > 0.1
    return float((a - b).abs().max()) <= 1e-5 * max(1.0, float(b.std()))


def run(kind: str, home: Path) -> tuple[Any, Bundle, torch.Tensor]:
    pipeline = tiny_pipeline(kind)
    pipeline.set_progress_bar_config(disable=True)
    model = loading.load(models.inspect(home / kind))
    noise = torch.randn(1, *model.latent_shape(SIDE, SIDE), generator=torch.Generator().manual_seed(3))
    return pipeline, model, noise


ASKED = {"height": SIDE, "width": SIDE, "num_inference_steps": STEPS, "output_type": "latent"}


@pytest.mark.parametrize("negative", ["", NEGATIVE])
def test_sdxl_equals_diffusers(home, negative):
    pipeline, model, noise = run("sdxl", home)
    theirs = pipeline(PROMPT, negative_prompt=negative or None, guidance_scale=SCALE, latents=noise, **ASKED).images
    path = leading(model, pipeline.scheduler)
    assert close(ours(model, noise, path, "euler", negative), theirs)


def test_the_refiner_equals_diffusers_from_the_same_noised_latents(home):
    pipeline, model, noise = run("refiner", home)
    pipeline.scheduler.set_timesteps(STEPS)
    path = leading(model, pipeline.scheduler)
    clean = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(6)
    asked = {name: value for name, value in ASKED.items() if name not in ("height", "width")}
    theirs = pipeline(
        PROMPT, image=clean, negative_prompt=NEGATIVE, guidance_scale=SCALE, strength=1.0, generator=generator, **asked
    ).images
    drawn = torch.randn(clean.shape, generator=torch.Generator().manual_seed(6))
    sigma = float(path.sigmas[0])
    x = (clean + sigma * drawn) * model.process.scale(sigma)
    assert close(ours(model, x, path, "euler", NEGATIVE), theirs)


@pytest.mark.parametrize("kind", ["sd3", "sd3-without-t5"])
def test_sd3_equals_diffusers(home, kind):
    pipeline, model, noise = run(kind, home)
    theirs = pipeline(PROMPT, negative_prompt=NEGATIVE, guidance_scale=SCALE, latents=noise, **ASKED).images
    path = model.process.path(noise.shape[2] * noise.shape[3], num_inference_steps=STEPS)
    assert close(ours(model, noise, path, "euler", NEGATIVE), theirs)


@pytest.mark.parametrize("kind", ["flux-dev", "flux-schnell"])
def test_flux_equals_diffusers(home, kind):
    from pipelines.diffusion.architectures.flux import packed, unpacked

    pipeline, model, noise = run(kind, home)
    theirs = pipeline(
        PROMPT,
        guidance_scale=SCALE,
        latents=packed(noise),
        max_sequence_length=model.reading(model.info).length,
        **ASKED,
    ).images
    path = model.process.path(noise.shape[2] * noise.shape[3], num_inference_steps=STEPS)
    assert close(ours(model, noise, path, "euler", ""), unpacked(theirs, noise.shape))


def test_pixart_equals_diffusers(home):
    pipeline, model, noise = run("pixart", home)
    asked = ASKED | {"use_resolution_binning": False, "clean_caption": False}
    theirs = pipeline(PROMPT, negative_prompt=NEGATIVE, guidance_scale=SCALE, latents=noise, **asked).images
    path = leading(model, pipeline.scheduler)
    assert close(ours(model, noise, path, "dpmpp_2m", NEGATIVE), theirs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_streams_through_the_one_generator(home, devices, kind):
    asked = {"prompt": PROMPT, "model": kind, "num_inference_steps": 3, "seed": 7, "width": SIDE, "height": SIDE}
    *events, result = TextToImage().stream(TextToImageRequest.parse(asked | {"upscale": "none"}), devices)
    frames = [event for event in events if isinstance(event, Frame)]
    assert [(f.index, f.total) for f in frames] == [(i, 3) for i in range(4)] and frames[-1].sigma == 0
    assert isinstance(result, Result) and result.images.shape == (1, SIDE, SIDE, 3)
    assert result.images.std() > 1


@pytest.mark.parametrize("kind", ["sd3", "flux-dev"])
@pytest.mark.parametrize("asked", [{"beta_schedule": "cosine"}, {"sigma_schedule": "karras"}], ids=str)
def test_any_schedule_paints_with_a_flow_too(home, devices, kind, asked):
    small = {"prompt": PROMPT, "model": kind, "num_inference_steps": 4, "seed": 7, "width": SIDE, "height": SIDE}
    *_, result = TextToImage().stream(TextToImageRequest.parse(small | {"upscale": "none"} | asked), devices)
    assert isinstance(result, Result) and np.isfinite(result.images).all() and result.images.std() > 1


def test_a_flows_levels_are_those_of_diffusers_scheduler():
    from diffusers import FlowMatchEulerDiscreteScheduler

    from pipelines.theory.process import flow_process

    for shift in (1.0, 3.0):
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
        scheduler.set_timesteps(7)
        t = flow_process(dict(scheduler.config), to_the_end=True).times(7, 64)
        assert np.abs(t - scheduler.sigmas[:-1].numpy()).max() < 1e-6
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
    scheduler.set_timesteps(7, sigmas=np.linspace(1, 1 / 7, 7), mu=0.5 + (1.15 - 0.5) * (1024 - 256) / (4096 - 256))
    t = flow_process(dict(scheduler.config), to_the_end=False).times(7, 4 * 1024)
    assert np.abs(t - scheduler.sigmas[:-1].numpy()).max() < 1e-6
