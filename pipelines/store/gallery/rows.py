"""The gallery's part of the picture index: one row of facts and one of words a picture.

A row never changes. A picture whose marks change gets a new row with a larger number, and triggers note the number of
every row that goes, so whoever remembers the last two numbers can ask for what is new alone.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.store.gallery.facts import facts_of
from pipelines.store.gallery.marks import Marks
from pipelines.store.gallery.searching import tokens
from pipelines.store.pictures import ImageInfo

FOLDERS = "folders"
"""Whose the pictures of other programs' folders are; no tag of a client looks so."""
LONGEST_TITLE = 300
_COLUMNS = (
    "id, owner, width, height, unfinished, title, model, sampler, kind, loras, favourite, stars, tags, marks_ns,"
    " folder, tool"
)
_BLANKS = ", ".join("?" * 16)


@dataclass(frozen=True)
class Source:
    """Whence a picture of another program comes: its named folder, the tool that made it, and its file's name."""

    folder: str = ""
    tool: str = ""
    name: str = ""


def create(db: sqlite3.Connection) -> None:
    db.execute(
        "create table facts (n integer primary key autoincrement, id text not null unique, owner text not null,"
        " width integer not null, height integer not null, unfinished integer not null, title text not null,"
        " model text not null, sampler text not null, kind text not null, loras text not null,"
        " favourite integer not null, stars integer not null, tags text not null, marks_ns integer not null)"
    )
    db.execute("create table gone (k integer primary key autoincrement, n integer not null)")
    db.execute("create table epoch (value text not null)")
    db.execute("insert into epoch values (hex(randomblob(16)))")
    db.execute(
        "create virtual table words using fts5 (prompt, negative, model, sampler, loras, tags,"
        " tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3')"
    )
    db.execute(
        "create trigger facts_gone after delete on facts begin"
        " insert into gone (n) values (old.n); delete from words where rowid = old.n; end"
    )
    db.execute("create trigger images_gone after delete on images begin delete from facts where id = old.id; end")


def put(db: sqlite3.Connection, info: ImageInfo, marks: Marks, marks_ns: int, source: Source = Source()) -> None:
    """What has no prompt is found by the name of its file, if it is of another program."""
    facts = facts_of(info)
    db.execute("delete from facts where id = ?", (info.id,))
    looks = (
        info.id,
        info.client,
        info.width,
        info.height,
        info.unfinished,
        (facts.prompt or source.name)[:LONGEST_TITLE],
    )
    said = (facts.model, facts.sampler, facts.kind, _list(facts.loras))
    marked = (marks.favourite, marks.stars, _list(marks.tags), marks_ns, source.folder, source.tool)
    cursor = db.execute(f"insert into facts ({_COLUMNS}) values ({_BLANKS})", (*looks, *said, *marked))
    texts = (
        facts.prompt or source.name,
        facts.negative,
        facts.model,
        facts.sampler,
        " ".join(facts.loras),
        " / ".join(marks.tags),
    )
    db.execute(
        "insert into words (rowid, prompt, negative, model, sampler, loras, tags) values (?, ?, ?, ?, ?, ?, ?)",
        (cursor.lastrowid, *map(tokens, texts)),
    )


def marked_in(db: sqlite3.Connection, start: str, end: str) -> dict[str, int]:
    """When the marks of the pictures between two ids had been written, by id."""
    return dict(db.execute("select id, marks_ns from facts where id >= ? and id < ? and marks_ns > 0", (start, end)))


def _list(names: Iterable[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)
