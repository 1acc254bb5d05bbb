"""The table of drawn subjects: what each is called, how it stands among other things, who drew it."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "assets" / "data" / "drawings"
TABLE = FOLDER / "drawings.csv"
ARTISTS = ("noto", "fluent-flat", "fluent", "twemoji", "fxemoji")
HEIGHTS = ("tiny", "small", "medium", "large", "huge")
"""A hand's width; a cat; a person; a horse or car; a house."""
PLACES = ("ground", "water", "sky", "any")


@dataclass(frozen=True)
class Drawing:
    """One subject; the first word of each language is the usual one. `measure` is the Chinese measure word, `part` what
    changes its colour ("" if nothing does); the artists in `unchanged` drew it so that nothing can, those in `without`
    drew something else or nothing that can be read."""

    emoji: str
    kind: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    measure: str
    height: str
    place: str
    may_mirror: bool
    part: str
    unchanged: tuple[str, ...]
    without: tuple[str, ...]


@cache
def table() -> dict[str, Drawing]:
    """Every subject by its usual English name."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [
        Drawing(
            row["emoji"],
            row["kind"],
            tuple(row["english"].split(";")),
            tuple(row["chinese"].split(";")),
            row["measure"],
            row["height"],
            row["place"],
            row["mirror"] == "yes",
            row["part"],
            tuple(row["unchanged"].split(";")),
            tuple(row["without"].split(";")),
        )
        for row in rows
    ]
    return {drawing.english[0]: drawing for drawing in found}


@cache
def names() -> tuple[str, ...]:
    return tuple(table())


def part_of(name: str, artist: str) -> str:
    """What changes its colour in this artist's drawing; "" if nothing does."""
    drawing = table()[name]
    return "" if artist in drawing.unchanged else drawing.part
