"""What a prompt's grammar does to a picture, over a miniature model: as laws, and in A1111's and ComfyUI's formulas."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import apart, loading
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import SEQUENCE, PictureContext, PromptPair
from pipelines.diffusion.denoiser import Denoiser
from pipelines.diffusion.run import Run
from pipelines.errors import BadRequest
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.prompts import Sections, parse, plain
from pipelines.prompts.embedding import MOST_CHUNKS, Frame, chunks_of, token_ids
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import noise_path
from pipelines.theory.samplers import SAMPLERS
from tests.tiny import tiny_model

ROOM = 14  # tokens of a chunk of the miniature model


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home") / "models"
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    (folder.parent / "wildcards").mkdir()
    (folder.parent / "wildcards" / "colour.txt").write_text("red\ngreen\nblue\nyellow\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def model(home: Path) -> Bundle:
    return loading.load(models.inspect(home / "tiny"))


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return loading.load(models.inspect(models.find("aigc-mini")))


def request(**values: Any) -> TextToImageRequest:
    small = {"width": 64, "height": 64, "upscale": "none", "sampler": "ddim", "model": "tiny"}
    return TextToImageRequest.parse({"prompt": "a red circle", "num_inference_steps": 4, "seed": 7} | small | values)


def paint(devices: DeviceManager, **values: Any) -> Result:
    *_, result = TextToImage().stream(request(**values), devices)
    assert isinstance(result, Result)
    return result


def pixels(devices: DeviceManager, **values: Any) -> np.ndarray:
    return paint(devices, **values).images


DRAWN = PictureContext(64, 64, 3.0)


def words(model: Bundle, sections: Sections, weighting: str) -> torch.Tensor:
    return model.read(sections, weighting).condition[SEQUENCE]


def told(model: Bundle, text: str, weighting: str = "original") -> torch.Tensor:
    syntax = "comfyui" if weighting == "interpolate" else "a1111"
    return words(model, parse(text, syntax).at(0, 1)[0].sections, weighting)


# --- what must not change anything -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt",
    [
        "a (red:1.0) circle",
        "(a red circle:1)",
        "([a red circle])",
        "[a red circle:a cat:4]",
        "[a red circle|a red circle]",
    ],
)
def test_where_every_weight_is_one_the_picture_is_the_plain_one(home, devices, prompt):
    assert np.array_equal(pixels(devices, prompt=prompt), pixels(devices, prompt_syntax="plain"))


def test_a_plain_prompt_is_embedded_as_transformers_does_it(model):
    batch = model.tokenizer("a red circle", padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        theirs = model.text_encoder(batch.input_ids)[0][0]
    assert torch.equal(told(model, "a red circle"), theirs)
    assert torch.equal(words(model, plain("a red circle"), "no_norm"), theirs)


@pytest.mark.parametrize(
    "prompt", ["", "a panda", "黄色背景上的大红色圆形", "Two small cats, 16:9 & more!", "red " * 38]
)
def test_the_shipped_model_is_told_what_it_was_trained_to_read(shipped, prompt):
    length = shipped.reading(shipped.info).length
    batch = shipped.tokenizer(prompt, padding="max_length", max_length=length, return_tensors="pt")
    assert batch.input_ids.shape == (1, length)
    with torch.inference_mode():
        theirs = shipped.text_encoder(batch.input_ids)[0][0]
    assert torch.equal(told(shipped, prompt), theirs)


def test_an_encoder_with_an_attention_mask_gets_the_tokenizers(home):
    model = loading.load(models.inspect(home / "tiny"))
    model.text_encoder.config.use_attention_mask = True
    batch = model.tokenizer("a red circle", padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        theirs = model.text_encoder(batch.input_ids, attention_mask=batch.attention_mask)[0][0]
    assert torch.equal(told(model, "a red circle"), theirs)


def test_an_escaped_bracket_is_the_bracket_itself(model):
    assert torch.equal(told(model, r"a \(red\) cat"), words(model, plain("a (red) cat"), "original"))


# --- weights ---------------------------------------------------------------------------------------------------------


def test_weights_multiply_tokens_and_the_mean_is_restored(model):
    plainly, weighted = told(model, "a red circle"), told(model, "a (red:1.5) circle")
    factor = torch.ones(16, 1)
    factor[2] = 1.5  # after BOS and "a"
    torch.testing.assert_close(weighted, plainly * factor * plainly.mean() / (plainly * factor).mean())
    torch.testing.assert_close(weighted.mean(), plainly.mean())
    assert torch.equal(told(model, "a (red:1.5) circle", "no_norm"), plainly * factor)


def test_comfyuis_weights_go_on_from_the_empty_prompt(model):
    plainly, empty = told(model, "a red circle"), told(model, "")
    weighted = told(model, "a (red:1.5) circle", "interpolate")
    torch.testing.assert_close(weighted[2], empty[2] + 1.5 * (plainly[2] - empty[2]))
    assert torch.equal(weighted[:2], plainly[:2]) and torch.equal(weighted[3:], plainly[3:])


@pytest.mark.parametrize("values", [{}, {"emphasis": "no_norm"}, {"prompt_syntax": "comfyui"}], ids=str)
def test_a_weight_shows_in_the_picture_and_each_way_of_weighing_makes_its_own(home, devices, values):
    made = pixels(devices, prompt="a (red:1.6) circle", **values)
    assert not np.array_equal(made, pixels(devices))
    others = [{}, {"emphasis": "no_norm"}, {"prompt_syntax": "comfyui"}]
    assert sum(np.array_equal(made, pixels(devices, prompt="a (red:1.6) circle", **other)) for other in others) == 1


# --- chunks ----------------------------------------------------------------------------------------------------------


def lengths(model: Bundle, text: str) -> list[int]:
    frame = Frame.of(model.tokenizer, model.reading(model.info).length)
    return [
        len(chunk.tokens)
        for chunk in chunks_of(parse(text).at(0, 1)[0].sections, partial(token_ids, model.tokenizer), frame)
    ]


@pytest.mark.parametrize(
    "text, chunks",
    [
        ("", [0]),
        ("red " * ROOM, [ROOM]),
        ("red " * (ROOM + 1), [ROOM, 1]),
        ("red BREAK green cat", [1, 2]),
        ("BREAK BREAK", [0, 0, 0]),
        ("red " * 10 + ", " + "cat " * 8, [11, 8]),
        ("red " * ROOM + ", cat", [ROOM, 2]),
        (("red " * ROOM) + "BREAK cat", [ROOM, 1]),
    ],
)
def test_a_chunk_ends_where_it_is_full_at_its_last_comma_or_at_a_break(model, text, chunks):
    assert lengths(model, text) == chunks


def test_chunks_stand_one_behind_the_other(model):
    both = told(model, "a red circle BREAK a (cat:1.3)")
    assert torch.equal(both, torch.cat([told(model, "a red circle"), told(model, "a (cat:1.3)")]))


def test_the_shorter_of_prompt_and_negative_is_filled_up_with_the_empty_prompt(model):
    [step] = PromptPair.read("red " * 30, "a cat").conditions(model, 1, DRAWN)[0].steps
    uncond, cond = step.all(1)[SEQUENCE]
    assert len(uncond) == len(cond) == 3 * 16
    assert torch.equal(uncond, torch.cat([told(model, "a cat"), told(model, ""), told(model, "")]))


def test_the_end_of_a_long_prompt_matters(home, devices):
    start = "a red circle and " * 5
    assert not np.array_equal(pixels(devices, prompt=start + "a cat"), pixels(devices, prompt=start + "a dog"))


def test_what_no_chunk_holds_is_said(home, devices):
    assert paint(devices, prompt="red " * ROOM * MOST_CHUNKS).notes == ()
    [note] = paint(devices, negative_prompt="red " * (ROOM * MOST_CHUNKS + 3)).notes
    assert "negative_prompt" in note and "3 were left out" in note


# --- over the steps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3])
def test_an_edit_at_step_k_equals_two_runs_glued_at_their_latents(home, devices, model, k):
    def run(prompt: str) -> Run:
        return Run.prepare(request(prompt=prompt, negative_prompt="a dog"), model, devices)

    first, second, edited = run("a red circle"), run("a cat"), run(f"[a red circle:a cat:{k}]")
    state = [step.x for step in first.steps(first.start())][k - 1]
    *_, last = SAMPLERS["ddim"](second.denoiser, state, second.path.sigmas[k:], torch.randn_like)
    *_, whole = edited.steps(edited.start())
    assert torch.equal(last.x, whole.x)


def test_alternation_takes_its_words_by_the_step(model):
    steps = PromptPair.read("[red|green|blue] cat", "").conditions(model, 5, DRAWN)[0].steps
    for step, word in zip(steps, ["red", "green", "blue", "red", "green"], strict=True):
        assert torch.equal(step.alone(1)[SEQUENCE][0], told(model, f"{word} cat"))


def test_the_negative_prompt_may_change_too(model):
    steps = PromptPair.read("a cat", "[red:blue:0.5]").conditions(model, 4, DRAWN)[0].steps
    assert [torch.equal(step.uncond[SEQUENCE], told(model, "red")) for step in steps] == [True, True, False, False]


def test_each_text_is_embedded_once(model, monkeypatch):
    asked: list[Any] = []
    read = model._read
    monkeypatch.setattr(model, "_read", lambda *told: (asked.append(told), read(*told))[1])
    model._prompts.clear()
    PromptPair.read("[red|blue] cat", "a dog").conditions(model, 100, DRAWN)
    assert len(asked) == 4  # two texts, the negative one, the empty one


def test_more_tokens_than_one_step_can_hold_are_refused(home, devices, monkeypatch):
    monkeypatch.setattr(apart, "MOST_TOKENS", 2 * 3 * 16)
    asked = {"prompt": "a cat AND {a heart|a dog}", "num_inference_steps": 1}
    paint(devices, **asked, count=2)
    with pytest.raises(BadRequest, match="3 pictures of 48 tokens"):
        paint(devices, **asked, count=3)


def test_a_prompt_that_changes_without_end_is_refused(home, devices):
    many = " ".join(f"[{'|'.join('abcdefghijklm'[:n])}]" for n in (7, 9, 11, 13))
    with pytest.raises(BadRequest, match="changes more than"):
        paint(devices, prompt=f"{many} AND x {many} AND y {many}", num_inference_steps=150)


# --- several conditions ----------------------------------------------------------------------------------------------


def predictions(devices: DeviceManager, model: Bundle, *written: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(cond, uncond) of each prompt at the same state."""
    path = noise_path(model.process.alphas_cumprod, "model", 1000, None, None, "path", 4)
    shape = model.latent_shape(64, 64)
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    said = []
    for text in written:
        conditions, _ = PromptPair.read(text, "a dog").conditions(model, 4, DRAWN)
        denoiser = Denoiser(model.network(shape), devices.worker(), model.process, path, conditions)
        said.append(denoiser.both(x, float(path.sigmas[1])))
    return said


def test_and_adds_up_what_each_condition_changes(home, devices, model):
    (a, uncond), (b, _), (both, same) = predictions(devices, model, "a cat", "a heart", "a cat AND a heart :0.4")
    assert torch.equal(uncond, same)
    torch.testing.assert_close(both, uncond + (a - uncond) + 0.4 * (b - uncond))


def test_one_part_of_and_alone_is_the_plain_prompt(home, devices):
    plainly = pixels(devices)
    np.testing.assert_allclose(
        pixels(devices, prompt="a red circle AND a cat :0").astype(int), plainly.astype(int), atol=1
    )
    assert not np.array_equal(pixels(devices, prompt="a red circle AND a cat"), plainly)


def test_and_needs_the_unconditional_prediction_without_guidance_too(home, devices):
    one, both = (pixels(devices, prompt=p, guidance_scale=1) for p in ("a cat", "a cat AND a heart"))
    assert not np.array_equal(one, both)


# --- notes, choices, company -----------------------------------------------------------------------------------------


def test_what_the_model_cannot_do_is_noted(home, devices):
    notes = paint(devices, prompt="a <hypernet:old:1>", negative_prompt="<lora:b:1>").recipes[0]["notes"]
    assert len(notes) == 2 and "negative" in notes[0] and "hypernet" in notes[1]


def test_a_lora_that_is_not_here_is_noted_and_the_picture_painted_without_it(home, devices):
    (note,) = paint(devices, prompt="a <lora:ink:0.8>").recipes[0]["notes"]
    assert "ink" in note
    assert np.array_equal(pixels(devices, prompt="a <lora:ink:0.8>"), pixels(devices, prompt="a "))


@pytest.mark.parametrize(
    "prompt", ["a __colour__ cat", "a {red|green|(blue:1.4)} circle", "{a cat|a red circle BREAK a heart}"]
)
def test_pictures_with_prompts_of_their_own_equal_those_made_alone_bit_for_bit(home, devices, prompt):
    batch = paint(devices, prompt=prompt, count=4)
    alone = [pixels(devices, prompt=prompt, seed=7 + i)[0] for i in range(4)]
    assert np.array_equal(batch.images, np.stack(alone))
    assert len({made["request"]["prompt"] for made in batch.recipes}) > 1


def test_the_recipe_keeps_the_written_prompt_and_repeats_the_picture_without_the_lists(home, devices, monkeypatch):
    result = paint(devices, prompt="a __colour__ cat", count=2)
    recipe = result.recipes[1]
    assert recipe["template"]["prompt"] == "a __colour__ cat" and "__" not in recipe["request"]["prompt"]
    asked = TextToImageRequest.parse(recipe["request"])
    monkeypatch.setattr("pipelines.prompts.wildcards._folders", lambda: iter(()))
    *_, again = TextToImage().stream(asked, devices)
    assert isinstance(again, Result) and np.array_equal(again.images[0], result.images[1])
    assert "template" not in again.recipes[0]
