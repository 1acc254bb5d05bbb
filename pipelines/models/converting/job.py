"""The conversion of a file as a job: it can be watched and cancelled, and leaves nothing half."""

from collections.abc import Iterator
from dataclasses import replace

from pipelines.device.manager import DeviceManager
from pipelines.errors import Sentence
from pipelines.events import Event, StopEarly, nothing_to_keep
from pipelines.models.converting import convert, sources
from pipelines.models.converting.requests import ConvertRequest


class Convert:
    """The generator over the converter. Stopped early it ends with nothing made."""

    name = "convert"
    request_type = ConvertRequest

    def stream(self, request: ConvertRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then a Result without pictures whose note says what was made."""
        source = sources.find(request.source)
        try:
            if request.output == "folder":
                target = convert.folder_of(source, request.dtype)
                made = yield from convert.to_folder(source, target, request.dtype)
                kind = "model"
            else:
                target = convert.target_of(source, request.dtype)
                made = yield from convert.convert(source, target, request.dtype)
                kind = made.kind.replace("_", " ")
        except StopEarly:
            return
        kept = Sentence(
            "Kept as {file}: {kind}, {architecture}.", file=target.name, kind=kind, architecture=made.architecture
        )
        yield replace(nothing_to_keep(), notes=(kept,))
