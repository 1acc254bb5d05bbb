"""What is written at the edges of a grid's sheet: the values of an axis, long ones by what they differ in."""

import os
import re
from collections.abc import Sequence
from unicodedata import east_asian_width

from pipelines.generators.axis import REPLACED, Axis

LONG = 24
"""Letters up to which a value is written as it is; a Chinese character is as wide as two."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")


def titles(axis: Axis | None) -> list[str]:
    """One for each value; [""] without an axis. Values of prompts go without the setting's name."""
    if axis is None:
        return [""]
    name = "" if axis.field in ("prompt", *REPLACED) else axis.field.replace("_", " ") + ": "
    return [f"{name}{value}" for value in differing(axis.values)]


def differing(values: Sequence[str]) -> list[str]:
    """Long values without the words that all of them begin or end with, "…" in their place."""
    words = [_WORD.findall(value) for value in values]
    first = len(os.path.commonprefix(words))
    last = len(os.path.commonprefix([value[first:][::-1] for value in words]))
    if max(map(_width, values)) <= LONG or len(set(values)) < 2:
        return list(values)
    return [_without(value, first, last) for value in values]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _without(value: str, first: int, last: int) -> str:
    """`value` with "…" for so many of its first and last words."""
    places = list(_WORD.finditer(value))
    kept = places[first : len(places) - last]
    middle = value[kept[0].start() : kept[-1].end()] if kept else ""
    return " ".join(part for part in ("…" * (first > 0), middle, "…" * (last > 0 and bool(kept))) if part) or "…"
