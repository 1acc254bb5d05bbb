"""Grids and lists of prompts on the Create page: accordions with what they add to the settings of a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc_ui.components.sending import arrived
from aigc_ui.controls import Controls
from aigc_ui.labels import Labels
from aigc_ui.live import FAST, call, mount, signal
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.errors import StudioError

AXES = (("x_field", "x_values"), ("y_field", "y_values"), ("z_field", "z_values"))


@dataclass(frozen=True)
class Series:
    """A generator of many pictures: its name, what it adds to the settings of one, and the button that makes them."""

    generator: str
    own: Controls
    make: gr.Button


def build(services: Services, labels: Labels) -> list[Series]:
    """The accordions of the generators that are there; they do nothing until they are connected."""
    parts: dict[str, Callable[[Controls, Labels], gr.Button]] = {"grid": _grid, "prompt-lines": _lines}
    built = []
    for name, place in parts.items():
        if name in services.generator_names():
            own = Controls(services.generator(name).request_type)
            built.append(Series(name, own, place(own, labels)))
            labels.also(own.relabel)
    return built


def _grid(own: Controls, labels: Labels) -> gr.Button:
    with labels.add(gr.Accordion, "label", "group.grid", open=False, elem_id="group-grid"):
        labels.add(gr.Markdown, "value", "grid.help", elem_classes="help")
        for field, values in AXES:
            with gr.Row(elem_classes="pair"):
                own.place(field, elem_id=field.replace("_", "-"), min_width=0, filterable=True)
                own.place(values, elem_id=values.replace("_", "-"), lines=1, max_lines=3, min_width=0)
        return labels.add(gr.Button, "value", "grid.make", elem_id="grid-make")


def _lines(own: Controls, labels: Labels) -> gr.Button:
    with labels.add(gr.Accordion, "label", "group.lines", open=False, elem_id="group-lines"):
        labels.add(gr.Markdown, "value", "lines.help", elem_classes="help")
        own.place("prompt_lines", lines=4, max_lines=12, elem_id="prompt-lines")
        mount("lines-file")
        return labels.add(gr.Button, "value", "lines.make", elem_id="lines-make")


def connect(services: Services, series: Series, picture: Controls, wire: gr.HTML) -> None:
    """To the settings of a picture, once all of them are placed."""
    own = series.own

    def submit(values: dict[Component, Any], request: gr.Request) -> dict[str, Any]:
        asked = picture.read(values) | own.read(values)
        try:
            job = services.submit(series.generator, own.request_type.parse(asked), visitor_of(request))
        except StudioError as error:
            return signal(error=error.to_json())
        return signal(job=job.id, values=asked)

    given, sent = picture.inputs() | own.inputs(), arrived(picture.by_name | own.by_name)
    series.make.click(submit, given, wire, js=sent, trigger_mode="multiple", **FAST).failure(None, js=call("notSent"))
