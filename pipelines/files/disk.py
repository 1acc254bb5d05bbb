"""What lies in the folders of models, from memory: a folder is read again only when it says that it changed.

The one way in which models, decoders and add-ons are found, and in which the catalogue reads the disk.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines.files import plain
from pipelines.files.plain import Folder

MOST_FOLDERS, MOST_NAMES = 20_000, 500_000
SETTLED_NS = 2 * 10**9
"""So long after its last change a folder's time tells it from the next one; file systems count in up to two seconds."""
LONGEST_SECONDS = 60
"""A folder is read again after this time whatever it says: some network disks do not tell of a change."""


def walk(root: Path, deepest: int, most: int = MOST_NAMES) -> Iterator[Folder]:
    """As `plain.walk`, from memory where nothing changed: one `stat` a folder."""
    return plain.walk(root, deepest, most, _contents)


def children(folder: Path) -> list[str]:
    """The names in a folder, in order; none where it cannot be read."""
    inside = _contents(folder, MOST_NAMES)
    return sorted([*inside.folders, *inside.names])


def forget() -> None:
    """Everything is read again when it is next asked for."""
    _remembered.cache_clear()


def _contents(path: Path, most: int) -> Folder:
    try:
        status = os.stat(path)
    except OSError:
        return plain.contents(path, most)
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if abs(time.time_ns() - changed) < SETTLED_NS:
        return plain.contents(path, most)
    kept = _remembered(path, (changed, status.st_mtime_ns, status.st_ino), int(time.monotonic() // LONGEST_SECONDS))
    return dataclasses.replace(kept, folders=list(kept.folders), names=list(kept.names))  # who reads may shorten them


@functools.lru_cache(maxsize=MOST_FOLDERS)
def _remembered(path: Path, state: tuple[int, ...], period: int) -> Folder:
    return plain.contents(path, MOST_NAMES)
