"""A picture's family: its ancestors and all that descends from them, asked of the index.

Parents that are gone stay as nodes without a picture, and their other children are kin. Recipes may name one another in
a circle, or themselves; each picture is looked at once.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.store.gallery.gallery import Shown, of_ids
from pipelines.store.gallery.kinship import of_id
from pipelines.store.index import Index

MOST_NODES = 10_000
_PIECE = 500

Row = tuple[str, str, str, str, str]
"""child, kind, ref, also, shown"""


@dataclass(frozen=True)
class Node:
    """A picture by its id; one that is not here, `picture` is None, by what its children call it. `shown`: the id of a
    kept input with its pixels, where one is known."""

    key: str
    picture: Shown | None = None
    shown: str = ""


@dataclass(frozen=True)
class Edge:
    parent: str
    child: str
    kind: str


@dataclass(frozen=True)
class Family:
    """`cut`: there are more than could be told."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cut: bool


def family(index: Index, image_id: str, owner: str | None = None, most: int = MOST_NODES) -> Family:
    """Of a picture that is here; of one owner's pictures where he is given. Raises StorageError."""
    return index.ask(lambda db: _Search(db, owner, most).of(image_id))


class _Search:
    def __init__(self, db: sqlite3.Connection, owner: str | None, most: int) -> None:
        self._db, self._owner, self._most = db, owner, most
        self._keys: dict[str, None] = {}
        self._edges: dict[Edge, None] = {}
        self._shown: dict[str, str] = {}
        self._cut = False

    def of(self, image_id: str) -> Family:
        self._add([image_id])
        rising = [image_id]
        while rising:
            rising = self._add(parent for _, parent in self._parents(rising))
        sinking = list(self._keys)
        while sinking:
            sinking = self._add(child for child, _ in self._children(sinking))
        self._parents(list(self._keys))  # of those that came last, too
        edges = (edge for edge in self._edges if edge.parent in self._keys and edge.child in self._keys)
        return Family(tuple(self._nodes()), tuple(edges), self._cut)

    def _add(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that are new."""
        new = list(dict.fromkeys(key for key in keys if key not in self._keys))
        room = self._most - len(self._keys)
        self._cut = self._cut or len(new) > room
        self._keys |= dict.fromkeys(new[:room])
        return new[:room]

    def _parents(self, ids: list[str]) -> list[tuple[str, str]]:
        rows = self._rows("child in (select value from json_each(?))", ids)
        return self._resolved(rows)

    def _children(self, keys: list[str]) -> list[tuple[str, str]]:
        """Of those that a row names, only whoever it means: several pictures may have the same pixels."""
        wanted = set(keys)
        refs = [
            *map(of_id, keys),
            *keys,
            *(ref for ref, _ in self._asked("select ref, id from names where id in", keys)),
        ]
        rows = self._rows("ref in (select value from json_each(?))", refs)
        rows += self._rows("also in (select value from json_each(?))", refs)
        return [(child, parent) for child, parent in self._resolved(list(dict.fromkeys(rows))) if parent in wanted]

    def _resolved(self, rows: list[Row]) -> list[tuple[str, str]]:
        """Child and parent of each row, kept as edges."""
        refs = {ref for row in rows for ref in row[2:4] if ref}
        by_ref: dict[str, list[str]] = {}
        named = self._asked("select ref, names.id from names where ref in", list(refs))
        given = [(ref, ref.removeprefix("id:")) for ref in refs if ref.startswith("id:")]
        for ref, image_id in self._seen([*given, *named]):
            by_ref.setdefault(ref, []).append(image_id)
        found = []
        for child, kind, ref, also, shown in rows:
            others = [i for name in (ref, also) for i in sorted(by_ref.get(name, ())) if i != child]
            parent = others[0] if others else ref
            if shown:
                self._shown[parent] = shown
            self._edges[Edge(parent, child, kind)] = None
            found.append((child, parent))
        return found

    def _seen(self, named: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Of names and ids, those whose pictures are here and may be seen."""
        ids = list({image_id for _, image_id in named})
        here = {i for i, owner in self._asked("select id, owner from facts where id in", ids) if self._may(owner)}
        return [(ref, image_id) for ref, image_id in named if image_id in here]

    def _may(self, owner: str) -> bool:
        return self._owner in (None, owner)

    def _rows(self, condition: str, values: list[str]) -> list[Row]:
        query = f"select child, kind, ref, also, shown from parents where {condition}"
        rows: list[Row] = []
        for at in range(0, len(values), _PIECE):
            rows += self._db.execute(query, (json.dumps(values[at : at + _PIECE]),))
        children = {child for _, child in self._seen([(row[0], row[0]) for row in rows])}
        return [row for row in rows if row[0] in children]

    def _asked(self, query: str, values: list[str]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for at in range(0, len(values), _PIECE):
            piece = (json.dumps(values[at : at + _PIECE]),)
            found += self._db.execute(f"{query} (select value from json_each(?))", piece)
        return found

    def _nodes(self) -> list[Node]:
        keys = list(self._keys)
        pieces = (keys[at : at + _PIECE] for at in range(0, len(keys), _PIECE))
        known = {picture.id: picture for piece in pieces for picture in of_ids(self._db, piece)}
        return [Node(key, known.get(key), self._shown.get(key, "")) for key in keys]
