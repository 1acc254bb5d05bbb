"""The schema of every index grows by the same steps: all or none, each once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.files.sqlite import BUSY, NewerSchema, migrate, reason


def first(db: sqlite3.Connection) -> None:
    db.execute("create table a (x)")


def second(db: sqlite3.Connection) -> None:
    db.execute("create table b (x)")


def broken(db: sqlite3.Connection) -> None:
    db.execute("create table c (x)")
    raise sqlite3.OperationalError("the disk is gone")


def tables(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("select name from sqlite_master order by name")]


def test_only_steps_that_are_new_run(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "i", isolation_level=None)) as db:
        migrate(db, [first])
        migrate(db, [first, second])  # `first` again would fail: its table is there
        assert tables(db) == ["a", "b"]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "i", isolation_level=None)) as db:
        migrate(db, [first])
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, [first, second, broken])
        assert tables(db) == ["a"] and db.execute("pragma user_version").fetchone() == (1,)


def test_a_newer_file_is_not_touched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "i", isolation_level=None)) as db:
        migrate(db, [first, second])
        with pytest.raises(NewerSchema):
            migrate(db, [first])
        assert tables(db) == ["a", "b"]


def test_a_locked_file_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "i", isolation_level=None)) as owner,
        closing(sqlite3.connect(tmp_path / "i", isolation_level=None, timeout=0)) as other,
    ):
        owner.execute("begin immediate")
        with pytest.raises(sqlite3.OperationalError) as locked:
            migrate(other, [first])
    assert reason(locked.value) in BUSY and reason(sqlite3.DatabaseError("no file")) not in BUSY
