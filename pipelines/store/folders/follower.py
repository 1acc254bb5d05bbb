"""Keeps the picture index in line with the named folders, in the background: what is new is read, the newest first.

Every few seconds it looks which folders have changed, now and then at every file. The files themselves are read by a
confined child that gives way to everything else; this thread only writes down what it says.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.confined.worker import Worker
from pipelines.errors import BadFile, NotFound, Sentence, StudioError
from pipelines.store import pictures
from pipelines.store.folders import rows
from pipelines.store.folders.kept_marks import KeptMarks
from pipelines.store.folders.named import NamedFolders
from pipelines.store.folders.rows import File, Read
from pipelines.store.folders.walk import Place, walk
from pipelines.store.gallery import looks
from pipelines.store.index import Index
from pipelines.store.picture_files.reader import ALLOCATOR

log = logging.getLogger(__name__)

EVERY, WHOLE = 5.0, 600.0
"""Seconds between two looks at the folders, and between two at every file."""
BATCH, LOOKED_AT_ONCE = 100, 10
REST, REST_BESIDE_JOBS = 0.1, 3.0
"""How long it rests after each batch, in parts of the time that the batch took."""
_SETTLED_NS, _GROWING_NS = 2 * 10**9, 600 * 10**9
_LOOK_AGAIN = 0
_MOST_SECONDS = 60.0
CHILD, CALLS = "pipelines.store.folders.child", 1000
"""Calls after which the child is replaced."""


@dataclass
class State:
    """Of a named folder: `problem` is why it is not shown; `left` how many files are still to be read."""

    problem: Sentence | None = None
    left: int = 0
    looked_whole: float = -WHOLE
    found: list[Place] = field(default_factory=list)


class Follower:
    """A thread that begins with the first `start`. `close` ends it and its child."""

    def __init__(self, outputs: Path, index: Index, named: NamedFolders, marks: KeptMarks) -> None:
        self._outputs, self._index, self._named, self._marks = outputs.resolve(), index, named, marks
        self._states: dict[Path, State] = {}
        self._busy: Callable[[], bool] = lambda: False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake, self._closed = threading.Event(), threading.Event()
        most = LOOKED_AT_ONCE * looks.LENGTH * 2
        self._reader = Worker(CHILD, Sentence("picture"), _MOST_SECONDS, most, lifetime=CALLS, environment=ALLOCATOR)
        self._looked_to = 0

    def start(self, busy: Callable[[], bool] | None = None) -> None:
        """Also looks at once where it runs already."""
        with self._starting:
            self._busy = busy or self._busy
            self._wake.set()
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="folders", daemon=True)
                self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._reader.close()

    def state(self, root: Path) -> State:
        return self._states.setdefault(root, State())

    def forget(self, root: Path) -> None:
        """All of the folder is looked at anew, should it be named again. Raises StorageError."""
        self._states.pop(root, None)
        self._index.use(lambda db: rows.remove_root(db, root))

    def _is_named(self, root: Path) -> bool:
        return any(one.path == root for one in self._named.all())

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            for one in self._named.all():
                try:
                    self.follow(one.path)
                except StudioError as error:
                    log.warning("A folder of the gallery cannot be followed: %s", error)
            try:
                while self._look_at_some() and not self._wake.is_set():
                    pass
            except StudioError as error:
                log.warning("The looks of pictures cannot be kept: %s", error)
            self._wake.wait(EVERY)

    def _look_at_some(self) -> bool:
        """The looks of some pictures that are not known yet; whether there may be more."""
        begun = time.monotonic()
        ids, last = self._index.peek(lambda db: looks.without(db, self._looked_to, LOOKED_AT_ONCE))
        self.look_at(ids)
        more, self._looked_to = last > self._looked_to, last
        if ids:
            self._rest(begun)
        return more and not self._closed.is_set()

    def _rest(self, begun: float) -> None:
        """After work that began then."""
        self._closed.wait((time.monotonic() - begun) * (REST_BESIDE_JOBS if self._busy() else REST))

    def look_at(self, ids: list[str]) -> None:
        """Keeps what pictures look like, the studio's own and others, where that is not known. Raises StorageError."""
        ids = self._index.peek(lambda db: looks.unknown(db, ids))
        paths = self._index.peek(lambda db: {image_id: self._path(db, image_id) for image_id in ids})
        found = list(self._numbers([(image_id, path) for image_id, path in paths.items() if path is not None]))
        if found:
            self._index.use(lambda db: looks.put(db, found))

    def _path(self, db: sqlite3.Connection, image_id: str) -> Path | None:
        if not rows.is_of_others(image_id):
            return pictures.path_in(self._outputs, image_id)
        try:
            return rows.find(db, image_id).path
        except NotFound:
            return None

    def _numbers(self, known: list[tuple[str, Path]]) -> Iterator[tuple[str, NDArray[np.float16] | None]]:
        try:
            if known:
                said, data = self._reader.call("looks", {"paths": [_as_text(path) for _, path in known]})
                vectors = iter(np.frombuffer(data, np.float16).reshape(-1, looks.LENGTH))
                yield from (
                    (one, next(vectors) if ok else None) for (one, _), ok in zip(known, said["found"], strict=True)
                )
        except BadFile:
            if len(known) == 1:
                yield known[0][0], None
            else:
                for one in known:
                    yield from self._numbers([one])

    def follow(self, root: Path) -> None:
        """One look at a folder, and at what has changed there. Raises StorageError."""
        state = self.state(root)
        known = self._index.peek(lambda db: rows.places(db, root))
        state.problem = _problem(root, bool(known))
        if state.problem is not None:
            return
        whole = time.monotonic() - state.looked_whole > WHOLE
        places = list(walk(root, {} if whole else known, self._skipped(root)))
        if _problem(root, bool(known)) is not None:
            return  # it went away meanwhile, and what was not found is not gone
        if whole:
            state.looked_whole = time.monotonic()
        new = self._gone_and_new(root, places, set(known))
        state.left = len(new)
        growing = self._take_in(new, state)
        state.left = 0
        self._note(root, places, growing)

    def _skipped(self, root: Path) -> set[Path]:
        return {self._outputs, *(one.path for one in self._named.all() if one.path != root)}

    def _gone_and_new(self, root: Path, places: list[Place], known: set[Path]) -> list[File]:
        """Takes what is gone out of the index, and returns what is not in it, the newest first."""
        new: list[File] = []
        for place in places:
            if place.files is None or place.problem or self._closed.is_set():
                continue
            there = {(file.name, file.mtime_ns, file.size): file for file in place.files}
            had = self._index.peek(lambda db, at=place.place: rows.in_place(db, root, at))
            gone = [image_id for key, image_id in had.items() if key not in there]
            if gone:
                self._index.use(lambda db, ids=gone: rows.remove(db, ids))
            new += [file for key, file in there.items() if key not in had]
        unread = [place.place for place in places if place.problem]
        left = known - {place.place for place in places}
        for place in [one for one in left if not any(one.is_relative_to(other) for other in unread)]:
            self._index.use(lambda db, at=place: rows.remove_place(db, root, at))
        return sorted(new, key=lambda file: file.mtime_ns, reverse=True)

    def _take_in(self, new: list[File], state: State) -> set[Path]:
        """Reads files into the index; the places of those that may still be growing."""
        growing: set[Path] = set()
        for at in range(0, len(new), BATCH):
            begun = time.monotonic()
            files = new[at : at + BATCH]
            if self._closed.is_set() or not self._is_named(files[0].root):
                return growing | {file.place for file in new[at:]}
            sizes = self._marks.sizes()
            read = [Read(file, said, self._marks.of(file, sizes)) for file, said in self._said(files)]
            now = time.time_ns()
            growing |= {r.file.place for r in read if r.said is None and now - r.file.mtime_ns < _GROWING_NS}
            kept = [r for r in read if r.said is not None or now - r.file.mtime_ns > _SETTLED_NS]
            self._index.use(lambda db, kept=kept: [rows.put(db, one) for one in kept])
            state.left = len(new) - at - len(files)
            self._rest(begun)
        return growing

    def _said(self, files: list[File]) -> Iterator[tuple[File, dict[str, Any] | None]]:
        try:
            yield from zip(files, self.read(files), strict=True)
        except BadFile:  # one of them brought the child down
            for file in files:
                try:
                    yield file, self.read([file])[0]
                except BadFile:
                    yield file, None

    def read(self, files: list[File]) -> list[dict[str, Any] | None]:
        """What the heads of files of one folder say. Raises BadFile."""
        paths = [_as_text(file.inside) for file in files]
        return self._reader.call("heads", {"folder": _as_text(files[0].root), "paths": paths})[0]["heads"]

    def _note(self, root: Path, places: list[Place], growing: set[Path]) -> None:
        """When each place had changed as it was looked at; one that may change again has no such time."""
        before = time.time_ns() - _SETTLED_NS
        looked = [
            (one.place, one.changed_ns if one.changed_ns < before and one.place not in growing else _LOOK_AGAIN)
            for one in places
            if one.files is not None and not one.problem
        ]
        if looked and not self._closed.is_set() and self._is_named(root):
            self._index.use(lambda db: rows.looked_at(db, root, looked))


def _problem(root: Path, had_files: bool) -> Sentence | None:
    """Why a folder cannot be shown now. One that has become empty is a drive that is not there, as a rule."""
    try:
        with os.scandir(root) as entries:
            empty = next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        return Sentence("It is not there now. Its pictures are shown again once it is back.")
    except OSError as error:
        return Sentence("It cannot be read: {problem}. Allow reading it.", problem=error.strerror or "")
    if empty and had_files:
        return Sentence("It is empty now, as when a drive is not connected. Its pictures are shown once they are back.")
    return None


def _as_text(path: Path) -> str:
    return os.fsencode(path).decode("latin-1")
