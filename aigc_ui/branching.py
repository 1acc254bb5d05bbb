"""Branches on the Create page: another turn from a step of a picture, and the sheet of paths that were not taken."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc_ui.components.sending import arrived
from aigc_ui.controls import Controls
from aigc_ui.live import FAST, call, signal
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.errors import BadRequest, StudioError
from pipelines.requests.limits import LARGEST_SEED
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store.images import ImageInfo

GRID = "grid"
ROWS, NOISES = 4, 4


def connect(services: Services, controls: Controls, wire: gr.HTML) -> None:
    """The event 'branch' of the page's scripts: {picture, step} for one branch, {picture, last} for the sheet."""

    def branch(values: dict[Component, Any], event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        visitor = visitor_of(request)
        try:
            picture = services.image_for(str(event.picture)[:64], visitor.client)
            asked, last = controls.read(values) | {"branch_from": picture.id}, _number(event.last)
            name = GRID if last else GENERATOR
            more = paths(asked, picture, last) if last else turn(asked, picture, _number(event.step))
            job = services.submit(name, services.generator(name).request_type.parse(asked | more), visitor)
        except StudioError as error:
            return signal(error=error.to_json())
        return signal(job=job.id)

    if "branch_from" in controls.by_name:
        sent = arrived(controls.by_name)
        wire.branch(branch, controls.inputs(), wire, js=sent, trigger_mode="multiple", **FAST).failure(
            None, js=call("notSent")
        )


def turn(values: Mapping[str, Any], picture: ImageInfo, step: int) -> dict[str, Any]:
    """What one branch changes of the page's values. Where no seed is given and no noise is drawn anew, the noise that
    follows is the picture's own, so that a branch with unchanged settings is the picture again."""
    any_seed = str(values.get("seed", "-1")).strip() == "-1"
    return {"branch_step": step} | ({"seed": _seed(picture)} if any_seed and not values.get("branch_noise") else {})


def paths(values: Mapping[str, Any], picture: ImageInfo, last: int) -> dict[str, Any]:
    """What the sheet changes: rows of steps, evenly up to the last one, columns of noises, all of it drawn anew."""
    steps = sorted({round(1 + (last - 1) * i / (ROWS - 1)) for i in range(ROWS)})
    seeds = [(_seed(picture) + i) % (LARGEST_SEED + 1) for i in range(NOISES)]
    axes = {"x_field": "seed", "x_values": ",".join(map(str, seeds))}
    axes |= {"y_field": "branch_step", "y_values": ",".join(map(str, steps))}
    small = {"upscale": "none"} if values.get("upscale") == "auto" else {}
    return {**axes, **small, "branch_step": steps[0], "branch_noise": 1, "seed": seeds[0]}


def _seed(picture: ImageInfo) -> int:
    request = (picture.recipe or {}).get("request")
    seed = request.get("seed") if isinstance(request, dict) else None
    return seed if isinstance(seed, int) else 0


def _number(value: object) -> int:
    if isinstance(value, int) and 0 <= value <= 1000:
        return value
    raise BadRequest("a branch needs the step to go on from. Choose one below the live view.")
