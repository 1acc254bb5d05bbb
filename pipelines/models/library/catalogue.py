"""The library of models: what was seen is kept, so that only new and changed files are looked into again.

The files are the truth and the index may be lost; only notes and the way back of removed models are kept beside it, in
a file of their own. One odd file is an entry with a reason, and never keeps the others from being listed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, NotAllowed, NotFound, Sentence, StorageError
from pipelines.files import disk, leftovers, plain
from pipelines.models.library import kept, scan, side_files
from pipelines.models.library.entry import Entry, Root
from pipelines.models.library.kept import Removed
from pipelines.models.library.kinds import Recognised
from pipelines.models.library.seen import Seen, SeenFiles

MOST_NOTE = 4000


class Catalogue:
    """All models that lie in `roots`, there or not yet. `folder` is where the index and the notes are kept."""

    def __init__(self, roots: Iterable[Root], folder: Path) -> None:
        self.roots = tuple(roots)
        self._seen, self._kept = SeenFiles(folder / "library.sqlite"), folder / "library" / "notes.json"
        self._lock = threading.RLock()  # one scan, removal or write at a time
        self._entries: dict[str, Entry] = {}
        self._homes: tuple[Path, ...] = ()
        self._stamp: tuple[int, ...] = ()

    @property
    def notice(self) -> str:
        """What befell the index: "rebuilt", "unwritable", or nothing."""
        return self._seen.notice

    def scan(self) -> list[Entry]:
        """Everything there is now, by name; what was remembered of the folders is not asked."""
        with self._lock:
            disk.forget()
            if not self._stamp:
                leftovers.sweep_models(root.path for root in self.roots if root.whose == "ours")
            self._stamp = scan.stamp(self.roots)
            roots = scan.with_linked(self.roots)
            self._homes = tuple(root.path.resolve() for root in roots)
            known = self._seen.read()
            entries = [_entry(root, path, known.get(os.fsencode(path))) for root, path in scan.files(roots)]
            there = {os.fsencode(entry.path): entry for entry in entries if entry is not None}
            new = {path: one for path, entry in there.items() if (one := _seen(entry)) and one != known.get(path)}
            self._seen.write(new, known.keys() - there.keys())
            self._entries = {entry.id: entry for entry in sorted(there.values(), key=lambda one: one.name.lower())}
            return list(self._entries.values())

    def entries(self) -> list[Entry]:
        """As at the last scan; the first call scans, and so does one after a folder came, went or changed."""
        if not self._entries or self._stamp != scan.stamp(self.roots):
            return self.scan()
        return list(self._entries.values())

    def get(self, entry_id: str) -> Entry:
        """Raises NotFound."""
        if not self._entries:
            self.scan()
        entry = self._entries.get(entry_id)
        if entry is None or not os.path.lexists(entry.path):
            raise NotFound("this model is not in the library any more. Look through the folders again.")
        return entry

    def to_json(self, entry: Entry) -> dict[str, Any]:
        """What is shown of it, with what lies beside it and our own notes."""
        beside = side_files.notes_of(entry.path, self._homes)
        words = [*beside.pop("trigger_words", ()), *entry.found.trigger_words]
        more = {"trigger_words": list(dict.fromkeys(words)), "notes": kept.read(self._kept).notes.get(entry.name, "")}
        return entry.to_json() | beside | more | {"preview": side_files.has_preview(entry.path, self._homes)}

    def preview(self, entry_id: str) -> side_files.Preview:
        """The picture beside a model. Raises NotFound."""
        preview = side_files.preview_of(self.get(entry_id).path, self._homes)
        if preview is None:
            raise NotFound("this model has no preview picture beside it.")
        return preview

    def note(self, entry_id: str, text: str) -> None:
        """Keeps one's own words about a model, under its name: they stay when it moves. Raises BadRequest."""
        if len(text) > MOST_NOTE:
            raise BadRequest(
                "notes may have {most} characters; got {got}. Shorten them.", most=MOST_NOTE, got=len(text)
            )
        with self._lock:
            notes = kept.read(self._kept)
            notes.notes[self.get(entry_id).name] = text
            kept.write(self._kept, notes)

    def hashed(self, entry: Entry, sha256: str, payload: str) -> None:
        """Keeps the hashes of a file that was read in this state."""
        with self._lock:
            self._seen.hashed(os.fsencode(entry.path), entry.state, sha256, payload)
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
                raise NotAllowed(
                    "{entry} belongs to the studio or the hub's cache; it stays there.", entry=entry.name[:60]
                )
            if entry.root.whose == "other" and not confirmed:
                raise NotAllowed(
                    "{entry} lies in another tool's folder. Confirm that it shall leave it.", entry=entry.name[:60]
                )
            moved = _move(list(_with_side_files(entry.path)), entry.root.path / scan.REMOVED / entry.id)
            notes = kept.read(self._kept)
            notes.removed[entry.id] = Removed(entry.name, tuple(moved))
            kept.write(self._kept, notes)
            self._entries.pop(entry.id, None)
            return entry.id

    def removed(self) -> list[dict[str, str]]:
        """What can be brought back: id and name."""
        return [
            {"id": entry_id, "name": plain.printable(one.name)}
            for entry_id, one in kept.read(self._kept).removed.items()
            if all(os.path.lexists(now) for now, _ in one.files)
        ]

    def restore(self, entry_id: str) -> None:
        """Puts a removed model back where it was. Raises NotFound, and BadRequest where something else lies there."""
        with self._lock:
            notes = kept.read(self._kept)
            one = notes.removed.get(entry_id)
            if one is None:
                raise NotFound("this model was not removed, or was brought back already.")
            if any(os.path.lexists(before) for _, before in one.files):
                raise BadRequest("another {name} lies in its place. Move that away first.", name=one.name[:60])
            for now, before in one.files:
                _rename(Path(now), Path(before))
            del notes.removed[entry_id]
            kept.write(self._kept, notes)
            self.scan()


def _entry(root: Root, path: Path, known: Seen | None) -> Entry | None:
    """The entry, looked into where it is new or changed; None for a file that went away meanwhile."""
    try:
        state, size = scan.state_of(path)
    except OSError as error:
        if not os.path.lexists(path):
            return None
        return _made(root, path, Seen("", 0, scan.UNREADABLE, Recognised("unknown", unusable=scan.unreadable(error))))
    if known is None or known.state != state:
        known = Seen(state, size, *scan.recognised(path))
    return _made(root, path, known)


def _made(root: Root, path: Path, seen: Seen) -> Entry:
    name = scan.name_of(path)
    return Entry(root, path, name, seen.size, seen.state, seen.format, seen.found, seen.sha256, seen.payload_sha256)


def _seen(entry: Entry) -> Seen | None:
    """What is remembered of it; not of what cannot be read, for nothing says when it can."""
    if entry.format == scan.UNREADABLE:
        return None
    return Seen(entry.state, entry.size, entry.format, entry.found, entry.sha256, entry.payload_sha256)


def _with_side_files(path: Path) -> Iterator[Path]:
    yield path
    if not plain.is_folder(path):
        for ending in (*side_files.PREVIEWS, ".json", ".civitai.info", ".yaml"):
            beside = path.with_name(path.stem + ending)
            if plain.is_regular(beside):
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
        reason = error.strerror or Sentence("unknown reason")
        raise StorageError(
            "{file} cannot be moved: {reason}. Check the folder's permissions.", file=path.name[:60], reason=reason
        ) from error
