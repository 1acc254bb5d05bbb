"""Components of ours hold typed values: a program sees their type, and what is not of it gets a sentence."""

import json

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from gradio_client.utils import json_schema_to_python_type

from aigc_ui import create, page_files
from aigc_ui.components import BorderInput, CurvePad, PictureInput
from aigc_ui.components.sending import arrived
from aigc_ui.controls import Controls
from aigc_ui.labels import Labels
from pipelines.params import Curve, Range
from pipelines.requests.text_to_image import TextToImageRequest

KEPT = "a" * 64
VALUES = [
    (PictureInput(field="image"), KEPT),
    (PictureInput(field="image"), ""),
    (CurvePad(field="guidance_curve"), [[0.0, 9.0], [0.5, 2.0]]),
    (CurvePad(field="guidance_curve"), []),
    (BorderInput(field="outpaint_left"), 64),
]
HOSTILE = [
    (PictureInput(field="image"), "../../etc/passwd", "image must be the id of a kept picture"),
    (PictureInput(field="image"), {"path": "/etc/passwd"}, "image must be the id of a kept picture"),
    (PictureInput(field="image"), KEPT + "\n", "image must be the id of a kept picture"),
    (PictureInput(field="image"), 0, "image must be the id of a kept picture"),
    (CurvePad(field="guidance_curve"), "<img src=x>", "guidance_curve must be a number"),
    (CurvePad(field="guidance_curve"), [[0, 1, 2]], "guidance_curve must be a list of points"),
    (CurvePad(field="guidance_curve"), [[0, float("nan")]], "guidance_curve must be a finite number"),
    (CurvePad(field="guidance_curve", most=2), [[0, 1]] * 3, "at most 2 points"),
    (BorderInput(field="outpaint_left"), 1025, "outpaint_left must be 0 to 1024"),
    (BorderInput(field="outpaint_left"), [1], "outpaint_left must be a number"),
    (BorderInput(field="outpaint_left"), 0.5, "outpaint_left must be a whole number"),
]


@pytest.mark.parametrize(("component", "value"), VALUES)
def test_a_value_goes_in_and_out_as_json_and_stays_what_it_is(component, value):
    assert component.preprocess(json.loads(json.dumps(component.postprocess(value)))) == value


@pytest.mark.parametrize(("component", "value", "sentence"), HOSTILE)
def test_what_is_not_of_the_type_gets_the_sentence_of_the_field(component, value, sentence):
    with pytest.raises(gr.Error, match=sentence):
        component.preprocess(value)


@pytest.mark.parametrize("component", [component for component, _ in VALUES])
def test_its_example_is_a_value_of_it(component):
    example = component.example_payload()
    assert component.postprocess(component.preprocess(example)) == example
    assert component.example_value() == example


def test_programs_see_the_types():
    types = [json_schema_to_python_type(kind().api_info()) for kind in (PictureInput, CurvePad, BorderInput)]
    assert types == ["str", "list[list[float]]", "int"]


def test_a_client_calls_an_event_with_typed_values_and_reads_the_sentence():
    with gr.Blocks(analytics_enabled=False) as blocks:
        curve = CurvePad(field="guidance_curve")
        gr.Button().click(lambda points: points[::-1], curve, curve, api_name="turned")
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        client = Client(url, verbose=False)
        [parameter] = client.view_api(return_format="dict")["named_endpoints"]["/turned"]["parameters"]
        assert parameter["python_type"]["type"] == "list[list[float]]"
        assert client.predict([[0, 1], [1, 2]], api_name="/turned") == [[0, 1], [1, 2]]  # kept in the order of x
        with pytest.raises(AppError, match="guidance_curve must be a list of at most 100 points"):
            client.predict(5, api_name="/turned")
    finally:
        blocks.close()


def test_the_bounds_of_a_component_are_those_of_its_field():
    with gr.Blocks():
        controls = Controls(TextToImageRequest)
        controls.place(*create.BORDER, border=True)
        controls.place(*controls.left())
    for field in TextToImageRequest.fields():
        component, spec = controls.by_name[field.name], field.spec
        if isinstance(component, BorderInput) and isinstance(spec, Range):
            assert (component.low, component.high) == (spec.low, spec.high)
        if isinstance(component, CurvePad) and isinstance(spec, Curve):
            assert component.most == spec.most
    assert {type(controls.by_name[name]) for name in create.BORDER} == {BorderInput}


def test_an_update_of_the_words_alone_leaves_the_component_what_it_is():
    """Gradio builds it again from the arguments that it had, and the new ones."""
    with gr.Blocks():
        built = PictureInput(field="mask_image", role="mask", label="Mask")
    again = type(built)(**built.constructor_args | {"label": "遮罩", "render": False})
    assert (again.field, again.label, again.js_on_load) == ("mask_image", "遮罩", built.js_on_load)


def test_every_component_is_drawn_by_a_script():
    main = (page_files.STATIC / "main.js").read_text(encoding="utf-8")
    drawn = main.partition("const COMPONENTS = {")[2].partition("};")[0]
    for component in (*(PictureInput(role=role) for role in ("start", "mask", "control", "reference")), CurvePad()):
        kind = component.js_on_load.partition("draw('")[2].partition("'")[0]
        assert f"  {kind}: draw" in drawn


def test_a_button_knows_where_among_its_values_pictures_stand_and_what_they_bring():
    with gr.Blocks():
        built = {"prompt": gr.Textbox(), "image": PictureInput(field="image"), "model": gr.Textbox()}
        built |= {"control2_image": PictureInput(field="control2_image"), "control2_model": gr.Textbox()}
    reordered = dict(reversed(built.items()))
    assert '.arrived({"image": 1, "control2_image": 3, "control2_model": 4}, values)' in arrived(reordered)


def test_there_is_no_box_out_of_sight_that_scripts_fill():
    with gr.Blocks():
        controls = Controls(TextToImageRequest)
        create._prompt(controls, Labels())
    hidden = [name for name, part in controls.by_name.items() if part.visible == "hidden"]
    assert hidden == []
