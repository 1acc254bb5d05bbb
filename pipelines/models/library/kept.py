"""One's own notes about models and the way back of removed ones: a small JSON file beside the library's index."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import Sentence
from pipelines.files import plain
from pipelines.files.whole import storage_error, write_whole

MOST_BYTES = 2**26
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removed:
    """A removed model's name, and of each of its files where it is now and where it was."""

    name: str
    files: tuple[tuple[str, str], ...]

    def values(self) -> dict[str, Any]:
        return {"name": self.name, "files": self.files}


@dataclass
class Kept:
    """Notes by a model's name; removed models by their id."""

    notes: dict[str, str] = field(default_factory=dict)
    removed: dict[str, Removed] = field(default_factory=dict)


def read(path: Path) -> Kept:
    """What stands there and is right; nothing where it cannot be read."""
    try:
        data = json.loads(plain.read(path, MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return Kept()
    notes, removed = (_mapping(data, name) for name in ("notes", "removed"))
    return Kept(
        {name: text for name, text in notes.items() if isinstance(text, str)},
        {name: one for name, raw in removed.items() if (one := _removed(raw)) is not None},
    )


def write(path: Path, kept: Kept) -> None:
    """Raises StorageError. What cannot be read is put aside first: somebody may mend it."""
    removed = {name: one.values() for name, one in kept.removed.items()}
    notes = {name: text for name, text in kept.notes.items() if text}
    try:
        if path.exists() and not _is_sound(path):
            log.warning("The notes about models were damaged; they were put aside.")
            os.replace(path, path.with_name(f"{path.name}.damaged"))
        write_whole(path, json.dumps({"notes": notes, "removed": removed}, indent=1).encode(), private=True)
    except OSError as error:
        raise storage_error(error, Sentence("saved")) from error


def _is_sound(path: Path) -> bool:
    try:
        return isinstance(json.loads(plain.read(path, MOST_BYTES)), dict)
    except (OSError, ValueError, RecursionError):
        return False


def _mapping(data: Any, name: str) -> dict[str, Any]:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _removed(raw: Any) -> Removed | None:
    match raw:
        case {"name": str(name), "files": [*files]}:
            pairs = [tuple(pair) for pair in files if isinstance(pair, list) and len(pair) == 2]
            if pairs and len(pairs) == len(files) and all(isinstance(place, str) for pair in pairs for place in pair):
                return Removed(name, tuple((now, before) for now, before in pairs))
    return None
