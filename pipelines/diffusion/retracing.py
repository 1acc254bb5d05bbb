"""The steps that a branch begins with: from memory, or painted anew from the recipe of the picture they belong to."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import adapted
from pipelines.diffusion.run import Run
from pipelines.errors import BadRequest, NotFound
from pipelines.events import Event, Progress
from pipelines.requests.branch import Parent
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.trajectory import Trajectory

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle


def known_steps(
    request: TextToImageRequest, base: Bundle, devices: DeviceManager
) -> Generator[Event, None, Trajectory | None]:
    """As many steps of the picture that the request branches from as it says; None where it branches from none.

    Raises BadRequest for a step that the picture does not have.
    """
    branch, parent = request.branch, request.parent
    if not branch:
        return None
    if parent is None or not isinstance(parent.request, TextToImageRequest):
        raise NotFound("the picture to branch from was not handed over. Choose it again.")
    kept = parent.trajectory
    if kept is None:
        _refuse_another_model(parent.model_hash, base)
        kept = yield from _retraced(parent.request, branch.step, base, devices)
    branch.check_step(kept.last_branch)
    canvas = request.canvas()
    if kept.legs[0].x.shape != base.latent_shape(canvas.width, canvas.height):
        raise BadRequest("the picture to branch from has another size. Set width and height to it.")
    return kept.until(branch.step)


def all_steps(parent: Parent, base: Bundle, devices: DeviceManager) -> Generator[Event, None, Trajectory]:
    """A picture's own steps, of one that was stopped as many as it took: from memory, or painted anew."""
    if parent.trajectory is not None:
        return parent.trajectory
    assert isinstance(parent.request, TextToImageRequest)
    _refuse_another_model(parent.model_hash, base)
    return (yield from _retraced(parent.request, parent.steps_done, base, devices))


def _retraced(
    request: TextToImageRequest, steps: int | None, base: Bundle, devices: DeviceManager
) -> Generator[Event, None, Trajectory]:
    """So many steps of the picture of this request, or all of them where it has fewer; None: those that it took."""
    from pipelines.diffusion.addons import attached

    known = yield from known_steps(request, base, devices)
    with attached.leased(request, base, devices) as attachments:
        run = Run.prepare(request, adapted(base, attachments), devices, None, attachments, known=known)
        wanted = run.last_step if steps is None else min(steps, len(run.path))
        for step in run.steps(run.start()):
            yield Progress("retracing", step.index + 1, wanted)
            if step.index + 1 == wanted:
                break
    kept = run.walk.trajectories()
    if not kept:
        raise BadRequest("the steps of this picture are too large to keep, so it cannot be branched.")
    return kept[0]


def _refuse_another_model(model_hash: str, base: Bundle) -> None:
    if model_hash and model_hash != models.model_hash(base.info):
        raise BadRequest(
            "the picture to branch from was painted with other weights under the name {model}, so its steps cannot be "
            "repeated. Choose a picture of this model.",
            model=base.info.name,
        )
