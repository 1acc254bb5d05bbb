"""The library of models: what was found is kept in SQLite, so that only new and changed files are looked into again.

The files are the truth and the index may be lost; only notes and the way back of removed models are kept beside it, in
a file of their own.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, NotAllowed, NotFound, StorageError
from pipelines.files import storage_error, write_whole
from pipelines.library import scan, side_files
from pipelines.library.entry import Entry, Root
from pipelines.library.kinds import Recognised

VERSION = 1
MOST_NOTE = 4000
_TABLE = (
    "create table if not exists seen (path text primary key, state text, size integer, format text, found text,"
    " sha256 text default '', payload text default '')"
)
log = logging.getLogger(__name__)


class Catalogue:
    """All models that lie in `roots`. `folder` is where the index and the notes are kept."""

    def __init__(self, roots: Iterable[Root], folder: Path) -> None:
        self.roots = tuple(roots)
        self._index, self._kept = folder / "library.sqlite", folder / "library" / "notes.json"
        self._lock = threading.RLock()  # one scan, removal or write at a time
        self._entries: dict[str, Entry] = {}

    def scan(self) -> list[Entry]:
        """Everything there is now, by name. Raises StorageError where the index can be neither read nor made anew."""
        with self._lock:
            known = self._known()
            entries, changed = [], []
            for root, path in scan.files(self.roots):
                entry, is_new = _entry(root, path, known.get(str(path)))
                if entry is not None:
                    entries.append(entry)
                    changed += [entry] if is_new else []
            self._remember(changed, set(known) - {str(entry.path) for entry in entries})
            self._entries = {entry.id: entry for entry in sorted(entries, key=lambda one: one.name.lower())}
            return list(self._entries.values())

    def entries(self) -> list[Entry]:
        """As at the last scan; the first call scans."""
        return list(self._entries.values()) or self.scan()

    def get(self, entry_id: str) -> Entry:
        """Raises NotFound."""
        if not self._entries:
            self.scan()
        entry = self._entries.get(entry_id)
        if entry is None or not entry.path.exists():
            raise NotFound("this model is not in the library any more. Look through the folders again.")
        return entry

    def told(self, entry: Entry) -> dict[str, Any]:
        """What is shown of it, with what lies beside it and our own notes."""
        beside = side_files.notes_of(entry.path)
        words = [*beside.pop("trigger_words", ()), *entry.found.trigger_words]
        more = {"trigger_words": list(dict.fromkeys(words)), "notes": self._read_kept()["notes"].get(entry.name, "")}
        return entry.told() | beside | more | {"preview": side_files.preview_of(entry.path) is not None}

    def note(self, entry_id: str, text: str) -> None:
        """Keeps one's own words about a model, under its name: they stay when it moves. Raises BadRequest."""
        if len(text) > MOST_NOTE:
            raise BadRequest(f"notes may have {MOST_NOTE} characters; got {len(text)}. Shorten them.")
        with self._lock:
            kept = self._read_kept()
            kept["notes"][self.get(entry_id).name] = text
            self._write_kept({**kept, "notes": {name: words for name, words in kept["notes"].items() if words}})

    def hashed(self, entry: Entry, sha256: str, payload: str) -> None:
        """Keeps the hashes of a file that was read in this state."""
        with self._lock, closing(self._open()) as db, db:
            db.execute(
                "update seen set sha256 = ?, payload = ? where path = ? and state = ?",
                (sha256, payload, str(entry.path), entry.state),
            )
            if entry.id in self._entries:
                self._entries[entry.id] = replace(entry, sha256=sha256, payload_sha256=payload)

    # --- removing, and bringing back ---

    def remove(self, entry_id: str, confirmed: bool = False) -> str:
        """Moves a model and what lies beside it out of the library; the answer is what `restore` takes.

        Raises NotAllowed for the studio's own and the hub's, and, until it is confirmed, for other tools' files.
        """
        with self._lock:
            entry = self.get(entry_id)
            if not entry.may_be_removed:
                raise NotAllowed(f"{entry.name[:60]} belongs to the studio or the hub's cache; it stays there.")
            if entry.root.whose == "other" and not confirmed:
                raise NotAllowed(f"{entry.name[:60]} lies in another tool's folder. Confirm that it shall leave it.")
            moved = _move(list(_with_side_files(entry.path)), entry.root.path / scan.REMOVED / entry.id)
            kept = self._read_kept()
            kept["removed"][entry.id] = {"name": entry.name, "files": moved}
            self._write_kept(kept)
            self._entries.pop(entry.id, None)
            return entry.id

    def removed(self) -> list[dict[str, str]]:
        """What can be brought back: id and name."""
        kept = self._read_kept()["removed"]
        there = {name: one for name, one in kept.items() if all(Path(now).exists() for now, _ in one["files"])}
        return [{"id": entry_id, "name": one["name"]} for entry_id, one in there.items()]

    def restore(self, entry_id: str) -> None:
        """Puts a removed model back where it was. Raises NotFound, and BadRequest where something else lies there."""
        with self._lock:
            kept = self._read_kept()
            one = kept["removed"].get(entry_id)
            if one is None:
                raise NotFound("this model was not removed, or was brought back already.")
            if any(Path(before).exists() for _, before in one["files"]):
                raise BadRequest(f"another {one['name'][:60]} lies in its place. Move that away first.")
            for now, before in one["files"]:
                _rename(Path(now), Path(before))
            del kept["removed"][entry_id]
            self._write_kept(kept)
            self.scan()

    # --- the index ---

    def _open(self) -> sqlite3.Connection:
        try:
            self._index.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._index, timeout=5)
            version = db.execute("pragma user_version").fetchone()[0]
            if version != VERSION:  # another studio's, or none yet: it is made anew
                db.execute("drop table if exists seen")
                db.execute(f"pragma user_version = {VERSION}")
            db.execute(_TABLE)
            return db
        except (sqlite3.DatabaseError, OSError):
            return self._anew()

    def _anew(self) -> sqlite3.Connection:
        """An index in the place of one that is broken; in memory where none can be written."""
        log.warning("the library's index was unreadable and is made anew")
        try:
            self._index.unlink(missing_ok=True)
            db = sqlite3.connect(self._index, timeout=5)
            db.execute(_TABLE)
        except (sqlite3.DatabaseError, OSError):
            db = sqlite3.connect(":memory:")
            db.execute(_TABLE)
        return db

    def _known(self) -> dict[str, tuple[Any, ...]]:
        with closing(self._open()) as db:
            rows = db.execute("select path, state, size, format, found, sha256, payload from seen").fetchall()
        return {row[0]: row[1:] for row in rows}

    def _remember(self, entries: list[Entry], gone: Iterable[str]) -> None:
        if not entries and not gone:
            return
        rows = [(str(e.path), e.state, e.size, e.format, json.dumps(asdict(e.found))) for e in entries]
        with closing(self._open()) as db, db:
            db.executemany(
                "insert or replace into seen (path, state, size, format, found) values (?, ?, ?, ?, ?)", rows
            )
            db.executemany("delete from seen where path = ?", [(path,) for path in gone])

    def _read_kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._kept.read_bytes())
        except (OSError, ValueError):
            kept = {}
        kept = kept if isinstance(kept, dict) else {}
        return {name: dict(kept.get(name) or {}) for name in ("notes", "removed")}

    def _write_kept(self, kept: dict[str, Any]) -> None:
        try:
            write_whole(self._kept, json.dumps(kept, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise storage_error(error, "saved") from error


def _entry(root: Root, path: Path, known: tuple[Any, ...] | None) -> tuple[Entry | None, bool]:
    """The entry, and whether it was looked into; None for a file that went away meanwhile."""
    try:
        state = scan.state_of(path)
        if known is not None and known[0] == state:
            _, size, form, found, sha256, payload = known
            return Entry(root, path, scan.name_of(path), size, state, form, _recognised(found), sha256, payload), False
        form, found = scan.look(path)
        return Entry(root, path, scan.name_of(path), scan.size_of(path), state, form, found), True
    except FileNotFoundError:
        return None, False


def _recognised(text: str) -> Recognised:
    values: dict[str, Any] = json.loads(text)
    known: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Recognised(**known)


def _with_side_files(path: Path) -> Iterator[Path]:
    yield path
    if path.is_file():
        for ending in (*side_files.PREVIEWS, ".json", ".civitai.info", ".yaml"):
            beside = path.with_name(path.stem + ending)
            if beside.is_file():
                yield beside


def _move(paths: Iterable[Path], into: Path) -> list[tuple[str, str]]:
    """Each to a place of its name in `into`: (where it is now, where it was)."""
    moved = []
    for path in paths:
        _rename(path, into / path.name)
        moved.append((str(into / path.name), str(path)))
    return moved


def _rename(path: Path, to: Path) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        path.rename(to)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise StorageError(f"{path.name[:60]} cannot be moved: {reason}. Check the folder's permissions.") from error
