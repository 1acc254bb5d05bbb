"""Branches on the Create page: another turn from a step of a picture, painted over or not, or from the step that a
running job has reached; and the sheet of paths that were not taken."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc_ui.components.sending import arrived
from aigc_ui.controls import Controls
from aigc_ui.live import FAST, call, signal
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.engine.job import Job
from pipelines.errors import BadRequest, StudioError
from pipelines.params import Request
from pipelines.requests.limits import LARGEST_SEED
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store.images import ImageInfo

GRID = "grid"
ROWS, NOISES = 4, 4
NOTHING: Mapping[str, str] = {"branch_paint": "", "branch_mask": ""}
"""Painted on the step: not what a recipe that was brought into the page had there."""
REST: Mapping[str, Any] = {"branch_from": "-", "branch_step": 1, "branch_noise": 0, "count": 1}


def connect(services: Services, controls: Controls, wire: gr.HTML) -> None:
    """The events of the page's scripts: 'branch', {picture, step} for one branch, with the pictures {paint, mask} where
    the step was painted over, {picture, last} for the sheet; and 'turn', {job} to go on from where it is now."""

    def branch(values: dict[Component, Any], event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        visitor = visitor_of(request)
        try:
            picture = services.image_for(str(event.picture)[:64], visitor.client)
            asked, last = {**controls.read(values), **NOTHING, "branch_from": picture.id}, _number(event.last)
            name = GRID if last else GENERATOR
            more = (
                paths(asked, picture, last) if last else branch_of(asked, picture, _number(event.step), _paint(event))
            )
            job = services.submit(name, services.generator(name).request_type.parse(asked | more), visitor)
        except StudioError as error:
            return signal(error=error.to_json())
        return signal(job=job.id)

    def turn(values: dict[Component, Any], event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        visitor = visitor_of(request)
        try:
            asked, request_type = {**controls.read(values), **NOTHING}, services.generator(GENERATOR).request_type
            job = services.job_for(str(event.job)[:64], visitor.client)
            check_rest(job, request_type.parse({**asked, **REST}))
            wanted = [request_type.parse(asked | rest_of(*each)) for each in stop(services, job, visitor.client)]
            jobs = [services.submit(GENERATOR, one, visitor) for one in wanted]
        except StudioError as error:
            return signal(error=error.to_json())
        return signal(job=jobs[0].id)

    if "branch_from" in controls.by_name:
        sent = arrived(controls.by_name)
        for listener, handler in ((wire.branch, branch), (wire.turn, turn)):
            listener(handler, controls.inputs(), wire, js=sent, trigger_mode="multiple", **FAST).failure(
                None, js=call("notSent")
            )


def branch_of(
    values: Mapping[str, Any], picture: ImageInfo, step: int, paint: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
    """What one branch changes of the page's values. Where no seed is given and no noise is drawn anew, the noise that
    follows is the picture's own, so that a branch with unchanged settings is the picture again."""
    any_seed = str(values.get("seed", "-1")).strip() == "-1"
    own = {"seed": _seed(picture)} if any_seed and not values.get("branch_noise") else {}
    return {"branch_step": step, **paint, **own}


def check_rest(job: Job, wanted: Request) -> None:
    """Before the job is stopped: raises BadRequest where these settings cannot go on with what it paints."""
    if job.over or not job.progress.step:
        raise BadRequest(
            "this picture cannot change its course: it is finished, or no step of it is done yet. Branch from one of "
            "its steps, or try again in a moment."
        )
    wanted.parent_request({"generator": job.generator, "request": job.resolved.json_values()})


def stop(services: Services, job: Job, client: str) -> list[tuple[ImageInfo, int]]:
    """Stops the job once its present step is done; each of its pictures, and the step that it has.

    Raises NotFound, BadRequest where it was quicker and is finished.
    """
    for _ in services.jobs.cancel(job.id, client).events():
        pass
    pictures = [services.image_for(image_id, client) for image_id in job.image_ids]
    unfinished = [(picture, (picture.recipe or {}).get("unfinished")) for picture in pictures]
    stopped = [(picture, at["step"]) for picture, at in unfinished if isinstance(at, dict)]
    if not stopped:
        raise BadRequest("the picture was finished before its course could change. Branch from one of its steps.")
    return stopped


def rest_of(picture: ImageInfo, step: int) -> dict[str, Any]:
    """What the rest of a stopped picture changes of the page's values: it is that one picture, with its own noise."""
    return {**REST, "branch_from": picture.id, "branch_step": step, "seed": _seed(picture)}


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


def _paint(event: gr.EventData) -> dict[str, str]:
    """The ids of the pictures that lie over the step, where it was painted over."""
    return {"branch_paint": str(event.paint)[:64], "branch_mask": str(event.mask)[:64]}


def _number(value: object) -> int:
    if isinstance(value, int) and 0 <= value <= 1000:
        return value
    raise BadRequest("a branch needs the step to go on from. Choose one below the live view.")
