"""Gradio controls made from the fields of a Request, by name: a dict of values in, a dict of values out."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from aigc_ui import looks, words
from aigc_ui.components import BorderInput, CurvePad, PictureInput
from aigc_ui.looks import Look
from pipelines.errors import BadRequest
from pipelines.params import Choice, Curve, Field, Flag, Picture, Range, Request, Text, exact


class Controls:
    """One control for each field of `request_type`, placed where the page wants it.

    controls = Controls(TextToImageRequest)
    with gr.Accordion("Size"):
        controls.place("width", "height")
    controls.place_rest()                      # a new field appears by itself
    button.click(handler, controls.inputs())   # handler(values): request_type.parse(controls.read(values))
    """

    def __init__(self, request_type: type[Request]):
        self.request_type = request_type
        self.by_name: dict[str, Component] = {}
        self._fields: dict[str, Field] = {field.name: field for field in request_type.fields()}
        self._left_out: set[str] = set()

    def place(self, *names: str, **look: Any) -> None:
        """Put the named controls here; `look` goes to the component as it is. Names without a field are skipped."""
        for name in names:
            if name in self._fields and name not in self.by_name:
                self.by_name[name] = control(self._fields[name], **look)

    def left(self) -> tuple[str, ...]:
        """The fields that have no place yet."""
        return tuple(name for name in self._fields if name not in self.by_name and name not in self._left_out)

    def leave_out(self, *names: str) -> None:
        """Fields that keep their default here."""
        self._left_out |= set(names)

    def inputs(self) -> set[Block]:
        return set(self.by_name.values())

    def read(self, values: Mapping[Component, Any]) -> dict[str, Any]:
        """What a Gradio handler got, by field name."""
        return {name: values[component] for name, component in self.by_name.items()}

    def fill(self, values: Mapping[str, object]) -> tuple[dict[Component, Any], tuple[str, ...]]:
        """Updates that bring `values` into the controls, and the names of those that no control can take.

        Each value is checked on its own, so one that is no longer known here does not keep the others out.
        """
        updates: dict[Component, Any] = {}
        refused: list[str] = []
        for name, value in values.items():
            if name not in self.by_name:
                idle = name in self._left_out and value == self._fields[name].default
                refused += [] if idle else [name]
                continue
            field = self._fields[name]
            try:
                checked: Any = field.spec.check(name, value, field.kind)
                updates[self.by_name[name]] = gr.update(value=exact(checked))
            except BadRequest:
                refused.append(name)
        return updates, tuple(refused)

    def relabel(self, language: str) -> dict[Component, Any]:
        """Updates that put every control's words into `language`."""
        return {
            component: gr.update(**_words(looks.look(self._fields[name]), lambda key: words.text(key, language)))
            for name, component in self.by_name.items()
        }


def control(field: Field, **changes: Any) -> Component:
    """The control that suits a field's bounds, with its label, help and default; `changes` go to the component."""
    look, say = looks.look(field), gr.I18n()
    shown = _words(look, say) | changes
    match field.spec:
        case Text():
            return gr.Textbox(value=field.default, max_length=field.spec.max_length, **shown)
        case Picture():
            return PictureInput(field.default, field=field.name, **shown)
        case Choice():
            shown.setdefault("filterable", False)
            return gr.Dropdown(value=field.default, **shown)
        case Flag():
            return gr.Checkbox(value=field.default, **shown)
        case Range():
            return _number(field, field.spec, look, shown)
        case Curve():
            return CurvePad(field.default, field=field.name, most=field.spec.most, **shown)


def _number(field: Field, spec: Range, look: Look, shown: dict[str, Any]) -> Component:
    """A slider, or a box to type in where a slider would be too coarse; the box leaves the bounds to the request.

    With `border=True` it is set by an arrow at an edge of the start picture.
    """
    if shown.pop("border", False):
        return BorderInput(field.default, field=field.name, low=int(spec.low), high=int(spec.high), **shown)
    if look.kind == "digits":
        return gr.Textbox(value=str(field.default), max_lines=1, max_length=30, **shown)
    if shown.pop("typed", look.kind == "number"):
        return gr.Number(value=field.default, precision=0 if field.kind is int else None, **shown)
    shown.setdefault("step", look.step)
    return gr.Slider(spec.low, spec.high, value=field.default, **shown)


def _words(look: Look, say: Callable[[str], Any]) -> dict[str, Any]:
    """Label, help, placeholder and names of choices, each as `say` gives the word of a key."""

    def word(key: str) -> Any:
        return say(key) if words.has(key) else key

    named = {"label": look.label, "info": look.info, "placeholder": look.placeholder}
    shown = {name: word(key) for name, key in named.items() if key}
    if look.kind == "choice":
        shown["choices"] = [(word(key), option) for option, key in look.choices.items()]
    return shown
