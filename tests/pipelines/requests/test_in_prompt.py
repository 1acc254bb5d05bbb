"""A prompt's parameters become settings before the request is checked, wherever prompts come in."""

import math

import pytest

from pipelines.diffusion.counter import CountRequest
from pipelines.errors import BadRequest
from pipelines.generators.grid import GridRequest
from pipelines.generators.prompt_lines import PromptLinesRequest
from pipelines.requests.others import SketchRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.requests.wording import WordingRequest
from pipelines.store.foreign.found import ForeignSettings, checked


def parse(prompt: str, **values: object) -> TextToImageRequest:
    return TextToImageRequest.parse({"prompt": prompt, **values})


def test_each_parameter_is_the_setting_that_it_stands_for():
    asked = parse(
        "a fox --seed 18446744073709551615 --no people --steps 9 --repeat 3 --stop 60", negative_prompt="text"
    )
    assert asked == TextToImageRequest.of(
        prompt="a fox", seed=2**64 - 1, negative_prompt="text, people", num_inference_steps=9, count=3, stop_at=0.6
    )


@pytest.mark.parametrize("size", [(256, 256), (512, 512), (1024, 1024), (832, 1216)])
@pytest.mark.parametrize("shape", ["1:1", "3:2", "2:3", "16:9", "9:16", "21:9", "1.91:1", "8:1", "1x8"])
def test_ar_keeps_the_number_of_pixels_and_has_the_shape(size, shape):
    asked = parse(f"a fox --ar {shape}", width=size[0], height=size[1])
    wide, high = (float(side) for side in shape.replace("x", ":").split(":"))
    assert not asked.width % 32 and not asked.height % 32
    assert abs(math.log(asked.width / asked.height * high / wide)) < 0.07
    assert abs(math.log(asked.width * asked.height / size[0] / size[1])) < 0.27


def test_ar_prefers_the_shape_to_the_last_pixel():
    sizes = {(256, 256): (288, 192), (512, 512): (640, 416), (1024, 1024): (1248, 832)}
    for (width, height), wanted in sizes.items():
        asked = parse("a fox --ar 3:2", width=width, height=height)
        assert (asked.width, asked.height) == wanted


@pytest.mark.parametrize(("style", "scale"), [(0, 13), (100, 7), (200, 5), (1000, 2.09)])
def test_stylize_moves_guidance_around_what_was_asked_for(style, scale):
    assert parse(f"a fox --stylize {style}", guidance_scale=7).guidance.scale == scale
    assert parse(f"a fox --s {style}", guidance_scale="7").guidance.scale == scale


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("a --ar", "two numbers such as 3:2, at most 8:1 or 1:8; got nothing"),
        ("a --ar 0:0", "got '0:0'"),
        ("a --ar 9:1", "at most 8:1"),
        ("a --ar 3:2, in the snow", "Parameters stand at the end of the prompt."),
        ("a --seed -4", "--seed in the prompt must be a whole number; got '-4'"),
        ("a --seed 99999999999999999999", "seed must be -1 to 18446744073709551615"),
        ("a --steps 151", "a whole number from 1 to 150; got '151'"),
        ("a --steps 1e2", "got '1e2'"),
        ("a --stop 5", "from 10 to 100"),
        ("a --s 1001", "from 0 to 1000"),
        ("a --no", "must be words; got nothing"),
        ("a --repeat 5", "--repeat 5 of 4 pictures are 20; at most 16 go in one job"),
    ],
)
def test_a_bad_value_is_refused_with_what_goes(prompt, says):
    with pytest.raises(BadRequest) as error:
        parse(prompt, count=4)
    assert says in str(error.value)


@pytest.mark.parametrize("bad", [{"width": "x"}, {"count": None}, {"guidance_scale": []}, {"negative_prompt": 5}])
def test_a_bad_value_of_the_request_itself_is_refused_by_its_own_name(bad):
    with pytest.raises(BadRequest, match=next(iter(bad))):
        parse("a fox --ar 3:2 --no x --s 5 --repeat 2", **bad)


def test_unknown_ones_are_left_out_and_listed():
    asked = parse("a fox --v 6 --ar 1:1 --weird 5 --zzz")
    assert asked.prompt == "a fox"
    (note,) = asked.notes()
    assert str(note).startswith("--v 6, --weird 5, --zzz in the prompt is not known here and was left out; known are")


def test_plain_syntax_reads_every_character_as_itself():
    prompt = "a fox --ar 3:2"
    assert parse(prompt, prompt_syntax="plain").prompt == prompt
    assert CountRequest.parse({"prompt": prompt, "prompt_syntax": "plain"}).prompt == prompt


def test_what_was_read_is_never_read_again():
    once = parse("a fox --repeat 2 --no x --s 50 --stop 60", count=2)
    again = TextToImageRequest.parse(once.json_values())
    assert again == once


@pytest.mark.parametrize("kind", [SketchRequest, WordingRequest, CountRequest])
def test_who_only_wants_the_words_passes_over_the_rest(kind):
    assert kind.parse({"prompt": "a fox --ar nonsense --v 6"}).prompt == "a fox"


def test_lines_and_grids_read_them_too():
    lines = "a fox --ar 3:2 --steps 5 --no red hats\nan owl --stop 50"
    fox, owl = PromptLinesRequest.parse({"prompt_lines": lines}).requests()
    assert (fox.prompt, fox.width, fox.num_inference_steps, fox.negative_prompt) == ("a fox", 288, 5, "red hats")
    assert (owl.prompt, owl.stop_at) == ("an owl", 0.5)
    axis = {"x_field": "seed", "x_values": "1,2"}
    cells = GridRequest.parse({"prompt": "a fox --steps 5 --v 6", **axis}).cells()
    assert [(cell.prompt, cell.num_inference_steps, cell.seed) for cell in cells] == [("a fox", 5, 1), ("a fox", 5, 2)]
    assert len(list(cells[0].notes())) == 1


def test_another_tools_prompt_is_shown_as_it_was_and_changes_no_other_setting():
    said = ForeignSettings("other", {"prompt": "a fox --seed 5 --repeat 2", "seed": 7, "count": 2})
    assert checked(said, TextToImageRequest).settings == {"prompt": "a fox --seed 5 --repeat 2", "seed": 7, "count": 2}
