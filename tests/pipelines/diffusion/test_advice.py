"""Which settings are advised against, and that what is set instead is sound."""

from dataclasses import replace
from typing import Any

import pytest

from pipelines import models
from pipelines.diffusion.advice import advise
from pipelines.diffusion.suited import FEW_STEPS, suited
from pipelines.models.architectures import ARCHITECTURES
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.samplers import SAMPLERS
from tests import embedded

OURS = embedded.INFO
SIDE = embedded.SIDE
NATIVE = {"width": SIDE, "height": SIDE}
PICTURE = "0" * 64


def info(architecture: str, name: str = "base", latents: int | None = 64):
    configs = {"unet": {"sample_size": latents}, "transformer": {"sample_size": latents}}
    return replace(
        OURS, name=name, architecture=architecture, configs=configs | {"vae": {"block_out_channels": [8] * 4}}
    )


SD, SDXL, FLUX = info("sd"), info("sdxl", latents=128), info("flux", latents=None)
SD_SOUND = {"width": 512, "height": 512, "guidance_scale": 7.0}
SDXL_SOUND = {"width": 1024, "height": 1024, "guidance_scale": 5.0}


def advised(model: models.ModelInfo, values: dict[str, Any]) -> dict[str, Any]:
    return dict(advise(model, TextToImageRequest.of(**values)).settings)


@pytest.mark.parametrize(
    "values, settings",
    [
        ({}, {}),
        ({"width": SIDE * 7 // 8, "height": SIDE * 17 // 16}, {}),
        ({"width": 512, "height": 512}, NATIVE),
        ({"width": SIDE * 3 // 2}, NATIVE),
        ({"height": SIDE // 2}, NATIVE),
        ({"width": 512, "height": 512, "image": PICTURE, "strength": 0.2}, {}),
        ({"width": 512, "height": 512, "image": PICTURE, "strength": 0.6}, NATIVE),
        ({"width": 512, "tile": SIDE}, NATIVE | {"tile": 0}),
        ({"width": SIDE // 2, "height": 4 * SIDE, "tile": 2 * SIDE}, NATIVE | {"tile": 0}),
        ({"image": PICTURE, "outpaint_left": SIDE // 2, "outpaint_top": SIDE // 8}, {"outpaint_left": SIDE // 8}),
        ({"image": PICTURE, "outpaint_right": SIDE // 4, "tile": SIDE}, {"outpaint_right": SIDE // 8}),
        ({"image": PICTURE, "outpaint_left": SIDE // 8, "outpaint_right": SIDE // 8}, {}),
        ({"hires_scale": 2}, {"hires_scale": 1.0}),
        ({"hires_scale": 2, "hires_strength": 0.6, "tile": SIDE}, {"hires_scale": 1.0}),
        ({"hires_scale": 2, "hires_strength": 0.2}, {"hires_scale": 1.0}),
        ({"hires_scale": 2, "hires_strength": 0.2, "hires_upscaler": "ours"}, {}),
        ({"guidance_scale": 7.5}, {}),
        ({"guidance_scale": 10}, {"guidance_scale": 3.0}),
        ({"guidance_scale": 15, "guidance_curve": ((0, 4), (1, 1))}, {}),
        ({"num_inference_steps": 4}, {}),
        ({"num_inference_steps": 3}, {"num_inference_steps": 4}),
        ({"num_inference_steps": 8, "sampler": "dpm_2_ancestral"}, {"num_inference_steps": 20}),
        ({"num_inference_steps": 8, "sampler": "dpmpp_3m_sde"}, {"num_inference_steps": 12}),
        ({"num_inference_steps": 8, "sampler": "heun"}, {}),
        ({"num_inference_steps": 2, "beta_schedule": "cosine", "num_train_timesteps": 3}, {}),
        (
            {"width": 512, "height": 512, "guidance_scale": 12, "hires_scale": 2},
            NATIVE | {"hires_scale": 1.0, "guidance_scale": 3.0},
        ),
    ],
)
def test_what_ruins_pictures_of_the_embedded_model_is_said(values, settings):
    assert advised(OURS, values) == settings


@pytest.mark.parametrize(
    "model, values, settings",
    [
        (SD, SD_SOUND, {}),
        (SD, SD_SOUND | {"height": 768}, {}),
        (SD, SD_SOUND | {"width": 768, "height": 768, "guidance_scale": 12}, {}),
        (SD, SD_SOUND | {"hires_scale": 2}, {}),
        (SD, SD_SOUND | {"image": PICTURE, "outpaint_left": 256}, {}),
        (SD, SD_SOUND | {"width": 1024, "height": 1024}, {"width": 512, "height": 512}),
        (SD, SD_SOUND | {"width": 1280, "height": 720}, {"width": 704, "height": 384}),
        (SD, SD_SOUND | {"width": 2048, "height": 512}, {"width": 512, "height": 512}),
        (SD, SD_SOUND | {"width": 1024, "height": 1024, "image": PICTURE, "strength": 0.25}, {}),
        (SD, SD_SOUND | {"width": 128, "height": 128}, {"width": 512, "height": 512}),
        (SD, SD_SOUND | {"num_inference_steps": 2}, {"num_inference_steps": 4}),
        (SD, SD_SOUND | {"num_inference_steps": 1, "guidance_scale": 1.5}, {}),  # as LoRAs for few steps want it
        (SD, SD_SOUND | {"num_inference_steps": 2, "sampler": "lcm"}, {}),
        (SD, SD_SOUND | {"num_inference_steps": 12, "sampler": "dpm_2_ancestral"}, {}),
        (SD, SD_SOUND | {"width": 2048, "tile": 512}, {}),
        (SD, SD_SOUND | {"width": 2048, "height": 2048, "tile": 1024}, {"tile": 512}),
        (SD, SD_SOUND | {"width": 64, "height": 2048, "tile": 1024}, {"width": 512, "height": 512, "tile": 0}),
        (SDXL, SDXL_SOUND | {"width": 832, "height": 1216}, {}),
        (SDXL, SDXL_SOUND | {"width": 512, "height": 512}, {"width": 1024, "height": 1024}),
        (FLUX, {"width": 512, "height": 512, "guidance_scale": 3.5}, {}),
        (info("sdxl", "a_turbo", 128), SDXL_SOUND | {"guidance_scale": 2, "num_inference_steps": 4}, {}),
        (info("sdxl", "a_turbo", 128), SDXL_SOUND | {"guidance_scale": 7}, {"guidance_scale": 1.0}),
    ],
)
def test_of_large_models_only_what_is_far_from_their_use_is_said(model, values, settings):
    assert advised(model, values) == settings


@pytest.mark.parametrize("hint", ["base", *(name.split(")")[-1] for name, _, _ in FEW_STEPS)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_suits_a_model_is_never_advised_against(architecture, hint):
    model = info(architecture, f"the {hint}")
    for sampler in SAMPLERS:
        assert advised(model, {**suited(model), "sampler": sampler}) == {}


@pytest.mark.parametrize("model", [OURS, SD, SDXL, FLUX], ids=lambda model: model.architecture)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("width, height, tile", [(64, 512, 0), (64, 512, 96), (1600, 64, 512), (1600, 1600, 0)])
def test_with_what_is_advised_there_is_no_more_to_say(model, sampler, width, height, tile):
    request = TextToImageRequest.of(
        width=width,
        height=height,
        tile=tile,
        sampler=sampler,
        num_inference_steps=1,
        guidance_scale=30,
        hires_scale=1.25,
        hires_strength=1,
    )
    advice = advise(model, request)
    better = request.changed(**advice.settings)
    assert advice.reasons and not advise(model, better).reasons
    assert TextToImageRequest.parse(better.json_values()).width == better.width


def test_each_reason_says_what_was_given():
    said = " ".join(advise(OURS, TextToImageRequest.of(width=512, height=384, guidance_scale=10)).reasons)
    assert f"{SIDE} × {SIDE}" in said and "512 × 384" in said and "Guidance 10 " in said
