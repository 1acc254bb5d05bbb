"""Programs as they come from the registry make pictures by every way that the docs promise: webuiapi, sd-backend-client
and gradio_client, against a running studio."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import webuiapi
from gradio_client import Client
from PIL import Image
from sd_backend_client import A1111Webservice, DiffusionRequestBody

from tests import embedded
from tests.browser.conftest import Studio, running

pytestmark = pytest.mark.slow
SMALL = {"steps": 2, "width": 64, "height": 64, "seed": 5}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """With A1111's interface open, and a ControlNet for the embedded model."""
    from pipelines.diffusion import loading
    from tests.pipelines.diffusion.test_control import tiny_control

    home = tmp_path_factory.mktemp("models")
    unet = loading.load(embedded.INFO).part("unet")
    tiny_control(unet, hint=embedded.HINT).save_pretrained(home / "controlnet" / "edges")
    with running(tmp_path_factory.mktemp("outputs"), "--api", AIGC_MODELS=str(home)) as studio:
        yield studio


@pytest.fixture
def program(studio: Studio) -> Any:
    host, port = studio.url.removeprefix("http://").split(":")
    return webuiapi.WebUIApi(host=host, port=int(port))


@pytest.fixture
def square() -> Image.Image:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[16:48, 16:48] = 200
    return Image.fromarray(pixels)


def test_webuiapi_paints_and_paints_over(program: Any, square: Image.Image) -> None:
    made = program.txt2img(prompt="a red circle", **SMALL)
    assert made.image.size == (64, 64) and made.info["seed"] == 5
    assert np.array_equal(np.asarray(program.txt2img(prompt="a red circle", **SMALL).image), np.asarray(made.image))
    over = program.img2img(images=[square], prompt="a red circle", denoising_strength=0.4, **SMALL)
    assert over.image.size == (64, 64) and np.asarray(over.image).std() > 1


def test_webuiapis_control_units_are_followed(program: Any, square: Image.Image) -> None:
    assert program.controlnet_model_list() == ["edges"] and "canny" in program.controlnet_module_list()
    unit = webuiapi.ControlNetUnit(image=square, module="canny", model="edges", weight=0.8)
    # a dict of its own: the client puts units into the default that all later calls share
    made = program.txt2img(prompt="a red circle", controlnet_units=[unit], alwayson_scripts={}, **SMALL)
    text = made.info["infotexts"][0]
    assert "Control model: edges" in text and "Control type: canny" in text and "Control weight: 0.8" in text


def test_webuiapi_enlarges_reads_and_lists(program: Any, square: Image.Image) -> None:
    assert program.extra_single_image(square, upscaling_resize=2).image.size == (128, 128)
    both = program.extra_batch_images([square, square], upscaling_resize=2)
    assert [image.size for image in both.images] == [(128, 128)] * 2
    made = program.txt2img(prompt="a red circle", **SMALL)
    assert "a red circle" in program.png_info(made.image).info or made.info["infotexts"]
    assert program.util_get_current_model() == "aigc-mini" and "aigc-mini" in program.util_get_model_names()
    assert "Euler a" in program.util_get_sampler_names() and "karras" in [s["name"] for s in program.get_schedulers()]
    for ask in ("get_options", "get_cmd_flags", "get_upscalers", "get_latent_upscale_modes", "get_loras", "get_sd_vae",
                "get_hypernetworks", "get_face_restorers", "get_realesrgan_models", "get_prompt_styles",
                "get_embeddings", "get_memory", "get_scripts", "get_progress", "refresh_checkpoints", "interrupt",
                "skip"):  # fmt: skip
        getattr(program, ask)()


def test_an_enlarged_picture_carries_on_how_it_was_made(program: Any) -> None:
    made = program.txt2img(prompt="a red circle", **SMALL)
    larger = program.extra_single_image(made.image, upscaling_resize=2).image
    text = program.png_info(larger).info
    assert text.startswith("a red circle") and f"Seed: {made.info['seed']}" in text and "Hires" not in text


def test_a_lora_that_is_missing_is_said_in_info(program: Any) -> None:
    made = program.txt2img(prompt="a red circle <lora:nowhere:1>", **SMALL)
    assert any("nowhere is not installed" in note for note in made.info["notes"])


def test_sd_backend_client_takes_the_answers_apart(studio: Studio) -> None:
    service = A1111Webservice(studio.url)
    result = service.txt2img(DiffusionRequestBody(prompt="a red circle", **SMALL))
    assert [image.size for image in result["images"]] == [(64, 64)]


def test_gradio_client_gets_the_same_picture(studio: Studio, program: Any) -> None:
    client = Client(studio.url, verbose=False)
    small = {"num_inference_steps": 2, "width": 64, "height": 64, "seed": 5, "upscale": "none", "sampler": "euler"}
    picture, recipe, pictures = client.predict(prompt="a red circle", api_name="/generate", **small)
    assert recipe["request"]["seed"] == 5 and len(pictures) == 1
    theirs = program.txt2img(
        prompt="a red circle", cfg_scale=3.0, sampler_name="Euler", scheduler="SGM Uniform", **SMALL
    )
    assert np.array_equal(np.asarray(Image.open(picture)), np.asarray(theirs.image))
