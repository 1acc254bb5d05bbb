"""What a field's control looks like is decided once: Gradio's components and the benches' own controls agree."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from aigc_ui import looks, words
from aigc_ui.controls import control
from pipelines import lab
from pipelines.engine import registry
from pipelines.params import Choice, Field, Flag, Range, Text
from pipelines.requests.text_to_image import TextToImageRequest
from tests.aigc_ui.small_studio import SquareRequest, open_studio

BENCHES = {name: lab.request_type(name) for name in lab.names()}
BENCHES |= {name: lab.training_request(name) for name in lab.TRAININGS}
BENCHES |= {name: registry.get(name).request_type for name in ("family-race", "family-own")}
EVERY = [("", field) for field in TextToImageRequest.fields()]
EVERY += [(name, field) for name, request in BENCHES.items() for field in request.fields()]
KINDS = {Range: ("slider", "number", "digits"), Choice: ("choice",), Flag: ("flag",), Text: ("text",)}
COMPONENTS = {
    "slider": gr.Slider,
    "number": gr.Number,
    "digits": gr.Textbox,
    "choice": gr.Dropdown,
    "flag": gr.Checkbox,
    "text": gr.Textbox,
}


@pytest.mark.parametrize(("bench", "field"), EVERY, ids=[f"{bench or 'create'}-{field.name}" for bench, field in EVERY])
def test_a_component_and_a_bench_draw_a_field_alike(bench: str, field: Field) -> None:
    on_bench, on_create = looks.look(field, bench), looks.look(field)
    component = control(field)
    assert on_bench.kind in KINDS.get(type(field.spec), ("script",))
    assert on_bench.kind == "script" or type(component) is COMPONENTS[on_bench.kind]
    assert (on_bench.step, list(on_bench.choices.items())) == (on_create.step, list(on_create.choices.items()))
    if isinstance(component, gr.Slider):
        assert (component.minimum, component.maximum, component.step) == (
            field.spec.low,  # type: ignore[union-attr]
            field.spec.high,  # type: ignore[union-attr]
            on_bench.step,
        )
    if isinstance(component, gr.Dropdown):
        assert [option for _, option in component.choices] == list(on_bench.choices)


def test_a_bench_has_words_of_its_own_where_the_table_has_them() -> None:
    scale = {field.name: field for field in BENCHES["reverse"].fields()}["guidance_scale"]
    assert looks.look(scale).info == "info.guidance_scale"
    assert looks.look(scale, "reverse").info == "lab.reverse.info.guidance_scale"
    assert looks.look(scale, "points").info == "lab.info.guidance_scale"
    steps = {field.name: field for field in BENCHES["schedule"].fields()}["num_train_timesteps"]
    assert (looks.look(steps).label, looks.look(steps, "schedule").label) == (
        "field.num_train_timesteps",
        "lab.field.num_train_timesteps",
    )


def test_what_the_table_does_not_know_keeps_its_own_words() -> None:
    strength = {field.name: field for field in SquareRequest.fields()}["shape"]
    assert not words.has("field.shape")
    look = looks.look(strength, "squares")
    assert (look.label, look.info, look.choices) == ("Shape", "A choice.", {"square": "square", "circle": "circle"})


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    studio = open_studio(tmp_path, generators=("points-training",))
    with studio.client("ada") as client:
        yield client
    studio.services.close()


def test_benches_are_told_what_their_fields_look_like(client: TestClient) -> None:
    experiments = client.get("/api/v1/lab").json()["experiments"]
    generators = client.get("/api/v1/generators").json()["generators"]
    listed = {entry["name"]: entry["fields"] for entry in [*experiments, *generators]}
    for bench in (*lab.names(), "points-training"):
        fields = BENCHES[bench].fields()
        assert [field["look"] for field in listed[bench]] == [looks.look(field, bench).to_json() for field in fields]
