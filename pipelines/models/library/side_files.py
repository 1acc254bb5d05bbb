"""What lies beside a model: a preview picture, and what other tools noted of it. All of it is a stranger's data.

Only regular files inside the library's folders are opened, links followed; pictures are never decoded here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import BadRequest
from pipelines.files import bounded_json, plain
from pipelines.models.library import metadata

PREVIEWS = (".preview.png", ".png", ".preview.jpg", ".jpg", ".jpeg", ".webp")
MOST_PREVIEW_BYTES = 8 * 2**20
MOST_NOTE_BYTES = 2**20
MOST_WORDS, LONGEST_WORD, LONGEST_TEXT = metadata.MOST_WORDS, metadata.LONGEST_WORD, metadata.LONGEST_TEXT


@dataclass(frozen=True)
class Preview:
    """A picture as it lies there, and its type by its first bytes."""

    media_type: str
    data: bytes


def has_preview(model: Path, homes: Sequence[Path]) -> bool:
    opened = _opened(model, homes)
    if opened is not None:
        opened[0].close()
    return opened is not None


def preview_of(model: Path, homes: Sequence[Path]) -> Preview | None:
    """The picture beside it, or in its folder; `homes` are the library's folders, resolved."""
    opened = _opened(model, homes)
    if opened is None:
        return None
    file, media_type = opened
    with file:
        try:
            return Preview(media_type, plain.read_all(file, MOST_PREVIEW_BYTES))
        except OSError:  # it grew, or the disk does not give it
            return None


def _opened(model: Path, homes: Sequence[Path]) -> tuple[BinaryIO, str] | None:
    """The first picture of a good size and type, at its start."""
    stem = model / model.name if plain.is_folder(model) else model.with_suffix("")
    for ending in PREVIEWS:
        beside = stem.with_name(stem.name + ending)
        if not os.path.lexists(beside):
            continue
        try:
            file = plain.open_inside(beside, homes)
        except OSError:
            continue
        media_type = _media_type(file.read(12) or b"")
        if media_type and os.fstat(file.fileno()).st_size <= MOST_PREVIEW_BYTES:
            file.seek(0)
            return file, media_type
        file.close()
    return None


def _media_type(start: bytes) -> str:
    """Of a PNG, JPEG or WebP by its first 12 bytes; "" of anything else, whatever its name says."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if start[:4] == b"RIFF" and start[8:12] == b"WEBP" else ""


def notes_of(model: Path, homes: Sequence[Path]) -> dict[str, Any]:
    """`trigger_words` and `description` that A1111 (`model.json`) or a downloader (`model.civitai.info`) noted."""
    if plain.is_folder(model):
        return {}
    notes: dict[str, Any] = {}
    info = _object(model.with_suffix(".civitai.info"), homes)
    a1111 = _object(model.with_suffix(".json"), homes)
    words = list(dict.fromkeys([*_words(info.get("trainedWords")), *_words(a1111.get("activation text"))]))
    if words:
        notes["trigger_words"] = words[:MOST_WORDS]
    texts = (a1111.get("notes"), a1111.get("description"), info.get("description"))
    text = next(filter(None, (metadata.plain(text) for text in texts if isinstance(text, str))), "")
    return notes | ({"description": text} if text else {})


def _words(value: Any) -> Iterable[str]:
    """The words in a list of them, or in one text; none in anything else."""
    texts = value if isinstance(value, list) else [value]
    words = (metadata.plain(text, LONGEST_WORD) for text in texts[: 4 * MOST_WORDS] if isinstance(text, str))
    return filter(None, words)


def _object(file: Path, homes: Sequence[Path]) -> dict[str, Any]:
    """A JSON object of bounded size, depth and number of values; {} for all else."""
    if not os.path.lexists(file):
        return {}
    try:
        with plain.open_inside(file, homes) as opened:
            data = bounded_json.loads(plain.read_all(opened, MOST_NOTE_BYTES))
    except (OSError, BadRequest):
        return {}
    return data if isinstance(data, dict) else {}
