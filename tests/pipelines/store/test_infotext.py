"""Infotext: what other tools write is read, what we write they can read, and nothing is lost on the way."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.infotext import parse, write
from pipelines.theory.samplers import SAMPLER_LABELS
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

# The reader's pattern of A1111 (modules/infotext_utils.py) and SD.Next's narrower keys.
A1111_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
SD_NEXT_KEY = re.compile(r"[\w ]+")

REQUEST = {
    "prompt": "portrait of a fox, (sharp focus:1.2)",
    "negative_prompt": "blurry, [watermark]",
    "model": "aigc-mini",
    "sampler": "dpmpp_2m",
    "num_inference_steps": 20,
    "beta_schedule": "cosine",
    "beta_start": 0.0,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
    "sigma_schedule": "karras",
    "guidance_scale": 4.5,
    "guidance_rescale": 0.0,
    "guidance_start": 0.0,
    "guidance_end": 1.0,
    "eta": 1.0,
    "seed": 965400086,
    "width": 64,
    "height": 96,
    "count": 1,
    "upscale": "4x",
}
RECIPE = {
    "version": 1,
    "generator": "text-to-image",
    "request": REQUEST,
    "model_hash": "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",
    "software": "AIGC Studio 0.1.0",
}

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\t\r,:"\\{}狐🦊'), max_size=60)
numbers = st.floats(allow_nan=False, allow_infinity=False)
fields = {
    "prompt": words,
    "negative_prompt": words,
    "model": words,
    "sampler": st.sampled_from(sorted(SAMPLER_LABELS)) | words,
    "num_inference_steps": st.integers(1, 150),
    "beta_schedule": st.sampled_from(["model", "linear", "cosine"]) | words,
    "beta_start": numbers,
    "beta_end": numbers,
    "num_train_timesteps": st.integers(10, 4000),
    "sigma_schedule": st.sampled_from([*SIGMA_SCHEDULE_LABELS, "uniform_log_snr"]) | words,
    "guidance_scale": numbers,
    "guidance_rescale": numbers,
    "guidance_curve": st.lists(st.tuples(numbers, numbers).map(list), max_size=4),
    "variation_seed": st.integers(-1, 2**64 - 1),
    "variation_strength": st.sampled_from([0.0, 0.3, 1.0]) | numbers,
    "seed_resize_width": st.sampled_from([0, 64, 512]),
    "seed_resize_height": st.sampled_from([0, 96]),
    "guidance_start": numbers,
    "guidance_end": numbers,
    "eta": numbers,
    "seed": st.integers(-1, 2**64 - 1),
    "width": st.integers(32, 512),
    "height": st.integers(32, 512),
    "image": st.sampled_from(["", "a" * 64]) | words,
    "mask_image": st.sampled_from(["", "b" * 64]) | words,
    "strength": numbers,
    "count": st.integers(1, 16),
    "prompt_syntax": st.sampled_from(["a1111", "comfyui", "plain"]) | words,
    "emphasis": st.sampled_from(["original", "no_norm"]) | words,
    "style": st.sampled_from(["none", "oil: thick, wet"]) | words,
    "clip_skip": st.integers(1, 12),
    "vae": st.sampled_from(["automatic", "sdxl.safetensors"]) | words,
    "upscale": st.sampled_from(["auto", "none", "2x", "4x"]) | words,
}
requests = st.fixed_dictionaries(fields)


UNSAID = {"prompt_syntax": "a1111", "emphasis": "original", "style": "none"}


def without_idle(request: dict) -> dict:
    """Without what changes nothing: no picture, a strength without one, no curve, no variation, and what every tool
    means by a prompt."""
    idle = {name for name in ("image", "mask_image") if not request.get(name)}
    idle |= {name for name, value in UNSAID.items() if request.get(name) == value}
    idle |= {"strength"} if "image" in idle else set()
    idle |= set() if request.get("guidance_curve") else {"guidance_curve"}
    idle |= set() if request.get("variation_strength") else {"variation_strength", "variation_seed"}
    idle |= {name for name in ("seed_resize_width", "seed_resize_height") if not request.get(name)}
    idle |= {name for name, usual in (("vae", "automatic"), ("clip_skip", 1)) if request.get(name) == usual}
    return {name: value for name, value in request.items() if name not in idle}


@settings(max_examples=200, deadline=None)
@given(requests)
@example(REQUEST | {"prompt": "a\nNegative prompt: b"})
@example(REQUEST | {"prompt": "a cat: big, a dog: small, a bird: tiny"})
@example(REQUEST | {"prompt": '{"json": 1}', "negative_prompt": "Negative prompt: twice"})
@example(REQUEST | {"sampler": "somebody's own", "sigma_schedule": "Beta"})
@example(REQUEST | {"image": "a" * 64, "mask_image": "b" * 64, "strength": 0.55})
@example(REQUEST | {"image": "a" * 64, "mask_image": "", "strength": 1.0})
@example(REQUEST | {"image": "", "mask_image": "", "strength": 0.6})
def test_every_field_of_a_request_that_changes_something_comes_back(request):
    assert parse(write({"request": request}))["request"] == without_idle(request)


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional=fields))
def test_a_partial_request_comes_back_and_is_never_taken_for_a_prompt(request):
    back = parse(write({"request": request}))["request"]
    assert back == {"prompt": "", "negative_prompt": ""} | without_idle(request)


@settings(max_examples=150, deadline=None)
@given(st.text() | words)
@example('{"a": ' * 100_000)
@example("Steps: 99999999999999999999, CFG scale: 1e999, Size: 5x, Seed: \u0665")
@example('Exact settings: "[1]", Steps: 1, Seed: 1')
@example('Exact settings: "{\\"seed\\": NaN}", Steps: 1, Seed: \ud800')
def test_any_text_can_be_read(text):
    recipe = parse(text)
    assert isinstance(recipe["request"], dict)
    assert isinstance(recipe["other"], dict)


@pytest.mark.parametrize("piece", ["a", " ", 'ab:"', 'ab:"\\"', "ab: ", "ab:,", "\n", "(", '"', "\\"])
def test_a_long_line_takes_no_quadratic_time(piece):
    start = time.process_time()
    parse(piece * (100_000 // len(piece)))
    assert time.process_time() - start < 2


def test_a_known_recipe_is_written_in_a1111s_words_and_order():
    prompt, negative, params = write(RECIPE).split("\n")
    assert prompt == "portrait of a fox, (sharp focus:1.2)"
    assert negative == "Negative prompt: blurry, [watermark]"
    assert params.startswith(
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, Seed: 965400086, Size: 64x96, "
        "Model hash: 6ce0161689, Model: aigc-mini, "
    )
    assert params.endswith(", Version: AIGC Studio 0.1.0")
    assert "Training noise schedule: cosine" in params
    assert "Exact settings" not in params


def test_the_negative_line_is_left_out_when_there_is_none():
    text = write({"request": REQUEST | {"negative_prompt": ""}})
    assert "Negative prompt" not in text
    assert text.count("\n") == 1


@settings(max_examples=100, deadline=None)
@given(requests)
def test_other_readers_see_every_pair(request):
    """A1111's reader finds our values under our keys, and SD.Next's narrower keys match them too."""
    line = write({"request": request}).split("\n")[-1]
    pairs = dict(A1111_PAIR.findall(line))
    assert pairs["Steps"] == str(request["num_inference_steps"])
    assert pairs["Seed"] == str(request["seed"])
    assert pairs["Version"] == "AIGC Studio"
    assert all(SD_NEXT_KEY.fullmatch(key) and key.isascii() for key in pairs)
    assert line.startswith("Steps: ")


@pytest.mark.parametrize("key", ["Beta", "Schedule type"])
def test_the_training_noise_schedule_is_not_taken_for_a1111s_beta(key):
    pairs = dict(A1111_PAIR.findall(write({"request": REQUEST | {"sigma_schedule": "path"}}).split("\n")[-1]))
    assert pairs.get(key) in (None, "SGM Uniform")


@pytest.mark.parametrize(("name", "label"), SAMPLER_LABELS.items())
def test_every_sampler_goes_by_its_a1111_name_both_ways(name, label):
    text = write({"request": REQUEST | {"sampler": name}})
    assert f"Sampler: {label}, " in text
    assert parse(f"Steps: 5, Sampler: {label}, Seed: 1")["request"]["sampler"] == name


def test_a_schedule_fused_into_the_samplers_name_is_split():
    request = parse("fox\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1")["request"]
    assert (request["sampler"], request["sigma_schedule"]) == ("dpmpp_2m", "karras")
    request = parse("fox\nSteps: 20, Sampler: DPM++ 2M SDE Exponential, CFG scale: 7, Seed: 1")["request"]
    assert (request["sampler"], request["sigma_schedule"]) == ("dpmpp_2m_sde", "exponential")


@pytest.mark.parametrize(
    "more",
    [
        'Note: "two\nlines", Version: v1.10.1',
        "Version: v1.10.1\nTime taken: 2.1 sec.",
        'Version: v1.10.1, Template: "a {cat|dog},\nby night"\nNegative Template: "blurry\n"',
    ],
)
def test_pairs_are_read_whatever_lines_they_go_over(more):
    recipe = parse(f"a fox,\nred\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 9, {more}")
    assert recipe["software"] == "v1.10.1"
    read = {name: recipe["request"][name] for name in ("prompt", "negative_prompt", "num_inference_steps", "seed")}
    assert read == {"prompt": "a fox,\nred", "negative_prompt": "blurry", "num_inference_steps": 20, "seed": 9}


def test_a_picture_of_a1111_is_read():
    recipe = parse(
        "portrait of a fox,\n(sharp focus:1.2)\nNegative prompt: blurry,\n[watermark]\n"
        "Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 965400086, Size: 512x768, "
        "Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Denoising strength: 0.5, "
        'Lora hashes: "foxstyle: 1a2b3c4d5e6f, b: c", Version: v1.10.1'
    )
    assert recipe["request"] == {
        "prompt": "portrait of a fox,\n(sharp focus:1.2)",
        "negative_prompt": "blurry,\n[watermark]",
        "num_inference_steps": 20,
        "sampler": "euler_ancestral",
        "sigma_schedule": "linspace",
        "guidance_scale": 7.0,
        "seed": 965400086,
        "width": 512,
        "height": 768,
        "model": "v1-5-pruned-emaonly",
        "strength": 0.5,
    }
    assert recipe["other"] == {"Lora hashes": "foxstyle: 1a2b3c4d5e6f, b: c"}
    assert (recipe["model_hash"], recipe["software"]) == ("6ce0161689", "v1.10.1")


@pytest.mark.parametrize(
    ("pair", "field", "value"),
    [
        ("Clip skip: 2", "clip_skip", 2),
        ("Eta: 0.5", "eta", 0.5),
        ("Eta DDIM: 0.5", "eta", 0.5),
        ("Mask blur: 4", "mask_blur", 4),
        ("Masked content: latent noise", "mask_fill", "noise"),
        ("Inpaint area: Only masked", "only_masked", True),
        ("Masked area padding: 32", "masked_padding", 32),
        ("Variation seed: 7", "variation_seed", 7),
        ("Variation seed strength: 0.25", "variation_strength", 0.25),
        ("Emphasis: No norm", "emphasis", "no_norm"),
        ("VAE: some", "vae", "some"),
        ("CFG start: 0.1", "guidance_start", 0.1),
        ("CFG end: 0.9", "guidance_end", 0.9),
        ("Control start: 0.1", "control_start", 0.1),
        ("Control end: 0.9", "control_end", 0.9),
        ("Reference start: 0.1", "ip_start", 0.1),
        ("Reference end: 0.9", "ip_end", 0.9),
    ],
)
def test_a_pair_means_the_same_field_in_every_file(pair, field, value):
    """Both directions agree with each other whatever a pair is called; files of others and of years ago do not."""
    assert parse(f"a fox\nSteps: 20, Seed: 1, CFG scale: 7, {pair}")["request"][field] == value


@pytest.mark.parametrize(
    ("sampler", "key"),
    [("ddim", "Eta DDIM"), ("euler_ancestral", "Eta"), ("dpmpp_2m_sde", "Eta"), ("ddpm", "Sampler eta")],
)
def test_eta_goes_by_the_name_that_a1111_gives_it_for_the_sampler(sampler, key):
    assert f", {key}: 0.5, " in write({"request": REQUEST | {"sampler": sampler, "eta": 0.5}})


def test_a_picture_that_started_from_another_says_so_as_other_tools_do():
    started = REQUEST | {"image": "a" * 64, "mask_image": "", "strength": 0.55}
    params = write({"request": started}).split("\n")[-1]
    assert ", Denoising strength: 0.55, " in params and f", Start picture: {'a' * 64}, " in params
    assert "Mask picture" not in params and "Exact settings" not in params
    alone = write({"request": started | {"image": ""}})
    assert "Denoising" not in alone and "Exact settings" not in alone


def test_an_enlarged_picture_says_the_size_that_was_painted_and_how_much_it_grew():
    params = write(RECIPE).split("\n")[-1]
    assert "Size: 64x96, " in params and ", Hires upscale: 4, Hires upscaler: AIGC flat art, " in params
    assert "Hires" not in write({"request": REQUEST | {"upscale": "none"}})
    assert parse(write(RECIPE))["other"] == {}


def test_another_tools_enlargement_is_read_as_far_as_we_can_do_it():
    twice = parse("fox\nSteps: 20, Seed: 1, Hires upscale: 2, Hires upscaler: Latent")
    assert twice["request"]["upscale"] == "2x" and twice["other"] == {"Hires upscaler": "Latent"}, "no second pass"
    odd = parse("fox\nSteps: 20, Seed: 1, Hires upscale: 1.5")
    assert "upscale" not in odd["request"] and odd["other"] == {"Hires upscale": "1.5"}


def test_a_sampler_that_we_lack_is_named_not_guessed():
    recipe = parse("fox\nSteps: 20, Sampler: DPM fast Karras, Seed: 1")
    assert "sampler" not in recipe["request"]
    assert recipe["other"]["Sampler"] == "DPM fast Karras"


def test_guidance_by_hand_and_varied_noise_are_pairs_that_other_readers_can_show():
    more = {"guidance_curve": ((0.0, 9.0), (0.5, 2.5), (1.0, 1.0)), "variation_seed": 7, "variation_strength": 0.25}
    params = write({"request": REQUEST | more | {"seed_resize_width": 64, "seed_resize_height": 96}}).split("\n")[-1]
    for pair in (
        "CFG curve: 0 9; 0.5 2.5; 1 1",
        "Variation seed: 7",
        "Variation seed strength: 0.25",
        "Seed resize from: 64x96",
    ):
        assert f", {pair}, " in params
    assert "Exact settings" not in params
    read = TextToImageRequest.parse(parse(f"fox\n{params}")["request"])
    assert (read.guidance.curve, read.variation.seed) == (more["guidance_curve"], 7)


@pytest.mark.parametrize("curve", ["", "0", "0 1 2", "a b", "0 9;", "nan 1", "0 1e999"])
def test_a_curve_that_cannot_be_read_is_kept_as_it_stands(curve):
    recipe = parse(f"fox\nSteps: 20, Seed: 1, CFG curve: {curve}, Model: x")
    assert "guidance_curve" not in recipe["request"] and recipe["other"] == {"CFG curve": curve}


def test_a_line_with_fewer_than_three_pairs_belongs_to_the_prompt():
    assert parse("a cat: big, a dog: small")["request"]["prompt"] == "a cat: big, a dog: small"


def test_a_swarm_picture_is_read_and_other_json_is_no_prompt():
    assert parse('{"sui_image_params": {"prompt": "fox", "seed": 3, "steps": 9, "model": null}}')["request"] == {
        "prompt": "fox",
        "seed": 3,
        "num_inference_steps": 9,
    }
    assert parse('{"3": {"class_type": "KSampler"}}')["request"] == {}


def test_a_prompts_grammar_travels_unchanged_and_only_another_syntax_is_named():
    prompt = "a (red:1.3) [cat:dog:0.5] BREAK [a|b] AND x :0.5 <lora:y:0.8>"
    said = {"prompt": prompt, "prompt_syntax": "a1111", "emphasis": "original", "style": "none"}
    assert write({"request": said | {"seed": 1}}).splitlines()[0] == prompt
    assert "Prompt syntax" not in write({"request": said}) and "Emphasis" not in write({"request": said})
    assert "Prompt syntax: comfyui" in write({"request": said | {"prompt_syntax": "comfyui"}})
    assert "Emphasis: No norm" in write({"request": said | {"emphasis": "no_norm"}})


def test_the_prompt_as_it_was_written_stands_beside_what_became_of_it():
    template = {"prompt": "a {red|blue} cat", "negative_prompt": "", "style": "oil"}
    text = write({"request": {"prompt": "a red cat", "seed": 1}, "template": template})
    assert text.startswith("a red cat\n") and "Template: a {red|blue} cat" in text and "Template style: oil" in text
    assert "Negative Template" not in text and parse(text)["other"]["Template"] == template["prompt"]
