"""Which folders are named: on the command line, and on the page, which is remembered in a file of the studio."""

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BadRequest, NotFound, Sentence
from pipelines.files import plain
from pipelines.files.whole import storage_error, write_whole

FILE = "gallery-folders.json"
MOST, MOST_BYTES = 50, 1 << 20


@dataclass(frozen=True)
class Named:
    """`kept`: it was added on the page, and can be taken away there."""

    path: Path
    kept: bool


class NamedFolders:
    """Beside the pictures in `outputs`, which are no folder of another program. Several studios may share the file."""

    def __init__(self, outputs: Path, given: Iterable[Path] = ()) -> None:
        self._outputs, self._file = outputs, outputs / FILE
        self._given = tuple(dict.fromkeys(given))
        self._lock = threading.Lock()

    def all(self) -> list[Named]:
        kept = (path for path in self._kept() if path not in self._given)
        return [*(Named(path, False) for path in self._given), *(Named(path, True) for path in kept)]

    def add(self, text: str) -> Path:
        """Raises BadRequest for what is no folder to add, StorageError."""
        path = checked(text, self._outputs)
        with self._lock:
            named = [one.path for one in self.all()]
            for other in named:
                if path.is_relative_to(other):
                    raise BadRequest("this folder is in the gallery already: {folder}.", folder=_end(other))
            if len(named) >= MOST:
                raise BadRequest("{most} folders are named at most. Remove one first.", most=MOST)
            self._write([*self._kept(), path])
        return path

    def remove(self, text: str) -> Path:
        """Raises NotFound, BadRequest for one of the command line, StorageError."""
        path = Path(text)
        with self._lock:
            if path in self._given:
                raise BadRequest("this folder was named on the command line. Start the studio without it.")
            kept = self._kept()
            if path not in kept:
                raise NotFound("this folder is not in the gallery any more.")
            self._write([other for other in kept if other != path])
        return path

    def _kept(self) -> list[Path]:
        try:
            content = json.loads(plain.read(self._file, MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return []
        said = [text for text in content if isinstance(text, str)] if isinstance(content, list) else []
        return [path for path in dict.fromkeys(map(Path, said)) if path.is_absolute()][:MOST]

    def _write(self, paths: list[Path]) -> None:
        try:
            write_whole(self._file, json.dumps([str(path) for path in paths], indent=1).encode(), private=True)
        except OSError as error:
            raise storage_error(error, Sentence("saved")) from None


def checked(text: str, outputs: Path) -> Path:
    """The folder that was named, without links. Raises BadRequest."""
    try:
        path = Path(text.strip().strip('"')).expanduser()
        if not text.strip() or not path.is_absolute():
            raise BadRequest("name the whole path of a folder, such as {example}.", example=_example())
        path = path.resolve()
        with os.scandir(path):
            pass
    except (FileNotFoundError, NotADirectoryError, RuntimeError, ValueError):
        folder = plain.printable(text)[-80:]
        raise BadRequest("there is no folder {folder!r}. Look at its name once more.", folder=folder) from None
    except OSError as error:
        problem = error.strerror or ""
        raise BadRequest("this folder cannot be opened: {problem}. Allow reading it.", problem=problem) from None
    check_place(path, outputs)
    return path


def of_command_line(given: Iterable[Path], outputs: Path) -> list[Path]:
    """As they were named: one that is not there now may be on a drive that is connected later. Raises BadRequest."""
    paths = [path.expanduser().resolve() for path in given]
    for path in paths:
        check_place(path, outputs)
    return [one for one in paths if not any(one != other and one.is_relative_to(other) for other in paths)]


def check_place(path: Path, outputs: Path) -> None:
    """Raises BadRequest for the studio's own pictures and for a whole disk."""
    if path.is_relative_to(outputs.resolve()):
        raise BadRequest("this is the studio's own picture folder, which the gallery shows anyway. Name another.")
    if path == path.parent:
        raise BadRequest("this is a whole disk. Name the folder in which the pictures are.")


def _end(path: Path) -> str:
    return plain.printable(str(path))[-80:]


def _example() -> str:
    return r"C:\ComfyUI\output" if os.name == "nt" else "/home/me/ComfyUI/output"
