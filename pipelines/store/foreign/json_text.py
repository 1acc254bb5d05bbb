"""JSON that a stranger wrote: bounded in length, and None instead of an error."""

import json
from typing import Any

MOST_CHARACTERS = 1 << 20


def json_object(text: str | None) -> dict[str, Any] | None:
    """The object in `text`; None where there is none. NaN, which ComfyUI writes, becomes null."""
    if not text or len(text) > MOST_CHARACTERS or not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    try:
        value = json.loads(text.lstrip("\ufeff"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
