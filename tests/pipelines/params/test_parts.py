"""A request in parts inside, flat outside: every field by its one name, wherever it stands."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from pipelines.errors import BadRequest
from pipelines.generators.grid import GridRequest
from pipelines.params import Choice, Curve, Field, Flag, Part, Picture, Range, Request, Text, Unit, param, part, units
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class Frame(Part):
    colour: str = param("black", Text(20), "Of the frame.", name="frame_colour", needs=("frame_width",))
    width: int = param(
        0, Range(0, 9), "Of the frame; 0: none.", name="frame_width", infotext="Frame", needs=("frame_width",)
    )

    def check(self) -> None:
        if self.width == 7:
            raise BadRequest("frame_width must not be 7; got 7.")


@dataclass(frozen=True)
class Lamp(Unit):
    watts: int = param(40, Range(1, 100), "How bright.", name="lamp_watts", infotext="Lamp watts", needs=("lamp_on",))
    on: bool = param(False, Flag(), "Whether it shines.", name="lamp_on", needs=("lamp_on",))

    def check(self) -> None:
        if self.watts == 13:
            raise BadRequest(f"{self.numbered('lamp_watts')} must not be 13.")


@dataclass(frozen=True)
class Scene(Request):
    name: str = param("", Text(20), "What it is called.")
    frame: Frame = part(Frame)
    lamps: tuple[Lamp, ...] = units(Lamp)


def field(name: str) -> Field:
    return next(f for f in Scene.fields() if f.name == name)


def test_fields_have_one_flat_name_each_in_the_order_of_the_parts():
    lamps = ["lamp_watts", "lamp_on", "lamp2_watts", "lamp2_on", "lamp3_watts", "lamp3_on"]
    assert [f.name for f in Scene.fields()] == ["name", "frame_colour", "frame_width", *lamps]
    assert field("lamp2_watts").place == ("lamps", 1, "watts")
    assert field("lamp2_watts").infotext == "Lamp2 watts" and field("lamp2_watts").needs == (("lamp2_on",),)


def test_loose_values_become_parts_and_values_again():
    scene = Scene.parse({"name": "night", "frame_width": "3", "lamp2_on": "true"})
    assert scene.frame == Frame("black", 3)
    assert [lamp.on for lamp in scene.lamps] == [False, True, False]
    assert Scene.parse(scene.values()) == scene
    assert scene.value("lamp2_on") is True
    assert scene.changed(lamp2_on=False, frame_width=0) == Scene(name="night")


def test_every_part_checks_itself_and_names_its_fields_flat():
    with pytest.raises(BadRequest, match="frame_width must not be 7"):
        Scene.parse({"frame_width": 7})
    with pytest.raises(BadRequest, match="lamp3_watts must not be 13"):
        Scene.parse({"lamp3_watts": 13})
    with pytest.raises(BadRequest, match="unknown field 'watts'"):
        Scene.parse({"watts": 13})


def test_a_field_is_idle_where_what_it_needs_has_its_default():
    defaults = Scene.defaults()
    assert field("frame_colour").idle({"frame_colour": "red"}, defaults)
    assert not field("frame_colour").idle({"frame_width": 1}, defaults)
    assert field("lamp2_watts").idle({"lamp_on": True, "lamp2_watts": 5}, defaults)
    assert not field("lamp2_watts").idle({"lamp2_on": True}, defaults)
    assert not field("name").idle({}, defaults)


def other_value(f: Field) -> Any:
    match f.spec:
        case Range() as spec:
            return f.kind(spec.high if f.default != spec.high else spec.low)
        case Choice() as spec:
            return next((name for name in spec.names() if name != f.default), None)
        case Text():
            return "something"
        case Flag():
            return not f.default
        case Picture():
            return "0" * 64
        case Curve():
            return ((0.0, 1.0),)


@pytest.mark.parametrize("kind", [TextToImageRequest, GridRequest])
def test_every_field_of_a_picture_is_found_where_it_was_put_and_nowhere_else(kind):
    defaults = kind().values()
    assert len(defaults) == len(kind.fields())
    for f in kind.fields():
        if (value := other_value(f)) is None:  # a choice with nothing to choose from here
            continue
        values = kind.of(**{f.name: value}).values()
        assert values == {**defaults, f.name: value}


def test_keys_of_the_infotext_are_said_once():
    keys = [f.infotext for f in TextToImageRequest.fields() if f.infotext]
    assert len(set(keys)) == len(keys)


def test_what_a_field_needs_is_a_field():
    for f in TextToImageRequest.fields():
        assert all(name in TextToImageRequest.defaults() for group in f.needs for name in group), f.name


@pytest.mark.parametrize("seed", [0, 2**32 + 1, 2**53 + 1, 2**64 - 1])
def test_a_long_seed_goes_through_json_and_javascript_and_comes_back_exactly(seed):
    request = TextToImageRequest.parse({"seed": seed})
    text = json.dumps(request.json_values())
    in_javascript = json.loads(text, parse_int=lambda digits: int(float(digits)))  # where every number is a float
    assert TextToImageRequest.parse(in_javascript).seed == seed
    assert TextToImageRequest.parse({"seed": str(seed)}).seed == seed
    with pytest.raises(BadRequest, match="seed must be -1 to"):
        TextToImageRequest.parse({"seed": str(2**64)})
