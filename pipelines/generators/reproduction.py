"""A saved picture made once more: its steps are watched as always, and nothing but the verdict is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipelines.device.manager import DeviceManager
from pipelines.events import Event, Result, StopEarly, nothing_to_keep
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.branch import Parent
from pipelines.requests.reproduction import ReproductionRequest
from pipelines.store import pixels
from pipelines.store.reproduction import Comparison, compared


class Reproduction:
    """The generator over text-to-image. Its result has no picture, and notes that say what was found."""

    name = "reproduction"
    request_type = ReproductionRequest

    def stream(self, request: ReproductionRequest, devices: DeviceManager) -> Iterator[Event]:
        """As the picture's own stream. Stopped early, it ends without a verdict."""
        request.check()
        parent, asked = request.making()
        try:
            for event in TextToImage().stream(asked, devices):
                if isinstance(event, Result):
                    found = verdict(parent, event)
                    event = replace(nothing_to_keep(), notes=tuple(found.sentences()), reproduced=found.same)
                yield event
        except StopEarly:
            return


def verdict(record: Parent, again: Result) -> Comparison:
    """A picture that was stopped or enlarged afterwards has other pixels than the run that is repeated."""
    elsewhere = any(record.recipe.get(name) for name in ("unfinished", "enlarged"))
    alike = None if elsewhere or not record.digest else pixels.digest(again.images[0]) == record.digest
    return compared(record.recipe, again.recipes[0], alike)
