"""Settings of pictures under names: one small file for each person who keeps some, read as far as it makes sense."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, NotFound, Sentence
from pipelines.files import plain
from pipelines.files.whole import storage_error, write_whole
from pipelines.params import Request, exact

MOST, LONGEST_NAME = 200, 60
MOST_BYTES = 1 << 20
EVERYBODY = "everybody"
"""Whose file it is where all who come are one person."""

Values = dict[str, Any]


class Presets:
    """Of requests of one type, kept in `folder`; a name is kept once, as it was written."""

    def __init__(self, folder: Path, request_type: type[Request]) -> None:
        self._folder, self._request_type = folder, request_type
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
        """In the place of one of the same name. Raises BadRequest for what is no setting, StorageError."""
        name, checked = named(name), self._checked(values)
        with self._lock:
            presets = self.all(owner) | {name: checked}
            if len(presets) > MOST:
                raise BadRequest("{most} presets are kept at most. Delete one that is not used.", most=MOST)
            return self._write(owner, presets)

    def rename(self, owner: str | None, name: str, to: str) -> dict[str, Values]:
        """Raises NotFound, BadRequest where another one has that name, StorageError."""
        to = named(to)
        with self._lock:
            presets = self.all(owner)
            values = self._take(presets, name)
            if to in presets:
                raise BadRequest("there is a preset {name!r} already. Choose another name.", name=to)
            return self._write(owner, presets | {to: values})

    def delete(self, owner: str | None, name: str) -> dict[str, Values]:
        """Raises NotFound, StorageError."""
        with self._lock:
            presets = self.all(owner)
            self._take(presets, name)
            return self._write(owner, presets)

    def _take(self, presets: dict[str, Values], name: str) -> Values:
        if clean(name) not in presets:
            raise NotFound("there is no preset {name!r} any more.", name=clean(name))
        return presets.pop(clean(name))

    def _checked(self, values: Mapping[str, object]) -> Values:
        fields = {field.name: field for field in self._request_type.fields()}
        for name in values:
            if name not in fields:
                raise BadRequest("unknown setting {name!r}.", name=str(name)[:40])
        return {name: exact(fields[name].spec.check(name, value, fields[name].kind)) for name, value in values.items()}

    def _path(self, owner: str | None) -> Path:
        return self._folder / f"{owner or EVERYBODY}.json"

    def _write(self, owner: str | None, presets: dict[str, Values]) -> dict[str, Values]:
        data = json.dumps(presets, ensure_ascii=False, indent=1).encode()
        if len(data) > MOST_BYTES:
            raise BadRequest("these presets are too long to be kept. Delete one that is not used.")
        try:
            write_whole(self._path(owner), data, private=True)
        except OSError as error:
            raise storage_error(error, Sentence("saved")) from error
        return self.all(owner)


def clean(name: str) -> str:
    """One line without signs that nobody sees."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())[:LONGEST_NAME]


def named(name: str) -> str:
    """Raises BadRequest where nothing of the name can be seen."""
    if not (cleaned := clean(name)):
        raise BadRequest("a preset needs a name.")
    return cleaned
