"""What all pictures are counted by, in memory: a column of small numbers each, so that 100,000 are counted in moments.

SQLite finds words at once but counts nine facets of 100,000 rows in a tenth of a second; numpy does it in a few
milliseconds. The columns follow the index: only rows that are new or gone since the last time are read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Facet = Callable[[tuple[Any, ...]], Iterable[str]]

READ = (
    "select n, id, owner, width, height, model, sampler, kind, favourite, stars, loras, tags, folder, tool"
    " from facts where n > ?"
)
READ_GONE = "select k, n from gone where k > ?"


def _month(row: tuple[Any, ...]) -> list[str]:
    return [f"{row[1][:4]}-{row[1][4:6]}"]


def _day(row: tuple[Any, ...]) -> list[str]:
    return [f"{row[1][:4]}-{row[1][4:6]}-{row[1][6:8]}"]


FACETS: dict[str, Facet] = {
    "favourite": lambda row: ["yes"] if row[8] else [],
    "stars": lambda row: [str(row[9])],
    "tag": lambda row: json.loads(row[11]),
    "folder": lambda row: [row[12]] if row[12] else [],
    "tool": lambda row: [row[13]] if row[13] else [],
    "kind": lambda row: [row[7]] if row[7] else [],
    "model": lambda row: [row[5]] if row[5] else [],
    "lora": lambda row: json.loads(row[10]),
    "sampler": lambda row: [row[6]] if row[6] else [],
    "size": lambda row: [f"{row[3]}×{row[4]}"],
    "month": _month,
    "day": _day,
}
"""What each row says in a facet: no value, one, or several."""
OWNER = "owner"
LONGEST_ID = "S29"


@dataclass(frozen=True)
class Values:
    """One facet: value `codes[i]` holds for the row with the number `n[i]`; `names` says what a code stands for."""

    n: Ints
    codes: Ints
    names: dict[str, int]

    def without(self, gone: Ints) -> Values:
        left = ~np.isin(self.n, gone)
        return Values(self.n[left], self.codes[left], self.names)

    def with_pairs(self, pairs: list[tuple[int, str]]) -> Values:
        if not pairs:
            return self
        n = np.array([n for n, _ in pairs], np.int64)
        codes = np.array([self.names.setdefault(name, len(self.names)) for _, name in pairs], np.int64)
        return Values(np.concatenate([self.n, n]), np.concatenate([self.codes, codes]), self.names)


def _none() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Columns:
    """All rows, by rising numbers `n`; `order` has their places with the newest picture first.

    A snapshot: `followed` makes the next one. Only the tables of names grow in place, under the gallery's lock.
    """

    epoch: str = ""
    last_gone: int = 0
    last_n: int = 0
    n: Ints = field(default_factory=_none)
    ids: NDArray[np.bytes_] = field(default_factory=lambda: np.empty(0, LONGEST_ID))
    facets: dict[str, Values] = field(default_factory=dict)
    places: dict[str, Ints] = field(default_factory=dict)
    order: Ints = field(default_factory=_none)

    def followed(self, db: sqlite3.Connection) -> Columns:
        """Raises DatabaseError for rows that are none of ours."""
        (epoch,) = db.execute("select value from epoch").fetchone() or ("",)
        known = self if epoch == self.epoch else Columns(epoch)
        gone = db.execute(READ_GONE, (known.last_gone,)).fetchall()
        rows = db.execute(READ, (known.last_n,)).fetchall()
        if not gone and not rows and known.order.size == known.n.size:
            return known
        try:
            return known._without({n for _, n in gone})._with(rows, max((k for k, _ in gone), default=known.last_gone))
        except (ValueError, TypeError, RecursionError):
            raise sqlite3.DatabaseError("malformed row") from None

    def numbers(self, wanted: Ints) -> Mask:
        """The rows with these numbers."""
        mask = np.zeros(self.n.size, bool)
        if self.n.size and wanted.size:
            places = np.searchsorted(self.n, wanted)
            places[places == self.n.size] = 0
            mask[places[self.n[places] == wanted]] = True
        return mask

    def having(self, facet: str, names: Iterable[str]) -> Mask:
        """The rows that have at least one of these values."""
        values, mask = self.facets.get(facet), np.zeros(self.n.size, bool)
        if values is not None:
            codes = [values.names[name] for name in names if name in values.names]
            mask[self.places[facet][np.isin(values.codes, codes)]] = True
        return mask

    def counts(self, facet: str, mask: Mask) -> dict[str, int]:
        """How many of the rows have each value, without those that none has."""
        values = self.facets.get(facet)
        if values is None:
            return {}
        counted = np.bincount(values.codes[mask[self.places[facet]]], minlength=len(values.names)).tolist()
        return {name: counted[code] for name, code in values.names.items() if counted[code]}

    def newest_first(self, mask: Mask) -> Ints:
        """The numbers of the rows in the order in which they are shown."""
        return self.n[self.order[mask[self.order]]]

    def _without(self, gone: set[int]) -> Columns:
        if not gone or not self.n.size:
            return self
        numbers = np.fromiter(gone, np.int64)
        left = ~np.isin(self.n, numbers)
        facets = {name: values.without(numbers) for name, values in self.facets.items()}
        return Columns(self.epoch, self.last_gone, self.last_n, self.n[left], self.ids[left], facets)

    def _with(self, rows: list[tuple[Any, ...]], last_gone: int) -> Columns:
        n = np.concatenate([self.n, np.array([row[0] for row in rows], np.int64)])
        ids = np.concatenate([self.ids, np.array([row[1].encode() for row in rows], LONGEST_ID)])
        facets = {
            name: self.facets.get(name, Values(_none(), _none(), {})).with_pairs(
                [(row[0], _text(value)) for row in rows for value in says(row)]
            )
            for name, says in (FACETS | {OWNER: lambda row: [row[2]]}).items()
        }
        places = {name: np.searchsorted(n, values.n) for name, values in facets.items()}
        last_n = max(self.last_n, int(n[-1]) if n.size else 0)
        order = np.argsort(ids, kind="stable")[::-1].astype(np.int64)
        return Columns(self.epoch, last_gone, last_n, n, ids, facets, places, order)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
