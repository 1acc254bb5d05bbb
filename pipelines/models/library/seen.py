"""What was seen of each file of the library, kept in SQLite, so that only new and changed files are looked into again.

It may be lost at any time: a row that is not right is dropped, a broken file is made anew, and where none can be read
or written what was seen lasts as long as the studio.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import Sentence
from pipelines.files import sqlite
from pipelines.files.sqlite import NewerSchema, migrate
from pipelines.files.whole import make_private
from pipelines.models.library.kinds import Recognised

LOCK_SECONDS = 5.0
_TABLE = (
    "create table seen (path blob primary key, state text, size integer, format text, found text,"
    " sha256 text default '', payload text default '')"
)
_ROWS = "select path, state, size, format, found, sha256, payload from seen"
_HASH = re.compile(r"([0-9a-f]{64})?")
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """A file in one state, and what it was then."""

    state: str
    size: int
    format: str
    found: Recognised
    sha256: str = ""
    payload_sha256: str = ""


def _without_hashes(db: sqlite3.Connection) -> None:
    """What the first version kept is not worth bringing over: it is seen again."""


def _table(db: sqlite3.Connection) -> None:
    db.execute("drop table if exists seen")
    db.execute(_TABLE)


MIGRATIONS = (_without_hashes, _table)


def _migrate(db: sqlite3.Connection) -> None:
    try:
        migrate(db, MIGRATIONS)
    except NewerSchema:  # what a newer studio saw is seen again
        db.execute("pragma user_version = 0")
        migrate(db, MIGRATIONS)


class SeenFiles:
    """`path` is the index's. `notice` is "rebuilt" or "unwritable" after that befell it, else "".

    One thread at a time.
    """

    def __init__(self, path: Path, lock_seconds: float = LOCK_SECONDS) -> None:
        self._path = path
        self._lock_seconds = lock_seconds
        self._memory: dict[bytes, Seen] = {}
        self.notice = ""

    def read(self) -> Mapping[bytes, Seen]:
        """By the path as the file system has it, which need not be text."""
        rows = self._ask(lambda db: db.execute(_ROWS).fetchall())
        if rows is not None:
            good = dict(filter(None, map(_checked, rows)))
            if len(good) < len(rows):
                log.warning("Rows of the library's index were damaged: %d. They are made anew.", len(rows) - len(good))
                self.notice = "rebuilt"
            self._memory = good
        return self._memory

    def write(self, files: Mapping[bytes, Seen], gone: Iterable[bytes]) -> None:
        self._memory = {path: one for path, one in {**self._memory, **files}.items() if path not in set(gone)}
        rows = [(path, s.state, s.size, s.format, _as_text(s.found)) for path, s in files.items()]
        names = "(path, state, size, format, found)"

        def work(db: sqlite3.Connection) -> None:
            db.executemany(f"insert or replace into seen {names} values (?, ?, ?, ?, ?)", rows)
            db.executemany("delete from seen where path = ?", [(path,) for path in gone])

        if files or gone:
            self._ask(work)

    def hashed(self, path: bytes, state: str, sha256: str, payload: str) -> None:
        """Keeps the hashes of a file that was read in this state."""
        known = self._memory.get(path)
        if known is not None and known.state == state:
            self._memory[path] = replace(known, sha256=sha256, payload_sha256=payload)
        statement = "update seen set sha256 = ?, payload = ? where path = ? and state = ?"
        self._ask(lambda db: db.execute(statement, (sha256, payload, path, state)))

    def _ask(self, work: Callable[[sqlite3.Connection], T], may_rebuild: bool = True) -> T | None:
        """What `work` answers; None where the index is locked or cannot be written."""
        try:
            with closing(self._open()) as db, db:
                return work(db)
        except sqlite3.Error as error:
            reason = sqlite.reason(error)
            if reason in sqlite.BUSY:
                log.warning("The library's index is locked by another program; it is done without.")
                return None
            if reason in sqlite.UNWRITABLE or not may_rebuild:
                return self._without()
        except OSError:
            return self._without()
        return self._ask(work, may_rebuild=False) if self._thrown_away() else self._without()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and not self._path.is_file():
            raise sqlite3.DatabaseError("no file")  # SQLite would wait for what comes out of a pipe
        with suppress(OSError):  # somebody else's, or a read-only disk
            make_private(self._path)
        db = sqlite3.connect(self._path, timeout=self._lock_seconds)
        try:
            _migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _thrown_away(self) -> bool:
        """Whether the broken index is out of the way. A pipe or a folder in its place is put aside, not deleted."""
        log.warning("The library's index was unreadable and is made anew.")
        self.notice = "rebuilt"
        try:
            if stat.S_ISREG(os.lstat(self._path).st_mode):
                self._path.unlink()
            else:
                self._path.replace(self._path.with_name(f"{self._path.name}.{os.getpid()}.broken"))
            for side in ("-journal", "-wal", "-shm"):  # they belong to it and would spoil the new one
                self._path.with_name(self._path.name + side).unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def _without(self) -> None:
        if self.notice != "unwritable":
            log.warning("The library's index cannot be written; what is seen is kept in memory.")
        self.notice = "unwritable"


def _checked(row: tuple[Any, ...]) -> tuple[bytes, Seen] | None:
    """(path, what was seen) of a row of the right types; None for any other."""
    match row:
        case (bytes(path), str(state), int(size), str(form), str(found), str(sha256), str(payload)) if (
            size >= 0 and _HASH.fullmatch(sha256) and _HASH.fullmatch(payload)
        ):
            with suppress(ValueError, TypeError, RecursionError):
                return path, Seen(state, size, form, _recognised(found), sha256, payload)
    return None


def _sentence(value: object) -> Sentence:
    """Why it cannot be used; an older studio kept only the English text."""
    given = value if isinstance(value, dict) else {"message": value}
    if not isinstance(given.get("message"), str):
        raise TypeError("no sentence")
    return Sentence.read(given)


def _as_text(found: Recognised) -> str:
    return json.dumps(asdict(found) | {"unusable": found.unusable.to_json()})


def _recognised(text: str) -> Recognised:
    """Raises ValueError or TypeError for what `Recognised` does not hold."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise TypeError("no object")
    for known in fields(Recognised):
        value = values.get(known.name, known.default)
        if known.name == "unusable":
            values[known.name] = _sentence(value)
            continue
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            values[known.name] = tuple(value)
        elif value is None and known.default is None:
            continue
        elif type(value) is not (str if known.default in (MISSING, None) else type(known.default)):
            raise TypeError(f"{known.name} is a {type(value).__name__}")
    return Recognised(**values)
