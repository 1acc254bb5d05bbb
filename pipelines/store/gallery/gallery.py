"""All pictures, searched and counted: a question goes in, its pictures, their number and the facets come out.

Words are found by SQLite, everything else is counted in memory, see `columns`. What a search has found is remembered
for the moment, for whoever scrolls or presses facets asks the same words again.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import Sentence
from pipelines.files.whole import storage_error
from pipelines.store import pictures
from pipelines.store.gallery import marks
from pipelines.store.gallery.columns import FACETS, LONGEST_ID, OWNER, Columns, Ints, Mask
from pipelines.store.gallery.looks import MOST_NEAR, Looks
from pipelines.store.gallery.marks import Marks
from pipelines.store.gallery.rows import FOLDERS
from pipelines.store.gallery.searching import search_of
from pipelines.store.index import Index
from pipelines.store.pictures import ImageInfo

MOST_VALUES = 60
"""Of a facet that are told; days are told when a month is chosen."""
REMEMBERED = 16
_MATCHING = "select group_concat(rowid) from words where words match ?"
"""One text of all numbers: as rows, each becomes an object of Python, which takes longer than finding them."""
_LOOKS = "select n, id, width, height, unfinished, title, kind, favourite, stars, tags, owner from facts"
_SHOWN = f"{_LOOKS} where n in (select value from json_each(?))"
_SHOWN_BY_ID = f"{_LOOKS} where id in (select value from json_each(?))"


@dataclass(frozen=True)
class Question:
    """`chosen`: of a facet the values of which one must hold. `owner`: the tag of the only one to see, None for all.
    `like`: the picture to which those that are shown are near, the nearest first.
    `folders`: those of other programs, whose pictures are seen beside the studio's own."""

    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    owner: str | None = None
    like: str = ""
    folders: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True)
class Shown:
    """A picture in the grid. `title` is the beginning of its prompt."""

    id: str
    width: int
    height: int
    unfinished: bool
    title: str
    kind: str
    favourite: bool
    stars: int
    tags: tuple[str, ...]
    owner: str


@dataclass(frozen=True)
class Answer:
    """`facets`: how many pictures each value would leave, were nothing else chosen in its facet.
    `unseen`: how many could not be compared yet with the one that was named."""

    total: int
    shown: list[Shown]
    facets: dict[str, dict[str, int]]
    unseen: int = 0


@dataclass(frozen=True)
class Change:
    """Of marks; None leaves what is there."""

    favourite: bool | None = None
    stars: int | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def of(self, before: Marks) -> Marks:
        tags = marks.clean_tags([*(tag for tag in before.tags if tag not in self.remove), *self.add])
        said = {"favourite": self.favourite, "stars": self.stars, "tags": tags}
        return replace(before, **{name: value for name, value in said.items() if value is not None})


class Gallery:
    """Over the pictures of a folder; any thread may ask."""

    def __init__(self, root: Path, index: Index) -> None:
        self._root, self._index = root, index
        self._lock = threading.Lock()  # guards the columns and what was found
        self._columns = Columns()
        self._found: dict[str, Mask] = {}
        self._looks = Looks()
        self._places: tuple[Columns, Looks, Ints] | None = None  # where the rows' looks stand

    def ask(self, question: Question) -> Answer:
        """Raises StorageError."""

        def work(db: sqlite3.Connection) -> Answer:
            with self._lock:
                columns = self._follow(db)
                base = self._matching(db, columns, question.text)
                near = self._near(db, columns, question.like) if question.like else None
            base = base & _visible(columns, question)
            unseen = int(np.count_nonzero(base & (near < 0))) if near is not None else 0
            if near is not None:
                base = _nearest(base, near)
            chosen = {name: columns.having(name, values) for name, values in question.chosen.items() if values}
            left = _all(base, chosen.values())
            numbers = columns.newest_first(left) if near is None else columns.n[_by(near, left)]
            page = numbers[question.offset : question.offset + question.limit].tolist()
            return Answer(numbers.size, _shown(db, page), _facets(columns, base, chosen), unseen)

        return self._index.ask(work)

    def mark(self, infos: list[ImageInfo], change: Change) -> None:
        """First in the files beside the pictures, then in the index. Raises StorageError."""
        written: list[ImageInfo] = []
        try:
            for info in infos:
                path = pictures.path_in(self._root, info.id)
                if not pictures.is_file(path):
                    continue  # deleted meanwhile
                before, _ = marks.read(path)
                if (after := change.of(before)) != before:
                    marks.write(path, after)
                    written.append(info)
        except OSError as error:
            raise storage_error(error, Sentence("marked")) from None
        finally:
            if written:
                self._index.mark(written)

    def forget(self) -> None:
        """What words have found is looked for anew."""
        with self._lock:
            self._found = {}

    def _follow(self, db: sqlite3.Connection) -> Columns:
        columns = self._columns.followed(db)
        if columns is not self._columns:
            self._columns, self._found = columns, {}
        return columns

    def _near(self, db: sqlite3.Connection, columns: Columns, image_id: str) -> NDArray[np.float32]:
        """(N,): how far each row's picture is from one; negative where that is not known."""
        self._looks = self._looks.followed(db)
        if self._places is None or self._places[0] is not columns or self._places[1] is not self._looks:
            self._places = (columns, self._looks, self._looks.places(columns.ids))
        places = self._places[2]
        [at] = self._looks.places(np.array([image_id.encode()], LONGEST_ID))
        if at < 0:
            return np.full(columns.n.size, -1, np.float32)
        return np.where(places >= 0, np.maximum(self._looks.distances(int(at)), 0)[places], -1)

    def _matching(self, db: sqlite3.Connection, columns: Columns, text: str) -> Mask:
        search = search_of(text)
        if search.wanted and search.unwanted:
            return self._look(db, columns, f"({search.wanted}) NOT ({search.unwanted})")
        if search.unwanted:
            return ~self._look(db, columns, search.unwanted)
        return self._look(db, columns, search.wanted) if search.wanted else np.ones(columns.n.size, bool)

    def _look(self, db: sqlite3.Connection, columns: Columns, expression: str) -> Mask:
        if expression not in self._found:
            if len(self._found) >= REMEMBERED:
                del self._found[next(iter(self._found))]
            (numbers,) = db.execute(_MATCHING, (expression,)).fetchone()
            self._found[expression] = columns.numbers(np.fromstring(numbers or "", np.int64, sep=","))
        return self._found[expression]


def _visible(columns: Columns, question: Question) -> Mask:
    if question.owner is None:
        mask = ~columns.having(OWNER, [FOLDERS])
    else:
        mask = columns.having(OWNER, [question.owner])
    return mask | columns.having("folder", question.folders) if question.folders else mask


def _nearest(base: Mask, near: NDArray[np.float32]) -> Mask:
    """The nearest of these, no more than are worth looking at."""
    known = np.flatnonzero(base & (near >= 0))
    if known.size > MOST_NEAR:
        known = known[np.argpartition(near[known], MOST_NEAR)[:MOST_NEAR]]
    mask = np.zeros(base.size, bool)
    mask[known] = True
    return mask


def _by(near: NDArray[np.float32], mask: Mask) -> Ints:
    """The places in a mask, the nearest first."""
    places = np.flatnonzero(mask)
    return places[np.argsort(near[places], kind="stable")]


def _all(base: Mask, masks: Iterable[Mask]) -> Mask:
    return np.logical_and.reduce([base, *masks])


def _facets(columns: Columns, base: Mask, chosen: Mapping[str, Mask]) -> dict[str, dict[str, int]]:
    counted = {}
    for name in FACETS:
        if name == "day" and "month" not in chosen:
            continue
        left = _all(base, (mask for other, mask in chosen.items() if other != name))
        counts = columns.counts(name, left)
        counted[name] = dict(sorted(counts.items(), key=lambda value: (-value[1], value[0]))[:MOST_VALUES])
    return counted


def _shown(db: sqlite3.Connection, numbers: list[int]) -> list[Shown]:
    rows = {row[0]: row[1:] for row in db.execute(_SHOWN, (json.dumps(numbers),))}
    return [_of_row(*rows[n]) for n in numbers if n in rows]


def of_ids(db: sqlite3.Connection, ids: list[str]) -> list[Shown]:
    """Those of them that are here, in no order."""
    return [_of_row(*row[1:]) for row in db.execute(_SHOWN_BY_ID, (json.dumps(ids),))]


def _of_row(id, width, height, unfinished, title, kind, favourite, stars, tags, owner) -> Shown:
    return Shown(
        id, width, height, bool(unfinished), title, kind, bool(favourite), stars, tuple(json.loads(tags)), owner
    )
