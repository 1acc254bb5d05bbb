"""The jobs on disk, so that they survive the end of the process: one small JSON file, replaced as a whole.

It holds who waits, who runs, and the last that are over. Its owner holds a lock beside it, so that another studio on
the same folder knows whether it is in use.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.engine.job import Job, JobError, JobState
from pipelines.files.lock import FileLock

log = logging.getLogger(__name__)

WAITING, RUNNING, FINISHED = PARTS = ("waiting", "running", "finished")
VERSION = 2
MOST_FINISHED_BYTES = 2**20
"""Of the finished jobs in the file; older ones are left out."""
_MOST_BYTES = 64 * 2**20
_MOST_NAMES = 9
_OF_A_STUDIO = re.compile(r"waiting-\d{1,5}(-\d)?\.json")


@dataclass(frozen=True)
class Saved:
    """A job as it was written; its request is not checked yet. What a waiting job lacks has its default."""

    part: str
    id: str
    client: str
    generator: str
    request: dict[str, Any]
    created: float
    started: float | None = None
    finished: float | None = None
    state: JobState = JobState.WAITING
    error: JobError | None = None
    deaths: int = 0
    interruptions: int = 0
    image_ids: tuple[str, ...] = ()
    saving: str = ""
    latents_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True)
class Jobs:
    """What the file shall hold. `running` are those that a sudden end of the process cuts off."""

    waiting: Sequence[Job] = ()
    running: Sequence[Job] = ()
    finished: Sequence[Job] = ()  # the oldest first


class WaitingFile:
    """The file of one studio. Its methods may be called from any thread; a broken disk costs the list, not the jobs."""

    def __init__(self, path: Path) -> None:
        self._counting, self._writing = threading.Lock(), threading.Lock()
        self._wanted = self._written = 0
        self._closed = False
        self.path, self._lock = _own(path)
        if self._lock is not None:
            for leftover in self.path.parent.glob(f"{self.path.name}.*.tmp"):  # of a studio that was killed
                leftover.unlink(missing_ok=True)

    def read(self) -> list[Saved]:
        return read(self.path)

    def write(self, take: Callable[[], Jobs]) -> None:
        """Replace the file by what `take` gives. Who comes while another writes is written together with others."""
        with self._counting:
            self._wanted += 1
            own = self._wanted
        with self._writing:
            if self._written >= own or self._closed:
                return
            with self._counting:
                newest = self._wanted
            jobs = take()
            rows = {
                WAITING: [job.to_row() for job in jobs.waiting],
                RUNNING: [job.to_row() for job in jobs.running],
                FINISHED: _newest([job.to_row() for job in jobs.finished]),
            }
            _replace(self.path, rows)
            self._written = newest

    def orphans(self) -> list[Orphan]:
        """The files that studios on the same folder left and nobody owns; each is ours until it is `left`."""
        if self._lock is None or not _OF_A_STUDIO.fullmatch(self.path.name):
            return []
        names = sorted(path.name for path in self.path.parent.glob("waiting-*.json"))
        others = [name for name in names if _OF_A_STUDIO.fullmatch(name) and name != self.path.name]
        return [orphan for name in others if (orphan := Orphan.take(self.path.with_name(name)))]

    def close(self) -> None:
        """Nothing is written any more, and the file is free for the next studio."""
        with self._writing:
            if not self._closed and self._lock is not None:
                self._lock.release()
            self._closed = True


@dataclass(frozen=True)
class Orphan:
    """A file whose studio is gone, and its lock."""

    path: Path
    lock: FileLock
    saved: tuple[Saved, ...]

    @classmethod
    def take(cls, path: Path) -> Orphan | None:
        try:
            lock = FileLock.take(_lock_of(path))
        except OSError:
            return None
        return lock and cls(path, lock, tuple(read(path)))

    def leave(self, rest: Iterable[Saved]) -> None:
        """Keep only those in the file that were not taken over; without any the file goes."""
        rows: dict[str, list[str]] = {part: [] for part in PARTS}
        for saved in rest:
            rows[saved.part].append(_row(saved))
        if any(rows.values()):
            _replace(self.path, rows)
        else:
            self.path.unlink(missing_ok=True)
        self.lock.release(remove=not any(rows.values()))


def read(path: Path) -> list[Saved]:
    """The jobs in the file, also of older versions; a file that is not one of ours is set aside under another name."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("larger than any list of jobs")
        parts = json.loads(path.read_text(encoding="utf-8"))
        return [
            _saved(part, row)
            for part in PARTS
            for row in (parts["waiting"] if part == WAITING else parts.get(part, ()))
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("the list of jobs could not be read: %s", error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("the list of jobs is damaged and was set aside: %s", error)
        aside = path.with_name(path.name + ".damaged")
        os.replace(path, aside)
        aside.chmod(0o600)
    return []


def _saved(part: str, row: dict[str, Any]) -> Saved:
    error = row.get("error")
    return Saved(
        part=part,
        id=str(row["id"]),
        client=str(row["client"]),
        generator=str(row["generator"]),
        request=dict(row["request"]),
        created=float(row["created"]),
        started=None if row.get("started") is None else float(row["started"]),
        finished=None if row.get("finished") is None else float(row["finished"]),
        state=JobState(row.get("state", JobState.WAITING)),
        error=error and JobError.read(error),
        deaths=int(row.get("deaths", 0)),
        interruptions=int(row.get("interruptions", 0)),
        saving=str(row.get("saving", "")),
        address=str(row.get("address", "")),
        **{name: tuple(map(str, row.get(name, ()))) for name in ("image_ids", "latents_ids", "notes")},
    )


def _row(saved: Saved) -> str:
    return json.dumps({name: value for name, value in vars(saved).items() if name != "part"}, default=vars)


def _newest(rows: list[str]) -> list[str]:
    """The last of them that fit the bound."""
    kept: list[str] = []
    room = MOST_FINISHED_BYTES
    for row in reversed(rows):
        room -= len(row)
        if room < 0:
            break
        kept.append(row)
    return kept[::-1]


def _replace(path: Path, rows: dict[str, list[str]]) -> None:
    """The whole file anew. It is not flushed to the disk: it must survive the end of the process, not a power cut."""
    parts = (f'"{part}": [{", ".join(rows[part])}]' for part in PARTS)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds the clients' keys
        with open(handle, "w", encoding="utf-8") as file:
            file.write(f'{{"version": {VERSION}, {", ".join(parts)}}}')
        os.replace(temporary, path)
    except OSError as error:
        log.warning("the list of jobs could not be written; they would not survive a restart: %s", error)
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass


def _own(path: Path) -> tuple[Path, FileLock | None]:
    """The file that this studio owns, and its lock: the first name that no other holds. None where nothing locks."""
    names = [path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, _MOST_NAMES + 1))]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for name in names:
            if lock := FileLock.take(_lock_of(name)):
                return name, lock
    except OSError as error:
        log.warning("the list of jobs cannot be locked here: %s", error)
    return path, None


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
