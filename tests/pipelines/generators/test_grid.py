"""Grids and lists of prompts: values as people write them, each cell the very picture that it would be alone."""

from typing import Any

import numpy as np
import pytest

from pipelines.engine import registry
from pipelines.errors import BadRequest
from pipelines.events import Frame, Result, StopEarly
from pipelines.generators import series
from pipelines.generators.axis import Axis, fields
from pipelines.generators.grid import Grid, GridRequest
from pipelines.generators.prompt_lines import PromptLines, PromptLinesRequest
from pipelines.generators.sheet import FAINT, LONGEST, Layout, Titles, draw
from pipelines.generators.text_to_image import TextToImage
from pipelines.generators.titles import differing, titles
from pipelines.requests.limits import LARGEST_SEED
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import recipe
from tests.tiny import tiny_model

SMALL = {"prompt": "a red cat", "width": 64, "height": 64, "upscale": "none", "num_inference_steps": 2, "seed": 7}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def grid(**values: Any) -> GridRequest:
    return GridRequest.parse(SMALL | values)


@pytest.mark.parametrize(
    "field, text, values",
    (
        ("seed", "1-5", "1 2 3 4 5"),
        ("seed", "1,2,9", "1 2 9"),
        ("seed", "-1, 4", "-1 4"),
        ("num_inference_steps", "1-10 (+3)", "1 4 7 10"),
        ("num_inference_steps", "10-20 [3], 50", "10 15 20 50"),
        ("guidance_scale", "0-1 (+0.25)", "0 0.25 0.5 0.75 1"),
        ("guidance_scale", "1.5-7.5 [3]", "1.5 4.5 7.5"),
        ("num_inference_steps", "1-10 (+2)", "1 3 5 7 9"),
        ("num_inference_steps", "10-1 (-3)", "10 7 4 1"),
        ("num_inference_steps", "1-10 [5]", "1 3 5 7 10"),  # as A1111 cuts them off
        ("num_inference_steps", "5-5", "5"),
        ("guidance_scale", "0.5-1 (+0.1)", "0.5 0.6 0.7 0.8 0.9 1"),
        ("guidance_scale", "1 - 0 (-0.5)", "1 0.5 0"),
        ("seed", "18446744073709551613-18446744073709551615", "18446744073709551613 18446744073709551614 MAX"),
        ("guidance_scale", "3", "3"),
        ("sampler", "euler, DPM++ 2M", "euler|DPM++ 2M"),
        ("prompt", "a cat, red|a dog", "a cat, red|a dog"),
        ("prompt", 'a cat, "a dog, red", "a ""big"" fox"', 'a cat|a dog, red|a "big" fox'),
        ("prompt", "a cat\na dog", "a cat|a dog"),
        ("prompt", 'a "big" cat, a dog', 'a "big" cat|a dog'),
        ("prompt_replace", "red, ", "red|"),
    ),
)
def test_values_are_read_as_people_write_them(field, text, values):
    wanted = tuple(values.replace("MAX", str(LARGEST_SEED)).split("|" if "|" in values else " "))
    assert Axis.read(field, text).values == wanted


def test_a_bar_between_quotation_marks_parts_nothing():
    assert Axis.read("prompt", 'a "[red|blue]" cat').values == ('a "[red', 'blue]" cat')
    assert Axis.read("prompt", '"a [red|blue] cat", a dog').values == ("a [red|blue] cat", "a dog")


@pytest.mark.parametrize(
    "values, said",
    (
        ({}, "needs a setting that changes"),
        ({"x_field": "seed"}, "needs values"),
        ({"x_field": "seed", "x_values": "5-1"}, "must count from one"),
        ({"x_field": "seed", "x_values": "1-5 (-1)"}, "must count from one"),
        ({"x_field": "seed", "x_values": "1-5 (+0)"}, "must count from one"),
        ({"x_field": "seed", "x_values": "1-999999999999"}, "at most|to 50"),
        ({"x_field": "seed", "x_values": "1-5 [0]"}, "1 to 50"),
        ({"x_field": "seed", "x_values": "one"}, "seed must be a number"),
        ({"x_field": "seed", "x_values": "1-2 (+0.5)"}, "seed must be a whole number"),
        ({"x_field": "count", "x_values": "1-2"}, "x_field must be one of"),
        ({"x_field": "sampler", "x_values": "euler|fast"}, "sampler must be one of .*fast"),
        ({"x_field": "prompt_replace", "x_values": "dog|cat"}, "prompt does not say 'dog'"),
        ({"x_field": "prompt_replace", "x_values": ",cat"}, "does not say ''"),
        ({"x_field": "negative_prompt_replace", "x_values": "red|blue"}, "negative_prompt does not say 'red'"),
        (
            {"x_field": "prompt_replace", "x_values": "red|a", "y_field": "prompt_replace", "y_values": "red|b"},
            "setting or words of its own",
        ),
        ({"x_field": "seed", "x_values": "1", "y_field": "seed", "y_values": "2"}, "setting or words of its own"),
        ({"x_field": "seed", "x_values": "1-50", "y_field": "eta", "y_values": "0-1 [50]"}, "50 x 50 has 2500 cells"),
        (
            {"x_field": "seed", "x_values": "1-50", "width": 512, "height": 512, "num_inference_steps": 100},
            "50 requests come to 1250 million pixels times steps; one job does at most 1024",
        ),
    ),
)
def test_a_grid_that_does_not_go_is_refused_before_anything_is_painted(values, said):
    with pytest.raises(BadRequest, match=said):
        grid(**values)


def test_cells_are_requests_with_one_value_of_each_axis_x_fastest():
    x, y = {"x_field": "seed", "x_values": "1,2"}, {"y_field": "prompt_replace", "y_values": "red|blue"}
    z = {"z_field": "eta", "z_values": "0,1"}
    cells = grid(**x, **y, **z, count=4).cells()
    told = [(cell.seed, cell.prompt, cell.eta, cell.count) for cell in cells]
    assert told[:4] == [
        (1, "a red cat", 0, 1),
        (2, "a red cat", 0, 1),
        (1, "a blue cat", 0, 1),
        (2, "a blue cat", 0, 1),
    ]
    assert [eta for _, _, eta, _ in told] == [0] * 4 + [1] * 4


def test_words_of_several_axes_are_replaced_at_once_in_both_prompts():
    cells = grid(
        negative_prompt="a red dog",
        x_field="prompt_replace",
        x_values="red|cat",
        y_field="prompt_replace",
        y_values="cat|red fox",
        z_field="negative_prompt_replace",
        z_values="dog|bird",
    ).cells()
    assert [cell.prompt for cell in cells[:4]] == ["a red cat", "a cat cat", "a red red fox", "a cat red fox"]
    assert [cell.negative_prompt for cell in cells] == ["a red dog"] * 4 + ["a red bird"] * 4


def test_words_are_replaced_in_the_prompt_that_another_axis_brings():
    x, y = {"x_field": "prompt", "x_values": "a fox|one fox"}, {"y_field": "prompt_replace", "y_values": "fox|cat"}
    cells = grid(**x, **y).cells()
    assert [cell.prompt for cell in cells] == ["a fox", "one fox", "a cat", "one cat"]


def test_a_sampler_on_an_axis_may_bring_its_spacing():
    cells = grid(x_field="sampler", x_values="DPM++ 2M Karras|Euler a", sigma_schedule="simple").cells()
    assert [(cell.sampler, cell.schedule.sigma_schedule) for cell in cells] == [
        ("dpmpp_2m", "karras"),
        ("euler_ancestral", "simple"),
    ]


def test_every_setting_of_a_picture_can_be_an_axis_but_pictures_their_number_and_switches():
    own = {field.name for field in TextToImageRequest.fields() if field.name == field.declared}
    switches = {"only_masked", "discard_penultimate"}
    named = {"image", "mask_image", "control_image", "ip_image", "branch_from", "branch_paint", "branch_mask"}
    assert own - set(fields()) == {"count"} | named | switches


def test_each_cell_is_kept_as_the_picture_that_its_recipe_makes_alone_and_the_sheet_tells_the_axes(home, devices):
    asked = grid(model="tiny", x_field="seed", x_values="1-3", y_field="sampler", y_values="euler|DPM2")
    events = list(Grid().stream(asked, devices))
    *cells, sheet = [event for event in events if isinstance(event, Result)]
    assert len(cells) == 6 and isinstance(events[-1], Result)
    for cell in cells:
        kept = cell.recipes[0]
        assert kept["generator"] == "text-to-image"
        *_, alone = TextToImage().stream(TextToImageRequest.parse(kept["request"]), devices)
        assert isinstance(alone, Result) and np.array_equal(alone.images, cell.images)
    assert len({cell.images.tobytes() for cell in cells}) == 6
    told = sheet.recipes[0]
    assert told["generator"] == "grid" and not sheet.unfinished
    assert told["axes"] == [
        {"field": "seed", "values": ["1", "2", "3"]},
        {"field": "sampler", "values": ["euler", "DPM2"]},
    ]
    assert GridRequest.parse(told["request"]).cells() == asked.cells()
    frames = [event for event in events if isinstance(event, Frame)]
    assert [(frame.index, frame.total) for frame in frames] == [(i + 1, 6) for i in range(6)]
    assert len(told["cells"]) == len(cells)
    for cell, (x, y, width, height) in zip(cells, told["cells"], strict=True):  # each is on the sheet, to the pixel
        assert np.array_equal(sheet.images[0][y : y + height, x : x + width], cell.images[0])


def test_cells_of_several_blocks_have_places_of_their_own():
    pictures = [np.full((20 + i, 40, 3), 10 * i, np.uint8) for i in range(12)]
    titles = Titles(["a", "b"], ["c", "d", "e"], ["f", "g"])
    sheet, layout = draw(pictures, titles), Layout.of(pictures, titles)
    for i, picture in enumerate(pictures):
        x, y, width, height = layout.cell(i)
        assert (sheet[y + height // 2, x + width // 2] == picture[0, 0]).all()
    assert sheet.shape == (*reversed(layout.size), 3)


def test_a_sheet_goes_through_a_file_and_back(home, devices, tmp_path):
    from pipelines.store.images import ImageStore

    *_, sheet = Grid().stream(grid(model="tiny", x_field="seed", x_values="1,2"), devices)
    assert isinstance(sheet, Result)
    store = ImageStore(tmp_path)
    kept = recipe.read(store.path(store.save(sheet.images[0], sheet.recipes[0])))
    assert GridRequest.parse(kept["request"]) == GridRequest.parse(sheet.recipes[0]["request"])


def test_a_random_seed_is_drawn_once_for_all_cells(home, devices):
    asked = grid(model="tiny", seed=-1, x_field="num_inference_steps", x_values="1,2")
    results = [event for event in Grid().stream(asked, devices) if isinstance(event, Result)]
    assert len({result.recipes[0]["request"]["seed"] for result in results}) == 1


def test_stopped_early_the_finished_cells_and_their_sheet_are_kept(home, devices):
    stream: Any = Grid().stream(grid(model="tiny", x_field="seed", x_values="1-4"), devices)
    while not isinstance(next(stream), Result):
        pass
    sheet = stream.throw(StopEarly())
    assert isinstance(sheet, Result) and sheet.unfinished and sheet.steps_done == 1
    assert len(sheet.recipes[0]["cells"]) == 1
    assert (sheet.images[0] == FAINT).all(axis=2).sum() == 3 * 64 * 64
    with pytest.raises(StopIteration):
        next(stream)


def test_a_sheet_keeps_within_its_bounds_and_takes_pictures_of_several_sizes():
    tall, wide = np.zeros((2048, 512, 3), np.uint8), np.zeros((512, 2048, 3), np.uint8)
    sheet = draw([tall, wide] * 25, Titles([f"{i}" for i in range(10)], [f"row {i}" for i in range(5)], [""]))
    assert max(sheet.shape) <= LONGEST
    assert draw([tall], Titles([""], [""], [""])).shape == (2064, 528, 3)


@pytest.mark.parametrize("title", ("seed: 5", "一只狐狸", "x" * 400, "two\nlines", "🦊"))
def test_any_title_can_be_written(title):
    black = np.zeros((64, 64, 3), np.uint8)
    sheet = draw([black], Titles([title], [title], [title]))
    blank = draw([black], Titles([""], [""], [""]))
    assert (sheet < 128).any(axis=2).sum() > (blank < 128).any(axis=2).sum()


@pytest.mark.parametrize(
    "values, wanted",
    (
        (("a red fox", "a blue fox"), ["a red fox", "a blue fox"]),
        (("a photo of a red fox in the snow", "a photo of a cat in the snow"), ["… red fox …", "… cat …"]),
        (("a photo of a very red fox", "a photo of a very red fox, at night"), ["… fox", "… fox, at night"]),
        (("a photo of a very red fox", "a photo of a very red fox at night"), ["…", "… at night"]),
        (
            ("一张照片，雪地里有一只红色的小狐狸，夜晚，月光", "一张照片，雪地里有一只白色的小狐狸，夜晚，月光"),
            ["… 红 …", "… 白 …"],
        ),
        (("the same long prompt, twice",) * 2, ["the same long prompt, twice"] * 2),
        (("", "a very long prompt that stands alone"), ["…", "a very long prompt that stands alone"]),
    ),
)
def test_long_titles_say_only_what_differs(values, wanted):
    assert differing(values) == wanted


def test_the_titles_of_thirty_long_prompts_all_differ():
    same = "a highly detailed photograph of a small animal called "
    prompts = [f"{same}{letter}{letter} in the snow at night" for letter in "abcdefghijklmnopqrstuvwxyzäöüß"]
    shown = titles(Axis("prompt", tuple(prompts)))
    assert len(set(shown)) == 30 and max(map(len, shown)) < 8


def test_without_a_font_for_them_titles_are_numbers(monkeypatch):
    black = np.zeros((64, 64, 3), np.uint8)
    numbered = draw([black, black], Titles(["#1", "#2"], [""], [""]))
    monkeypatch.setattr("pipelines.generators.letters.FONTS", ())
    assert np.array_equal(draw([black, black], Titles(["狐狸", "熊猫"], [""], [""])), numbered)


def lines(text: str, **values: Any) -> PromptLinesRequest:
    return PromptLinesRequest.parse(SMALL | {"prompt_lines": text} | values)


def test_lines_are_prompts_and_may_change_settings():
    first, second, third = lines(
        'a fox\n\n  a dog, "big" -- blue --steps 9 --cfg-scale 2.5 --sampler "DPM++ 2M Karras" \n'
        '--negative "no cat" --seed 3 --guidance-curve "0 9; 1 1"'
    ).requests()
    assert (first.prompt, first.num_inference_steps, first.seed) == ("a fox", 2, 7)
    assert second.prompt == 'a dog, "big" -- blue'
    assert (second.num_inference_steps, second.guidance.scale, second.seed) == (9, 2.5, 7)
    assert (second.sampler, second.schedule.sigma_schedule) == ("dpmpp_2m", "karras")
    assert third.guidance.curve == ((0, 9), (1, 1))
    assert (third.prompt, third.negative_prompt, third.seed) == ("a red cat", "no cat", 3)


@pytest.mark.parametrize(
    "text, said",
    (
        ("", "got none"),
        (" \n ", "got none"),
        ("a\nb --speed 3", "line 2: unknown option '--speed'"),
        ("a --steps", "line 1: the option --steps needs a value"),
        ("a --steps many", "line 1: num_inference_steps must be a number"),
        ("a --steps 5 6", "line 1: unknown option '6'"),
        ('a --sampler "euler', "quotation mark"),
        (f"a --image {'0' * 64}", "unknown option '--image'"),
        ("\n".join("a" for _ in range(101)), "101 pictures are too many"),
    ),
)
def test_a_line_that_cannot_be_read_is_named(text, said):
    with pytest.raises(BadRequest, match=said):
        lines(text)


def test_each_line_makes_the_picture_that_it_would_make_alone(home, devices):
    asked = lines("a red cat\na blue circle --seed 9 --count 2", model="tiny")
    results = [event for event in PromptLines().stream(asked, devices) if isinstance(event, Result)]
    assert [len(result.images) for result in results] == [1, 2]
    for result, request in zip(results, asked.requests(), strict=True):
        *_, alone = TextToImage().stream(request, devices)
        assert isinstance(alone, Result) and np.array_equal(alone.images, result.images)


def test_both_are_generators_of_the_registry():
    assert registry.get("grid").request_type is GridRequest
    assert registry.get("prompt-lines").request_type is PromptLinesRequest
    assert series.MOST_REQUESTS == 100
