"""The folders at and below a named one, as they are now: their pictures' names, times and sizes. Nothing is opened."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.store.folders.head import ENDINGS
from pipelines.store.folders.rows import File

DEEPEST = 32
MOST_NAMES = 1_000_000
TOP = Path()


@dataclass
class Place:
    """One folder below the named one. `files` is None where it had not changed and was not looked at; `problem` is why
    it cannot be read."""

    place: Path
    changed_ns: int = 0
    files: list[File] | None = None
    folders: list[str] = field(default_factory=list)
    names: int = 0
    problem: str = ""


def walk(root: Path, known: Mapping[Path, int], skipped: Collection[Path]) -> Iterator[Place]:
    """Links are not followed, hidden folders and those of `skipped` not entered; those that changed last when `known`
    says are not read again."""
    below: dict[Path, list[str]] = {}
    for place in known:
        if place != TOP:
            below.setdefault(place.parent, []).append(place.name)
    waiting, left = [TOP], MOST_NAMES
    while waiting and left > 0:
        place = look(root, waiting.pop(), lambda place: known.get(place), below)
        left -= place.names
        yield place
        if len(place.place.parts) < DEEPEST:
            inside = (place.place / name for name in place.folders)
            waiting += [one for one in inside if root / one not in skipped]


def look(
    root: Path, place: Path, known: Callable[[Path], int | None], below: Mapping[Path, list[str]] | None = None
) -> Place:
    found = Place(place)
    try:
        found.changed_ns = os.lstat(root / place).st_mtime_ns
        if known(place) == found.changed_ns:
            found.folders = list((below or {}).get(place, ()))
            return found
        found.files = []
        with os.scandir(root / place) as entries:
            for entry in entries:
                found.names += 1
                if found.names > MOST_NAMES:
                    break
                _take(found, root, entry)
    except OSError as error:
        found.problem = error.strerror or "unknown reason"
    return found


def _take(found: Place, root: Path, entry: os.DirEntry[str]) -> None:
    if entry.name.startswith((".", "$")):
        return
    if entry.is_dir(follow_symlinks=False):
        found.folders.append(entry.name)
    elif entry.name.lower().endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
        status = entry.stat(follow_symlinks=False)
        assert found.files is not None
        found.files.append(File(root, found.place, entry.name, status.st_mtime_ns, status.st_size))
