"""What lies beside a model: a preview picture, and what other tools noted of it. All of it is a stranger's data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PREVIEWS = (".preview.png", ".png", ".preview.jpg", ".jpg", ".jpeg", ".webp")
MOST_PREVIEW_BYTES = 8 * 2**20
MOST_NOTE_BYTES = 2**20
MOST_WORDS, LONGEST_WORD, LONGEST_TEXT = 24, 120, 2000


def preview_of(model: Path) -> Path | None:
    """The picture beside it, or in its folder."""
    stem = model / model.name if model.is_dir() else model.with_suffix("")
    for ending in PREVIEWS:
        beside = stem.with_name(stem.name + ending)
        if beside.is_file() and beside.stat().st_size <= MOST_PREVIEW_BYTES:
            return beside
    return None


def notes_of(model: Path) -> dict[str, Any]:
    """`trigger_words` and `description` that A1111 (`model.json`) or a downloader (`model.civitai.info`) noted."""
    if model.is_dir():
        return {}
    said: dict[str, Any] = {}
    info = _object(model.with_suffix(".civitai.info"))
    a1111 = _object(model.with_suffix(".json"))
    words = [word for word in info.get("trainedWords") or [] if isinstance(word, str)]
    words += [text for text in (a1111.get("activation text"),) if isinstance(text, str) and text]
    if words:
        said["trigger_words"] = [word[:LONGEST_WORD] for word in dict.fromkeys(words)][:MOST_WORDS]
    texts = (a1111.get("notes"), a1111.get("description"), info.get("description"))
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return said | ({"description": text[:LONGEST_TEXT]} if text else {})


def _object(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            data = json.loads(opened.read(MOST_NOTE_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
