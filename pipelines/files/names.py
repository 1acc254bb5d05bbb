"""The names of one kind of files, looked up without a walk over the disk where a name was seen before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import places
from pipelines.files import naming


@dataclass(frozen=True)
class _Seen:
    """The names at one time, by what they are compared by, and by file. `searched` decides where they were sought."""

    searched: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    by_key: Mapping[str, str] = field(default_factory=dict)
    by_path: Mapping[Path, str] = field(default_factory=dict)


class Names:
    """Names of one kind of files -> where each lies. `read` tells them from the disk."""

    def __init__(self, read: Callable[[], Mapping[str, Path]]) -> None:
        self._read = read
        self._seen = _Seen()

    def now(self) -> Mapping[str, Path]:
        """As it is on the disk now."""
        return self._look().files

    def by_path(self) -> Mapping[Path, str]:
        """What each file is called, as it is on the disk now."""
        return self._look().by_path

    def alike(self, name: str) -> tuple[str, ...]:
        """What is called so, or what another tool's name for it can mean, the likeliest first.

        A name that was seen costs one `stat`, any other one look at the disk.
        """
        return tuple(here for here, _ in self._alike(name))

    def resolve(self, name: str) -> str | None:
        """What the one file is called that the name can mean; None where there is none, or more than one."""
        found = self._alike(name)
        return found[0][0] if len(found) == 1 else None

    def find(self, name: str) -> Path | None:
        """The one file that the name can mean."""
        found = self._alike(name)
        return found[0][1] if len(found) == 1 else None

    def name_of(self, path: Path) -> str:
        """What a file is called; "" for one that is not among them."""
        seen = self._seen
        if seen.searched != places.searched() or path not in seen.by_path:
            seen = self._look()
        return seen.by_path.get(path) or seen.by_path.get(path.parent.resolve() / path.name, "")

    def _alike(self, name: str) -> list[tuple[str, Path]]:
        seen, key = self._seen, naming.key(name)
        if key in seen.by_key and seen.searched == places.searched():
            here = seen.by_key[key]
            if os.path.exists(seen.files[here]):
                return [(here, seen.files[here])]
        seen = self._look()
        found = [seen.by_key[key]] if key in seen.by_key else naming.meant(name, seen.files) if name else []
        return [(here, seen.files[here]) for here in found]

    def _look(self) -> _Seen:
        searched, files = places.searched(), self._read()
        by_key, by_path = {naming.key(name): name for name in files}, {path: name for name, path in files.items()}
        self._seen = _Seen(searched, files, by_key, by_path)
        return self._seen
