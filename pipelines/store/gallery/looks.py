"""What pictures look like, in 64 numbers each, and which are nearest to one: coarse shapes, colours, edges and levels.

Brightness and contrast are taken out, and a pale colour counts nearly as a strong one, so that a copy that was saved
again, cropped a little or brightened stays nearest. No network is asked: a small copy is enough, on any machine.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
"""Pixels of the square that is looked at; the picture is stretched to it."""
WAVES = 5
"""Light and both colour axes are kept to fewer half waves than these, both sides together: 14 and twice 15 numbers."""
DIRECTIONS, LEVELS = 10, 10
"""Edges by angle, and light by level."""
LENGTH = 64
MOST_NEAR = 300
AT_ONCE = 2000
DECAY, GREY = 0.5, 0.1
"""How much lighter each further half wave is, and the strength from which on a colour counts as one."""
_OPPONENT = np.array([[0.299, 0.587, 0.114], [0.5, -0.5, 0.0], [0.25, 0.25, -0.5]])  # light, red-green, yellow-blue
Vectors = NDArray[np.float32]


def numbers_of(image: Image.Image) -> NDArray[np.float16]:
    """(64,), of any picture."""
    small = np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX), np.float64) / 255
    light, *colours = np.moveaxis(small @ _OPPONENT.T, -1, 0)  # (32, 32) each
    spread = light.std() + 0.05
    strength = np.hypot(*colours) + GREY  # so that a paler copy keeps most of its colour
    light, colours = (light - light.mean()) / spread, [colour / strength for colour in colours]
    waves = [_waves(light)[1:], *(_waves(colour) for colour in colours)]
    levels = np.histogram(light, LEVELS, (-2.5, 2.5))[0] / light.size
    return np.concatenate([*waves, _edges(light), levels]).astype(np.float16)


def _waves(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """(15,): the coarse coefficients of the cosine transform, the coarsest first and heaviest."""
    coefficients = _basis() @ plane @ _basis().T / SIDE
    return np.array([coefficients[u, n - u] / (1 + DECAY * n) for n in range(WAVES) for u in range(n + 1)])


def _edges(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """(10,): how much of the picture's edges runs in each direction, sum 1 where there are any."""
    down, right = np.gradient(light)
    strength = np.hypot(down, right)
    bins = (np.arctan2(down, right) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    counted = np.bincount(bins.ravel(), strength.ravel(), DIRECTIONS)
    return counted / (counted.sum() + 1e-6)


@functools.cache
def _basis() -> NDArray[np.float64]:
    """(5, 32): the rows are cosines of 0 to 4 half waves, each of the length sqrt(32)."""
    at = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    rows = np.cos(np.arange(WAVES)[:, None] * at)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True) * np.sqrt(SIDE)


def create(db: sqlite3.Connection) -> None:
    """A row of no bytes is of a picture that cannot be read."""
    db.execute(
        "create table looks (k integer primary key autoincrement, id text not null unique, vector blob not null)"
    )
    for table in ("images", "others"):
        db.execute(
            f"create trigger looks_of_{table}_gone after delete on {table}"
            " begin delete from looks where id = old.id; end"
        )


def put(db: sqlite3.Connection, found: Iterable[tuple[str, NDArray[np.float16] | None]]) -> None:
    rows = [(image_id, b"" if one is None else one.astype("<f2").tobytes()) for image_id, one in found]
    db.executemany("insert or replace into looks (id, vector) values (?, ?)", rows)


def unknown(db: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """Those whose looks are not known, in order."""
    query = "select id from looks where id in (select value from json_each(?))"
    known = {image_id for (image_id,) in db.execute(query, (json.dumps(ids),))}
    return [image_id for image_id in ids if image_id not in known]


def without(db: sqlite3.Connection, after: int, most: int) -> tuple[list[str], int]:
    """So many of the gallery's rows beyond a number whose looks are not known, and up to which number they are all."""
    rows = db.execute("select id, n from facts where n > ? order by n limit ?", (after, AT_ONCE)).fetchall()
    numbers = dict(rows)
    left = unknown(db, list(numbers))
    if len(left) <= most:
        return left, rows[-1][1] if rows else after
    return left[:most], numbers[left[most - 1]]


def _no_ids() -> NDArray[np.bytes_]:
    return np.empty(0, "S29")


@dataclass(frozen=True)
class Looks:
    """All that are known: `ids` in order, `vectors` (N, 64), and their squares' sums `norms` (N,). A snapshot, as
    `columns.Columns` is."""

    last: int = 0
    ids: NDArray[np.bytes_] = field(default_factory=_no_ids)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, LENGTH), np.float32))
    norms: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    def followed(self, db: sqlite3.Connection) -> Looks:
        """With what is new. Raises DatabaseError for rows that are none of ours."""
        (last,) = db.execute("select coalesce(max(k), 0) from looks").fetchone()
        known = self if last >= self.last else Looks()  # else the index was built anew
        rows = db.execute("select id, vector from looks where k > ?", (known.last,)).fetchall()
        rows = [(image_id, data) for image_id, data in rows if len(data) == 2 * LENGTH]
        if not rows:
            return known if last == known.last else Looks(last, known.ids, known.vectors, known.norms)
        ids = np.concatenate([np.array([image_id.encode() for image_id, _ in rows], "S29"), known.ids])
        new = np.frombuffer(b"".join(data for _, data in rows), "<f2").reshape(-1, LENGTH).astype(np.float32)
        ids, first = np.unique(ids, return_index=True)  # of two with one id the new one, which comes first
        vectors = np.concatenate([new, known.vectors])[first]
        return Looks(last, ids, vectors, np.square(vectors).sum(1))

    def places(self, ids: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Where each picture's numbers stand; -1 where they are not known."""
        if not self.ids.size:
            return np.full(ids.size, -1)
        places = np.searchsorted(self.ids, ids)
        places[places == self.ids.size] = 0
        return np.where(self.ids[places] == ids, places, -1)

    def distances(self, place: int) -> NDArray[np.float32]:
        """(N,): of all to the one at this place, squared."""
        return self.norms - 2 * (self.vectors @ self.vectors[place]) + self.norms[place]
