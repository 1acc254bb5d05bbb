"""One step of a saved picture, taken apart: a Snapshot of what the network sees there."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import adapted
from pipelines.diffusion.leases import lease, on_device, with_own_steps
from pipelines.diffusion.retracing import known_steps
from pipelines.diffusion.run import Run
from pipelines.events import Event, Progress, Snapshot, StopEarly, nothing_to_keep
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
            info = with_own_steps(asked.model)
            yield from on_device(info, devices, self._looked(request, asked, info, devices))
        except StopEarly:
            pass
        yield nothing_to_keep()

    def _looked(
        self, request: InsideRequest, asked: TextToImageRequest, info: ModelInfo, devices: DeviceManager
    ) -> Generator[Event, None, None]:
        from pipelines.diffusion import inside
        from pipelines.diffusion.addons import attached

        with lease(info, devices) as base, attached.leased(asked, base, devices) as attachments:
            known = yield from known_steps(asked, base, devices)
            run = Run.prepare(asked, adapted(base, attachments), devices, None, attachments, known=known)
            yield Snapshot(request.step, dict(inside.look(run).values()))
