"""Values under names: one small file for each person who keeps some, read as far as it makes sense."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, NotFound, Sentence
from pipelines.files import plain
from pipelines.files.whole import storage_error, write_whole

MOST, LONGEST_NAME = 200, 60
MOST_BYTES = 1 << 20
EVERYBODY = "everybody"
"""Whose file it is where all who come are one person."""

Values = dict[str, Any]


class NamedValues:
    """Kept in `folder`; a name is kept once, as it was written. `kind` is what one is called: a preset, a search.

    `check` says values as they are kept, and raises BadRequest for what makes no sense.
    """

    def __init__(self, folder: Path, kind: Sentence, check: Callable[[Mapping[str, object]], Values]) -> None:
        self._folder, self._kind, self._checked = folder, kind, check
        self._lock = threading.Lock()

    def all(self, owner: str | None) -> dict[str, Values]:
        """name -> values, in the order of the names."""
        try:
            content = json.loads(plain.read(self._path(owner), MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        kept = content.items() if isinstance(content, dict) else ()
        whole = {clean(name): values for name, values in kept if isinstance(values, dict) and clean(name)}
        return dict(sorted(whole.items(), key=lambda pair: pair[0].casefold()))

    def save(self, owner: str | None, name: str, values: Mapping[str, object]) -> dict[str, Values]:
        """In the place of one of the same name. Raises BadRequest for what makes no sense, StorageError."""
        name, checked = self._named(name), self._checked(values)
        with self._lock:
            kept = self.all(owner) | {name: checked}
            if len(kept) > MOST:
                raise BadRequest(
                    "{most} are kept at most. Delete a {kind} that is not used.", most=MOST, kind=self._kind
                )
            return self._write(owner, kept)

    def rename(self, owner: str | None, name: str, to: str) -> dict[str, Values]:
        """Raises NotFound, BadRequest where another one has that name, StorageError."""
        to = self._named(to)
        with self._lock:
            kept = self.all(owner)
            values = self._take(kept, name)
            if to in kept:
                raise BadRequest("there is a {kind} {name!r} already. Choose another name.", kind=self._kind, name=to)
            return self._write(owner, kept | {to: values})

    def delete(self, owner: str | None, name: str) -> dict[str, Values]:
        """Raises NotFound, StorageError."""
        with self._lock:
            kept = self.all(owner)
            self._take(kept, name)
            return self._write(owner, kept)

    def _take(self, kept: dict[str, Values], name: str) -> Values:
        if clean(name) not in kept:
            raise NotFound("there is no {kind} {name!r} any more.", kind=self._kind, name=clean(name))
        return kept.pop(clean(name))

    def _named(self, name: str) -> str:
        """Raises BadRequest where nothing of the name can be seen."""
        if not (cleaned := clean(name)):
            raise BadRequest("a {kind} needs a name.", kind=self._kind)
        return cleaned

    def _path(self, owner: str | None) -> Path:
        return self._folder / f"{owner or EVERYBODY}.json"

    def _write(self, owner: str | None, kept: dict[str, Values]) -> dict[str, Values]:
        data = json.dumps(kept, ensure_ascii=False, indent=1).encode()
        if len(data) > MOST_BYTES:
            raise BadRequest("this is too long to be kept. Delete a {kind} that is not used.", kind=self._kind)
        try:
            write_whole(self._path(owner), data, private=True)
        except OSError as error:
            raise storage_error(error, Sentence("saved")) from error
        return self.all(owner)


def clean(name: str) -> str:
    """One line without signs that nobody sees."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())[:LONGEST_NAME]
