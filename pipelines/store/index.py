"""The SQLite index over the picture files: quick to ask, and free to be lost, for the files are the truth.

Every question opens the index anew and first looks for day folders that changed since, so that an index which was
deleted, replaced or written by another studio on the same folder is right again with the next question. A broken one,
or one of a newer studio, is set aside and built again; where none can be written it lives in memory.
"""

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import StorageError
from pipelines.files import sqlite
from pipelines.files.sqlite import NewerSchema, Step, migrate
from pipelines.store import pictures
from pipelines.store.folders import rows as others
from pipelines.store.gallery import kinship, looks, marks, rows
from pipelines.store.gallery.marks import Marks
from pipelines.store.infotext import json_object
from pipelines.store.pictures import ImageInfo

T = TypeVar("T")
MIGRATIONS: list[Step] = []

_SETTLED_NS = 2_000_000_000  # a folder changed more recently than this may change again under the same time stamp
_LOOK_AGAIN = 0
_COLUMNS = "id, width, height, recipe, owner, unfinished"

log = logging.getLogger(__name__)


def migration(step: Step) -> Step:
    """Registers the next step of the schema. Never change one that was released; add another."""
    MIGRATIONS.append(step)
    return step


@migration
def add_images(db: sqlite3.Connection) -> None:
    db.execute(
        "create table images (id text primary key, width integer not null, height integer not null,"
        " recipe text not null, owner text not null, unfinished integer not null)"
    )


@migration
def add_folders(db: sqlite3.Connection) -> None:
    db.execute("create table folders (name text primary key, changed_ns integer not null)")


@migration
def add_images_by_owner(db: sqlite3.Connection) -> None:
    db.execute("create index images_by_owner on images (owner, id)")


@migration
def add_gallery(db: sqlite3.Connection) -> None:
    """What pictures are searched by. The files are read once more, for their recipes say it."""
    rows.create(db)
    db.execute("delete from images")
    db.execute("delete from folders")


@migration
def add_kinship(db: sqlite3.Connection) -> None:
    """Who descends from whom. The files are read once more."""
    kinship.create(db)
    db.execute("delete from images")
    db.execute("delete from folders")


@migration
def add_folders_of_others(db: sqlite3.Connection) -> None:
    """Pictures of other programs, where they lie."""
    others.create(db)


@migration
def add_looks(db: sqlite3.Connection) -> None:
    """What pictures look like, to find those that are alike."""
    looks.create(db)


class Index:
    """What is in the picture folder. Raises StorageError where the folder cannot be read or the index is locked."""

    def __init__(self, root: Path, lock_timeout: float = 5.0) -> None:
        self.path = root / "index.sqlite"
        self._root = root
        self._timeout = lock_timeout
        self._lock = threading.Lock()  # guards _memory and setting aside
        self._memory: sqlite3.Connection | None = None

    def add(self, info: ImageInfo) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("begin immediate")
            with db:
                _insert(db, info, Marks(), 0)

        self._ask(work)

    def remove(self, image_id: str) -> None:
        self._ask(lambda db: db.execute("delete from images where id = ?", (image_id,)))

    def find(self, image_id: str) -> ImageInfo | None:
        """One picture, be it in the index or only in the folder."""
        path = pictures.path_in(self._root, image_id)

        def work(db: sqlite3.Connection) -> ImageInfo | None:
            row = db.execute(f"select {_COLUMNS} from images where id = ?", (image_id,)).fetchone()
            if not pictures.is_file(path):
                return None
            return _info(row) if row else pictures.read_info(path)

        return self._ask(work)

    def page(self, limit: int, before: str | None = None, owner: str | None = None) -> list[ImageInfo]:
        """The newest first; those older than `before`; those of one owner."""
        conditions = {"id < ?": before, "owner = ?": owner}
        given = {condition: value for condition, value in conditions.items() if value is not None}
        where = f"where {' and '.join(given)}" if given else ""
        query = f"select {_COLUMNS} from images {where} order by id desc limit ?"

        return self.ask(lambda db: [_info(row) for row in db.execute(query, (*given.values(), limit))])

    def mark(self, infos: list[ImageInfo]) -> None:
        """Takes over the marks that were written beside these pictures."""

        def work(db: sqlite3.Connection) -> None:
            read = [(info, *marks.read(pictures.path_in(self._root, info.id))) for info in infos]
            db.execute("begin immediate")
            with db:
                for info, marked, written in read:
                    if db.execute("select 1 from images where id = ?", (info.id,)).fetchone():  # not deleted meanwhile
                        rows.put(db, info, marked, written)

        self._ask(work)

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What work says of an index that is in line with the files. It may be called once more."""

        def followed(db: sqlite3.Connection) -> T:
            self._follow_files(db)
            return work(db)

        return self._ask(followed)

    def peek(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What work says of the index as it is, which it does not change. It may be called once more."""
        return self._ask(work)

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What work says of the index as it is, in one transaction. It may be called once more."""

        def whole(db: sqlite3.Connection) -> T:
            db.execute("begin immediate")
            with db:
                return work(db)

        return self._ask(whole)

    def rebuild(self) -> None:
        """All rows anew from the files."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("begin immediate")
            with db:
                db.execute("delete from images")
                db.execute("delete from folders")
            _follow(db, self._root)

        self._ask(work)

    def _follow_files(self, db: sqlite3.Connection) -> None:
        try:
            _follow(db, self._root)
        except sqlite3.OperationalError as error:
            if sqlite.reason(error) not in sqlite.BUSY:
                raise
            log.warning("The picture index is locked; showing it as it was.")

    def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._ask_file(work)
        except OSError as error:
            raise StorageError(
                "the picture folder cannot be read ({problem}). Put it back.", problem=error.strerror
            ) from None

    def _ask_file(self, work: Callable[[sqlite3.Connection], T], may_set_aside: bool = True) -> T:
        try:
            if self.path.exists() and not self.path.is_file():
                raise sqlite3.DatabaseError("no file")  # SQLite would wait for what comes out of a pipe
            with closing(_open(self.path, self._timeout)) as db:
                return work(db)
        except (sqlite3.DatabaseError, NewerSchema) as error:
            reason = sqlite.reason(error)
            if reason in sqlite.BUSY:
                raise StorageError("the picture index is locked by another program. Close it or try again.") from None
            if reason in sqlite.UNWRITABLE or not may_set_aside:
                return self._ask_memory(work)
            if not self._set_aside("newer" if isinstance(error, NewerSchema) else "broken"):
                return self._ask_memory(work)
        return self._ask_file(work, may_set_aside=False)

    def _ask_memory(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same from an index in memory, for a folder that is read-only or full."""
        with self._lock:
            if self._memory is None:
                log.warning("The picture index cannot be written; it is kept in memory.")
                self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                migrate(self._memory, MIGRATIONS)
            return work(self._memory)

    def _set_aside(self, why: str) -> bool:
        """Whether the folder allows it."""
        with self._lock:
            log.warning("The picture index is %s; it is set aside and built again from the pictures.", why)
            try:
                for side in ("-wal", "-shm"):
                    self.path.with_name(self.path.name + side).unlink(missing_ok=True)
                if os.path.lexists(self.path):
                    self.path.replace(self.path.with_name(f"{self.path.name}.{why}-{time.time_ns()}"))
            except OSError as error:
                log.warning("The picture index cannot be set aside: %s.", error.strerror)
                return False
            return True


def _open(path: Path, timeout: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        _prepare(db, time.monotonic() + timeout)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, deadline: float) -> None:
    """Write-ahead log and schema. Changing to the log does not wait for others by itself, hence the loop."""
    while True:
        try:
            if db.execute("pragma journal_mode").fetchone()[0] != "wal":
                db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            return migrate(db, MIGRATIONS)
        except sqlite3.OperationalError as error:
            if sqlite.reason(error) not in sqlite.BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _follow(db: sqlite3.Connection, root: Path) -> None:
    """Brings the rows of every day folder that changed in line with its files."""
    known = _folders(db)
    present = pictures.folders(root)
    for name in known.keys() - present.keys():
        _update(db, name, _Changes(gone=_rows(db, name)), None)
    for name, changed_ns in present.items():
        if known.get(name) == changed_ns:
            continue
        known_ids = _rows(db, name)  # before the files: a row whose file is missing then has truly lost it
        try:
            changes = _changes(db, root / name, known_ids)
        except OSError as error:  # the other days are shown all the same
            log.warning("The pictures of %s cannot be read: %s.", name, error.strerror)
            continue
        mark = changed_ns if time.time_ns() - changed_ns > _SETTLED_NS else _LOOK_AGAIN
        if changes != _Changes() or known.get(name) != mark:
            _update(db, name, changes, mark)


@dataclass(frozen=True)
class _Changes:
    """Of a day folder since it was last looked at: pictures that are new or marked anew, ids of those that are gone."""

    found: list[tuple[ImageInfo, Marks, int]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


def _changes(db: sqlite3.Connection, folder: Path, known_ids: set[str]) -> _Changes:
    """Raises OSError."""
    ids, written = pictures.ids_in(folder), marks.written_in(folder)
    had = rows.marked_in(db, *_between(folder.name))
    marked = {i for i in ids & known_ids if written.get(i, 0) != had.get(i, 0)}
    paths = [folder / f"{image_id}.png" for image_id in sorted((ids - known_ids) | marked)]
    looked_at = [(pictures.read_info(path), *marks.read(path)) for path in paths]
    return _Changes([(info, kept, at) for info, kept, at in looked_at if info], known_ids - ids)


def _update(db: sqlite3.Connection, folder: str, changes: _Changes, mark: int | None) -> None:
    db.execute("begin immediate")
    with db:
        db.executemany("delete from images where id = ?", [(image_id,) for image_id in changes.gone])
        for info, marked, written in changes.found:
            _insert(db, info, marked, written)
        db.execute("delete from folders where name = ?", (folder,))
        if mark is not None:
            db.execute("insert into folders values (?, ?)", (folder, mark))


def _folders(db: sqlite3.Connection) -> dict[str, int]:
    """The day folders that were followed, and when each had changed. Raises DatabaseError for what is no such row."""
    rows = db.execute("select name, changed_ns from folders").fetchall()
    if not all(isinstance(name, str) and isinstance(changed_ns, int) for name, changed_ns in rows):
        raise sqlite3.DatabaseError("malformed row")
    return dict(rows)


def _rows(db: sqlite3.Connection, folder: str) -> set[str]:
    return {row[0] for row in db.execute("select id from images where id >= ? and id < ?", _between(folder))}


def _between(folder: str) -> tuple[str, str]:
    """The ids of a day are from the first, and below the second."""
    day = folder.replace("-", "")
    return f"{day}-", f"{day}."


def _insert(db: sqlite3.Connection, info: ImageInfo, marked: Marks, written: int) -> None:
    row = (info.id, info.width, info.height, json.dumps(info.recipe), info.client, info.unfinished)
    db.execute("insert or replace into images values (?, ?, ?, ?, ?, ?)", row)
    rows.put(db, info, marked, written)
    kinship.put(db, info)
    folder = (pictures.folder_name(info.id), _LOOK_AGAIN)  # no row without its folder, or none would miss the folder
    db.execute("insert or ignore into folders values (?, ?)", folder)


def _info(row: tuple[Any, ...]) -> ImageInfo:
    """Raises DatabaseError for a row that no picture of ours has."""
    match row:
        case (str(image_id), int(width), int(height), str(text), str(owner), int(unfinished)):
            created, recipe = pictures.created(image_id), json_object(text)
            if created is not None and recipe is not None and min(width, height) > 0:
                return ImageInfo(image_id, created, width, height, recipe, owner, bool(unfinished))
    raise sqlite3.DatabaseError("malformed row")
