"""A download from the hub as a job: watched, cancelled, and resumed by asking for it again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipelines.device.manager import DeviceManager
from pipelines.errors import Sentence, StorageError
from pipelines.events import Event, StopEarly, nothing_to_keep
from pipelines.models.converting import hub
from pipelines.params import Request, Text, param


@dataclass(frozen=True)
class DownloadRequest(Request):
    """A file on the hub."""

    repo: str = param("", Text(200), "The repository, like ORG/NAME.")
    file: str = param("", Text(500), "The file in it.")

    def check(self) -> None:
        hub.check(self.repo, self.file)


class Download:
    """The generator over the download. Stopped early, what was fetched waits to be resumed."""

    name = "download"
    request_type = DownloadRequest

    def stream(self, request: DownloadRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then a Result without pictures whose note says what is there now."""
        request.check()
        try:
            taken = yield from hub.fetch(request.repo, request.file)
        except StopEarly:
            return
        except OSError as error:
            raise StorageError(
                "{file} could not be kept: {problem}. Check the disk.", file=request.file, problem=error.strerror
            ) from error
        yield replace(
            nothing_to_keep(), notes=(Sentence("Kept as {folder}/{file}.", folder=taken.parent.name, file=taken.name),)
        )
