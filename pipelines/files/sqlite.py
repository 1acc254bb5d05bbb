"""SQLite as all our indexes use it: the schema grows step by step, and an error says what can be done about it."""

import sqlite3
from collections.abc import Callable, Sequence

Step = Callable[[sqlite3.Connection], object]

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""Another program is at work; the file is well."""
UNWRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
}


class NewerSchema(Exception):
    """The file was written by a newer studio."""


def migrate(db: sqlite3.Connection, steps: Sequence[Step]) -> None:
    """Run the steps that the file has not had yet, all or none; its version is the number of those that ran.

    A released step never changes; another is added behind it. Raises NewerSchema.
    """
    if _version(db) == len(steps):
        return
    db.execute("begin immediate")
    with db:
        done = _version(db)  # another process may have been quicker
        if done > len(steps):
            raise NewerSchema
        for step in steps[done:]:
            step(db)
        db.execute(f"pragma user_version = {len(steps)}")


def reason(error: Exception) -> int:
    """SQLite's primary result code; what has none is taken for a broken file."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF


def _version(db: sqlite3.Connection) -> int:
    return db.execute("pragma user_version").fetchone()[0]
