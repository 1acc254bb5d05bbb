"""What a picture does not say was at rest where it was made: settings of the picture before must not go on."""

import json

import pytest

from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import foreign, infotext, recipe

BUSY = {
    "prompt": "a fox", "seed": 5, "sampler": "dpmpp_2m", "sigma_schedule": "karras", "hires_scale": 1.5,
    "clip_skip": 2, "guidance_rescale": 0.5, "variation_strength": 0.4, "variation_seed": 9, "count": 4,
    "guidance_curve": ((0.0, 9.0), (1.0, 1.0)), "loras": "ink:0.8", "tile": 128, "upscale": "4x", "width": 512,
    "control_model": "none", "style": "none", "eta": 0.3, "beta_schedule": "cosine", "prompt_syntax": "plain",
}  # fmt: skip


def after(text: str) -> TextToImageRequest:
    """A form with BUSY in it, once a picture with this text has come."""
    picture = foreign.read_text(text, TextToImageRequest)
    return TextToImageRequest.of(**TextToImageRequest.of(**BUSY).values() | picture.unsaid | picture.settings)


def test_nothing_of_the_picture_before_goes_on_into_one_of_another_tool():
    text = "a dog\nSteps: 10, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 1, Size: 64x96, "
    request = after(text + "Model: aigc-mini, Version: v1.10.1")
    assert request == TextToImageRequest.of(
        prompt="a dog",
        num_inference_steps=10,
        sampler="euler_ancestral",
        sigma_schedule="linspace",
        guidance_scale=7.0,
        seed=1,
        width=64,
        height=96,
        upscale="none",
    )


@pytest.mark.parametrize(
    ("sampler", "schedule", "spacing"),
    [
        ("DPM++ 2M", "Automatic", "karras"),
        ("DPM++ 2M SDE", "Automatic", "exponential"),
        ("DPM2 a", "Automatic", "karras"),
        ("Euler", "Automatic", "linspace"),
        ("DDIM", "Automatic", "ddim_uniform"),
        ("DPM++ 2M", "", "linspace"),  # from before the spacing had a pair of its own
        ("DPM++ 2M Karras", "", "karras"),
        ("DPM++ 2M SDE", "SGM Uniform", "path"),
    ],
)
def test_the_spacing_is_what_a1111_takes(sampler, schedule, spacing):
    pair = f"Schedule type: {schedule}, " if schedule else ""
    assert after(f"x\nSteps: 10, Sampler: {sampler}, {pair}CFG scale: 7, Seed: 1").schedule.sigma_schedule == spacing


def test_a_picture_of_ours_is_the_same_through_its_infotext_whatever_was_set_before():
    for values in (
        BUSY | {"count": 1},
        {"prompt": "a dog", "seed": 3},
        {"prompt": "a cat", "upscale": "auto", "seed": 3},
    ):
        request = TextToImageRequest.of(**values)
        text = infotext.write(recipe.new("text-to-image", request.values()))
        assert after(text).values() == request.values()


def test_a_field_that_an_older_recipe_did_not_have_is_at_rest():
    older = {"prompt": "a dog", "seed": 3, "guidance_scale": 2.0}
    text = json.dumps({"version": 1, "request": older})
    picture = foreign.read_text(f"{infotext.write(json.loads(text))}", TextToImageRequest)
    assert picture.unsaid["control_model"] == "none" and picture.unsaid["hires_scale"] == 1.0


def test_words_alone_change_the_prompt_alone():
    assert foreign.read_text("a dog\nNegative prompt: blurry", TextToImageRequest).unsaid == {}
    request = after("a dog")
    assert request.hires.scale == 1.5


def test_comfyuis_prompts_are_read_as_comfyui_reads_them():
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a (fox:1.2)", "clip": ["1", 1]}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "inputs": {"model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0],
                       "seed": 7, "steps": 5, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal"},
        },
    }  # fmt: skip
    assert after(json.dumps(graph)).prompt_syntax == "comfyui"
