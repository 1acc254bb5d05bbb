"""Checkpoints that see the mask: diffusers' own numbers, and for other networks nothing changes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline

from pipelines import models
from pipelines.diffusion import loading
from pipelines.diffusion.inpainting import mask_condition
from pipelines.diffusion.run import Run
from pipelines.diffusion.start import fitted
from pipelines.errors import BadRequest
from pipelines.requests.text_to_image import TextToImageRequest
from tests import tiny, tiny_zoo
from tests.pipelines.diffusion.test_image_to_image import MASK, MIDDLE, OUTSIDE, PICTURE, SIDE, START, mask, paint

ALIGNED = mask((slice(16, 48), slice(8, 32)))  # in latent pixels of 4 and of 8: both ways to make it small are one


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Any]:
    torch.manual_seed(0)
    made = {"sd": tiny.tiny_pipeline("kl"), "sdxl": tiny_zoo.tiny_pipeline("sdxl")}
    kinds = {"sd": StableDiffusionInpaintPipeline, "sdxl": StableDiffusionXLInpaintPipeline}
    result = {}
    betas = tiny.tiny_pipeline("kl").scheduler.config
    scheduler = DDIMScheduler.from_config(betas, timestep_spacing="trailing", set_alpha_to_one=True)
    for name, pipeline in made.items():
        unet = (
            type(pipeline.unet)
            .from_config({**pipeline.unet.config, "in_channels": 9, "_use_default_values": []})
            .eval()
        )
        parts = {**pipeline.components, "unet": unet, "scheduler": scheduler}
        parts |= {} if name == "sdxl" else {"requires_safety_checker": False}
        result[name] = kinds[name](**parts)
        result[name].set_progress_bar_config(disable=True)
    return result


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, pipelines: dict[str, Any]) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    for name, pipeline in pipelines.items():
        pipeline.save_pretrained(folder / name)
    tiny.tiny_model(folder / "plain", "kl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def request(picture: Any, painted: Any, **values: Any) -> TextToImageRequest:
    common = {"prompt": "a red circle", "num_inference_steps": 5, "seed": 7, "upscale": "none", "sampler": "ddim"}
    size = {"width": SIDE, "height": SIDE}
    named = {"image": "" if picture is None else START, "mask_image": "" if painted is None else MASK}
    return TextToImageRequest.parse(common | size | named | values).with_pictures(
        {START: picture, MASK: painted}.__getitem__
    )


def latents_of(run: Run) -> torch.Tensor:
    *_, last = run.steps(run.start())
    return last.x


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_our_loop_equals_diffusers_inpaint_pipeline(home, devices, pipelines, kind, strength):
    model = loading.load(models.inspect(home / kind))
    side = model.latent_factor * 16
    picture = fitted(PICTURE, side, side)
    painted = np.kron(mask((slice(4, 12), slice(2, 8)), side=16)[..., :1], np.ones((side // 16, side // 16, 1)))
    painted = painted.astype(np.uint8).repeat(3, axis=2)
    run = Run.prepare(
        request(picture, painted, model=kind, strength=strength, width=side, height=side, guidance_scale=4),
        model,
        devices,
    )
    start = run.start()
    *_, last = run.steps(start)
    seen = mask_condition(model, model.latent_shape(side, side), run.picture)["inpaint"]  # type: ignore[arg-type]
    said = pipelines[kind](
        "a red circle",
        image=torch.from_numpy(picture).permute(2, 0, 1)[None] / 255.0,
        mask_image=torch.from_numpy(painted[..., 0])[None, None] / 255.0,
        masked_image_latents=seen[None, 1:],
        latents=start * model.process.scale(float(run.path.sigmas[0])),
        num_inference_steps=5,
        strength=strength,
        guidance_scale=4,
        width=side,
        height=side,
        output_type="latent",
    ).images
    assert len(run.path) == int(5 * strength)
    assert (last.x - said).abs().max() < 1e-5 * max(1, float(said.abs().max()))


def test_the_network_sees_the_mask_and_the_latents_of_the_picture_without_what_it_covers(home, devices):
    model = loading.load(models.inspect(home / "sd"))
    run = Run.prepare(request(PICTURE, ALIGNED, model="sd"), model, devices)
    seen = mask_condition(model, model.latent_shape(SIDE, SIDE), run.picture)["inpaint"]  # type: ignore[arg-type]
    assert np.array_equal(seen[0].numpy() > 0, ALIGNED[::4, ::4, 0] > 0)
    grey = np.where(ALIGNED > 0, 127.5, fitted(PICTURE, SIDE, SIDE)).astype(np.float32)
    assert torch.equal(seen[1:], model.encode_picture(grey))


@pytest.mark.parametrize("picture", [None, PICTURE], ids=["nothing", "no mask"])
def test_without_a_picture_or_a_mask_everything_is_to_be_painted(home, devices, picture):
    model = loading.load(models.inspect(home / "sd"))
    run = Run.prepare(request(picture, None, model="sd"), model, devices)
    seen = mask_condition(model, model.latent_shape(SIDE, SIDE), run.picture)["inpaint"]  # type: ignore[arg-type]
    assert (seen[0] == 1).all()
    assert torch.equal(seen[1:], model.encode_picture(np.full((SIDE, SIDE, 3), 127.5, np.float32)))
    assert latents_of(run).isfinite().all()


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_outside_the_mask_not_one_bit_changes(home, devices, kind):
    made = paint(devices, PICTURE, MIDDLE, model=kind).images[0]
    before = fitted(PICTURE, SIDE, SIDE)
    assert np.array_equal(made[OUTSIDE], before[OUTSIDE]) and not np.array_equal(made, before)


def test_other_networks_are_told_nothing(home):
    model = loading.load(models.inspect(home / "plain"))
    assert mask_condition(model, model.latent_shape(SIDE, SIDE), None) == {}


def test_a_batch_equals_its_pictures_made_alone(home, devices):
    batch = paint(devices, PICTURE, MIDDLE, model="sd", count=2).images
    assert np.array_equal(batch[1], paint(devices, PICTURE, MIDDLE, model="sd", seed=8).images[0])


def test_a_network_that_sees_the_whole_mask_is_not_worked_in_tiles(home, devices):
    model = loading.load(models.inspect(home / "sd"))
    with pytest.raises(BadRequest, match="set tile to 0"):
        Run.prepare(request(PICTURE, ALIGNED, model="sd", width=128, height=128, tile=64), model, devices)
