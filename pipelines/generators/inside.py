"""One step of a saved picture, taken apart: a Snapshot of what the network sees there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipelines import models
from pipelines.device.entering import Entering
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import adapted
from pipelines.diffusion.leases import held, lease
from pipelines.diffusion.retracing import known_steps
from pipelines.diffusion.run import Run
from pipelines.errors import BadRequest
from pipelines.events import Event, Progress, Snapshot, StopEarly, nothing_to_keep
from pipelines.models.faults import faults_of
from pipelines.models.info import ModelInfo
from pipelines.requests.inside import InsideRequest
from pipelines.requests.text_to_image import TextToImageRequest


class Inside:
    """The generator: one Snapshot, and nothing that is kept."""

    name = "inside"
    request_type = InsideRequest

    def stream(self, request: InsideRequest, devices: DeviceManager) -> Iterator[Event]:
        """Raises BadRequest for a picture of the bridge's, one in tiles, or a step that it does not have."""
        request.check()
        parent, painted = request.making()
        asked = replace(request.going_on(painted).with_parent(parent), pictures=painted.pictures)
        try:
            yield Progress("loading")
            info = models.inspect(models.find(asked.model))
            if info.bridged:
                raise BadRequest("{model} paints through the bridge and keeps its steps to itself.", model=info.name)
            with faults_of(info), Entering(lambda: held(info, devices)) as entering:
                yield from entering.progress("loading")
                yield from self._looked(request, asked, info, devices)
        except StopEarly:
            pass
        yield nothing_to_keep()

    def _looked(
        self, request: InsideRequest, asked: TextToImageRequest, info: ModelInfo, devices: DeviceManager
    ) -> Iterator[Event]:
        from pipelines.diffusion import inside
        from pipelines.diffusion.addons import attached

        with lease(info, devices) as base, attached.leased(asked, base, devices) as attachments:
            known = yield from known_steps(asked, base, devices)
            run = Run.prepare(asked, adapted(base, attachments), devices, None, attachments, known=known)
            yield Snapshot(request.step, dict(inside.look(run).values()))
