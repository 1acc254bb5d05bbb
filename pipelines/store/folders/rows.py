"""The files of named folders as the picture index knows them: one row a file, whole or not, and one a folder in them.

A file is known by its folder, its place and the time and size that it had; where one of these is another, it is another
picture. Names are kept as bytes, for some are no text.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import NotFound
from pipelines.files import plain
from pipelines.store.gallery import rows
from pipelines.store.gallery.marks import Marks
from pipelines.store.pictures import ImageInfo

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-f[0-9a-f]{12}")
_LATEST_NS = 253_402_300_799 * 10**9  # the end of the year 9999


@dataclass(frozen=True)
class File:
    """One file of a named folder `root`; `place` are the folders below it."""

    root: Path
    place: Path
    name: str
    mtime_ns: int = 0
    size: int = 0

    @property
    def path(self) -> Path:
        return self.root / self.place / self.name

    @property
    def inside(self) -> Path:
        return self.place / self.name

    @property
    def id(self) -> str:
        """Sorts by time among the studio's own ids, none of which looks so."""
        moment = datetime.fromtimestamp(min(max(self.mtime_ns, 0), _LATEST_NS) // 10**9, UTC)
        said = b"\0".join((os.fsencode(self.path), str(self.mtime_ns).encode(), str(self.size).encode()))
        return f"{moment.strftime('%Y%m%d-%H%M%S').zfill(15)}-f{hashlib.blake2b(said, digest_size=6).hexdigest()}"


@dataclass(frozen=True)
class Read:
    """A file that was read: what its head says, None where it cannot be shown, and its marks."""

    file: File
    said: dict[str, Any] | None
    marks: Marks = field(default_factory=Marks)


def is_of_others(image_id: str) -> bool:
    return _ID.fullmatch(image_id) is not None


def create(db: sqlite3.Connection) -> None:
    db.execute(
        "create table others (id text primary key, root blob not null, place blob not null, name blob not null,"
        " mtime_ns integer not null, size integer not null, whole integer not null)"
    )
    db.execute("create index others_by_place on others (root, place)")
    db.execute("create index others_by_size on others (size)")
    db.execute(
        "create table places (root blob not null, place blob not null, changed_ns integer not null,"
        " primary key (root, place))"
    )
    db.execute("create trigger others_gone after delete on others begin delete from facts where id = old.id; end")
    db.execute("alter table facts add column folder text not null default ''")
    db.execute("alter table facts add column tool text not null default ''")


def put(db: sqlite3.Connection, read: Read) -> None:
    file, said = read.file, read.said
    known = (file.id, *_key(file.root, file.place), os.fsencode(file.name), file.mtime_ns, file.size, said is not None)
    db.execute("delete from others where id = ?", (file.id,))
    db.execute("insert into others values (?, ?, ?, ?, ?, ?, ?)", known)
    if said is None:
        return
    info = ImageInfo(
        file.id, file.mtime_ns / 1e9, said["width"], said["height"], {"request": said["request"]}, rows.FOLDERS
    )
    source = rows.Source(plain.printable(str(file.root)), said["tool"], plain.printable(Path(file.name).stem))
    rows.put(db, info, read.marks, 0, source)


def in_place(db: sqlite3.Connection, root: Path, place: Path) -> dict[tuple[str, int, int], str]:
    """(name, mtime_ns, size) -> id of what is known of a folder."""
    found = db.execute("select name, mtime_ns, size, id from others where root = ? and place = ?", _key(root, place))
    return {(os.fsdecode(name), mtime_ns, size): image_id for name, mtime_ns, size, image_id in found}


def places(db: sqlite3.Connection, root: Path) -> dict[Path, int]:
    """The folders at and below a named one, and when each had changed as it was last looked at."""
    found = db.execute("select place, changed_ns from places where root = ?", (os.fsencode(root),))
    return {Path(os.fsdecode(place)): changed_ns for place, changed_ns in found}


def looked_at(db: sqlite3.Connection, root: Path, marks: Iterable[tuple[Path, int]]) -> None:
    db.executemany("insert or replace into places values (?, ?, ?)", [(*_key(root, p), ns) for p, ns in marks])


def remove(db: sqlite3.Connection, ids: Iterable[str]) -> None:
    db.executemany("delete from others where id = ?", [(image_id,) for image_id in ids])


def remove_place(db: sqlite3.Connection, root: Path, place: Path) -> None:
    db.execute("delete from others where root = ? and place = ?", _key(root, place))
    db.execute("delete from places where root = ? and place = ?", _key(root, place))


def remove_root(db: sqlite3.Connection, root: Path) -> None:
    db.execute("delete from others where root = ?", (os.fsencode(root),))
    db.execute("delete from places where root = ?", (os.fsencode(root),))


def count(db: sqlite3.Connection, root: Path) -> tuple[int, int]:
    """How many files are known, and how many of them are pictures."""
    row = db.execute("select count(*), coalesce(sum(whole), 0) from others where root = ?", (os.fsencode(root),))
    known, whole = row.fetchone()
    return known, whole


def find(db: sqlite3.Connection, image_id: str) -> File:
    """Raises NotFound."""
    query = "select root, place, name, mtime_ns, size from others where id = ? and whole"
    row = db.execute(query, (image_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such picture. It may have been deleted; reload the gallery.")
    return next(_files([row]))


def of_size(db: sqlite3.Connection, size: int) -> list[File]:
    """The pictures of so many bytes."""
    query = "select root, place, name, mtime_ns, size from others where size = ? and whole"
    return list(_files(db.execute(query, (size,))))


def _files(found: Iterable[tuple[bytes, bytes, bytes, int, int]]) -> Iterator[File]:
    for root, place, name, mtime_ns, size in found:
        yield File(Path(os.fsdecode(root)), Path(os.fsdecode(place)), os.fsdecode(name), mtime_ns, size)


def _key(root: Path, place: Path) -> tuple[bytes, bytes]:
    return os.fsencode(root), os.fsencode(place)
