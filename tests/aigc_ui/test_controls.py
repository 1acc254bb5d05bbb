"""Controls follow from a Request's fields: bounds, default and help stand once, and values go in and out by name."""

from dataclasses import dataclass

import gradio as gr
import pytest

from aigc_ui.controls import Controls
from pipelines.errors import BadRequest
from pipelines.params import Choice, Curve, Flag, Picture, Range, Request, Text, param


@dataclass(frozen=True)
class Wave(Request):
    prompt: str = param("", Text(50), "What it should sound like.")
    length: int = param(16, Range(8, 64, step=8), "How long.")
    gain: float = param(0.5, Range(0, 1), "How loud.")
    seed: int = param(-1, Range(-1, 2**32 - 1), "Same seed, same wave.")
    shape: str = param("sine", Choice(("sine", "saw")), "The form of the wave.")
    loop: bool = param(False, Flag(), "Whether it goes on.")
    cover: str = param("", Picture(), "The picture on its sleeve.")
    envelope: tuple[tuple[float, float], ...] = param((), Curve(), "How loud it is over time.")


@pytest.fixture
def controls():
    with gr.Blocks():
        controls = Controls(Wave)
        controls.place(*controls.left())
    return controls


def given(controls: Controls, **values) -> dict:
    defaults = {name: component.value for name, component in controls.by_name.items()}
    return {controls.by_name[name]: value for name, value in (defaults | values).items()}


def test_each_field_gets_the_control_that_suits_it(controls):
    kinds = {name: type(component).__name__ for name, component in controls.by_name.items()}
    assert kinds == {
        "prompt": "Textbox", "length": "Slider", "gain": "Slider", "seed": "Number", "shape": "Dropdown",
        "loop": "Checkbox", "cover": "PictureInput", "envelope": "CurvePad",
    }  # fmt: skip


def test_bounds_and_default_come_from_the_field(controls):
    length = controls.by_name["length"]
    assert (length.minimum, length.maximum, length.step, length.value) == (8, 64, 8, 16)
    assert controls.by_name["prompt"].max_length == 50
    assert controls.by_name["shape"].choices == [("sine", "sine"), ("saw", "saw")]


def test_a_picture_goes_through_its_control_as_the_id_of_a_kept_one(controls):
    assert Wave.parse(controls.read(given(controls, cover="a" * 64))).cover == "a" * 64
    updates, refused = controls.fill({"cover": "../secret"})
    assert not updates and refused == ("cover",)


def test_a_curve_goes_through_its_control_as_points(controls):
    updates, refused = controls.fill({"envelope": [[0, 1], [0.5, 0.25]]})
    assert updates[controls.by_name["envelope"]]["value"] == ((0, 1), (0.5, 0.25)) and not refused
    assert Wave.parse(controls.read(given(controls, envelope=[[0, 1], [0.5, 0.25]]))).envelope == ((0, 1), (0.5, 0.25))


def test_a_field_that_the_table_of_words_does_not_know_explains_itself(controls):
    assert (controls.by_name["gain"].label, controls.by_name["gain"].info) == ("Gain", "How loud.")


def test_untouched_controls_are_the_default_request(controls):
    assert Wave.parse(controls.read(given(controls))) == Wave()


def test_values_are_read_by_name(controls):
    read = controls.read(given(controls, length=32, shape="saw"))
    assert Wave.parse(read) == Wave(length=32, shape="saw")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"length": 9}, {"seed": None}, {"gain": float("nan")}, {"shape": "square"}])
def test_what_gradio_lets_through_the_request_refuses(controls, wrong):
    with pytest.raises(BadRequest, match=next(iter(wrong))):
        Wave.parse(controls.read(given(controls, **wrong)))


def test_filling_brings_a_recipe_back_and_names_what_no_control_takes(controls):
    recipe = Wave(prompt="rain", length=64, seed=7, loop=True).values()
    updates, refused = controls.fill(recipe | {"shape": "gone", "tempo": 3})
    filled = {name: updates[part]["value"] for name, part in controls.by_name.items() if part in updates}
    assert refused == ("shape", "tempo")
    assert filled == {"prompt": "rain", "length": 64, "gain": 0.5, "seed": 7, "loop": True, "cover": "", "envelope": ()}


def test_a_field_is_placed_once_and_nothing_is_left(controls):
    before = dict(controls.by_name)
    with gr.Blocks():
        controls.place("length", "unknown")
    assert controls.by_name == before
    assert controls.left() == ()


@pytest.mark.slow
def test_relabelling_says_every_control_in_the_other_language(controls):
    updates = controls.relabel("zh")
    assert set(updates) == controls.inputs()
    assert updates[controls.by_name["prompt"]]["label"] == "提示词"
