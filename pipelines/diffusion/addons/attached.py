"""All that a request puts beside its model: LoRAs, learned words, reference pictures, ControlNets, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import control, ip_adapter, lora, textual_inversion
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.requests.text_to_image import TextToImageRequest

KINDS = (lora.attached, textual_inversion.attached, ip_adapter.attached, control.attached)


@contextmanager
def leased(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[tuple[Attachment, ...]]:
    """On the device, for the block's time. Raises NotFound, BadFile and BadRequest for what does not fit the model."""
    with ExitStack() as held:
        yield tuple(attachment for kind in KINDS for attachment in held.enter_context(kind(request, base, devices)))
