"""The settings that come with a model: its own size, and what its kind is used with."""

from dataclasses import replace

import pytest

from pipelines import models
from pipelines.diffusion.suited import suited
from pipelines.requests.text_to_image import TextToImageRequest

OURS = models.inspect(models.find("aigc-mini"))


def info(architecture: str, name: str, latents: int | None):
    configs = {"unet": {"sample_size": latents}, "transformer": {"sample_size": latents}}
    return replace(
        OURS, name=name, architecture=architecture, configs=configs | {"vae": {"block_out_channels": [8] * 4}}
    )


def test_the_embedded_model_keeps_the_requests_own_defaults():
    assert suited(OURS) == {name: TextToImageRequest.defaults()[name] for name in suited(OURS)}


@pytest.mark.parametrize(
    "architecture, name, latents, side, steps, scale",
    [
        ("sd", "v1-5-pruned-emaonly", 64, 512, 25, 7.0),
        ("sd", "v2-1_768-nonema", 96, 768, 25, 7.0),
        ("sdxl", "sd_xl_base_1.0", 128, 1024, 25, 5.0),
        ("sdxl", "sd_xl_turbo_1.0_fp16", 128, 1024, 4, 1.0),
        ("sdxl", "juggernautXL_Lightning", 128, 1024, 6, 1.0),
        ("flux", "flux1-schnell", None, 1024, 4, 1.0),
        ("flux", "flux1-dev", None, 1024, 28, 3.5),
        ("sd3", "sd3.5_medium", 128, 1024, 28, 5.0),
    ],
)
def test_real_models_bring_their_size_and_the_steps_of_their_kind(architecture, name, latents, side, steps, scale):
    wanted = {"width": side, "height": side, "num_inference_steps": steps, "guidance_scale": scale}
    assert suited(info(architecture, name, latents)) == wanted
    TextToImageRequest.parse(wanted).check()
