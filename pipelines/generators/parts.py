"""All steps of a saved picture taken apart: each one's state, guess and noise as they were recorded, and what guidance
did to the guess, for which the network is asked again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import adapted
from pipelines.diffusion.leases import lease, on_device, with_own_steps
from pipelines.diffusion.retracing import all_steps
from pipelines.diffusion.run import Run
from pipelines.events import Event, Progress, StopEarly, nothing_to_keep
from pipelines.models.info import ModelInfo
from pipelines.requests.branch import Parent
from pipelines.requests.of_picture import OfPicture
from pipelines.requests.text_to_image import TextToImageRequest


class Parts:
    """The generator: a Frame for every step with all its parts, and nothing that is kept. Of a picture of two passes
    those of the first; of a branch `pull` begins with its own steps."""

    name = "parts"
    request_type = OfPicture

    def stream(self, request: OfPicture, devices: DeviceManager) -> Iterator[Event]:
        """Raises BadRequest for a picture of the bridge's."""
        request.check()
        parent, asked = request.making()
        try:
            yield Progress("loading")
            info = with_own_steps(asked.model)
            yield from on_device(info, devices, _apart(parent, asked, info, devices))
        except StopEarly:
            pass
        yield nothing_to_keep()


def _apart(
    parent: Parent, asked: TextToImageRequest, info: ModelInfo, devices: DeviceManager
) -> Generator[Event, None, None]:
    from pipelines.diffusion import inside, replay
    from pipelines.diffusion.addons import attached

    one_pass = replace(asked, pictures=asked.pictures).changed(hires_scale=1.0)
    with lease(info, devices) as base, attached.leased(one_pass, base, devices) as attachments:
        known = yield from all_steps(parent, base, devices)
        run = Run.prepare(one_pass, adapted(base, attachments), devices, None, attachments, known=known)
        first = asked.branch.step if asked.branch else 0
        yield from replay.frames(known, base, lambda step: inside.pull(run, step) if step.number > first else None)
