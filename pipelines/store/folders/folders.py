"""Pictures of other programs, where they lie: found, shown and marked, and never changed."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile, NotAllowed, NotFound, Sentence
from pipelines.files import plain
from pipelines.files.whole import storage_error, write_whole
from pipelines.params import Request
from pipelines.store import foreign
from pipelines.store.folders import rows
from pipelines.store.folders.follower import Follower
from pipelines.store.folders.kept_marks import KeptMarks
from pipelines.store.folders.named import NamedFolders
from pipelines.store.folders.rows import File, Read
from pipelines.store.gallery import marks
from pipelines.store.gallery.marks import Marks
from pipelines.store.gallery.thumbnails import FOLDER as THUMBNAILS
from pipelines.store.index import Index
from pipelines.store.picture_files.bounds import MOST_BYTES
from pipelines.store.picture_files.reader import PictureReader

LARGEST = 2**28  # bytes of a file that is handed out
READ_ONLY = Sentence(
    "this picture is in a folder of another program, where the studio changes nothing. Delete it there."
)
_TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


@dataclass(frozen=True)
class FolderState:
    """`pictures` that are found by now, `damaged` files that cannot be shown, and how many are `left` to read."""

    path: str
    kept: bool
    pictures: int
    damaged: int
    left: int
    problem: Sentence | None


class Folders:
    """Beside the picture folder `outputs`, with its index. Any thread may ask."""

    def __init__(self, outputs: Path, index: Index, given: Iterable[Path] = ()) -> None:
        self._index, self._thumbnails = index, outputs / THUMBNAILS / "others"
        self.named = NamedFolders(outputs, given)
        self._marks = KeptMarks(outputs)
        self._follower = Follower(outputs, index, self.named, self._marks)
        self._reader = PictureReader()

    def start(self, busy: Callable[[], bool] | None = None) -> None:
        """From now on the folders are followed, more slowly while `busy`."""
        self._follower.start(busy)

    def close(self) -> None:
        self._follower.close()
        self._reader.close()

    def add(self, text: str) -> None:
        """Raises BadRequest for what is no folder to add, StorageError."""
        self.named.add(text)
        self.start()

    def remove(self, text: str) -> None:
        """The folder is shown no longer; files and their stars stay. Raises NotFound, BadRequest, StorageError."""
        self._follower.forget(self.named.remove(text))

    def states(self) -> list[FolderState]:
        """Raises StorageError."""

        def one(path: Path, kept: bool) -> FolderState:
            known, whole = self._index.peek(lambda db: rows.count(db, path))
            state = self._follower.state(path)
            return FolderState(str(path), kept, whole, known - whole, state.left, state.problem)

        return [one(named.path, named.kept) for named in self.named.all()]

    def shown(self) -> tuple[str, ...]:
        """The folders whose pictures can be seen now, as the index names them."""
        here = (one.path for one in self.named.all() if self._follower.state(one.path).problem is None)
        return tuple(plain.printable(str(path)) for path in here)

    def find(self, image_id: str) -> File:
        """A picture of a folder that is named now. Raises NotFound."""
        file = self._index.peek(lambda db: rows.find(db, image_id))
        if all(one.path != file.root for one in self.named.all()):
            raise NotFound("there is no such picture. It may have been deleted; reload the gallery.")
        return file

    def read(self, image_id: str, most: int = LARGEST) -> tuple[bytes, str]:
        """The file as it is, and its type. Raises NotFound, BadFile."""
        file = self.find(image_id)
        try:
            with plain.open_inside(file.path, [file.root]) as opened:
                data = plain.read_all(opened, most)
        except OSError as error:
            raise NotFound("this picture cannot be read now: {problem}.", problem=error.strerror or "") from None
        for start, media_type in _TYPES:
            if data.startswith(start):
                return data, media_type
        raise BadFile("this file is no picture that can be shown. Replace or delete it.")

    def thumbnail(self, image_id: str) -> bytes:
        """WebP. Raises NotFound, BadFile, Busy."""
        self.find(image_id)
        kept = self._thumbnails / image_id[-2:] / f"{image_id}.webp"
        with contextlib.suppress(OSError):
            return kept.read_bytes()
        data = self._reader.small(self.read(image_id, MOST_BYTES)[0])
        with contextlib.suppress(OSError):
            self._thumbnails.parent.mkdir(exist_ok=True)
            write_whole(kept, data)
        return data

    def look_at(self, image_id: str) -> None:
        """Finds out now what a picture looks like, be it the studio's own or another program's. Raises StorageError."""
        self._follower.look_at([image_id])

    def recipe(self, image_id: str, request_type: type[Request]) -> dict[str, Any]:
        """What the file says of how it was made, in the shape of a recipe of ours. Raises NotFound, BadFile, Busy."""
        file = self.find(image_id)
        data = self.read(image_id, MOST_BYTES)[0]
        read = foreign.read(data, request_type, self._reader.texts, self._reader.hidden_texts)
        unknown = [{"name": one.name, "value": one.value} for one in read.unknown]
        place = plain.printable(str(file.path))
        return {"request": read.settings, "unsaid": read.unsaid, "tool": read.tool, "unknown": unknown, "file": place}

    def mark(self, image_id: str, change: Callable[[Marks], Marks]) -> None:
        """A picture and every copy of it that lies in a named folder. Raises NotFound, StorageError."""
        file = self.find(image_id)
        try:
            place = self._marks.place_of(file)
            after = change(marks.read(place)[0])
            marks.write(place, after)
            same = self._index.peek(lambda db: rows.of_size(db, file.size))
            copies = [one for one in same if one == file or self._marks.place_of(one) == place]
        except OSError as error:
            raise storage_error(error, Sentence("marked")) from None
        read = [Read(one, said, after) for one in copies if (said := self._follower.read([one])[0])]
        self._index.use(lambda db: [rows.put(db, one) for one in read])


def refuse_change(image_id: str) -> None:
    """Raises NotAllowed for a picture of another program."""
    if rows.is_of_others(image_id):
        raise NotAllowed(READ_ONLY)
