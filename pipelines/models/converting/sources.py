"""The files among the models that can be converted, by names that are never paths from outside."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from pipelines import places
from pipelines.errors import NotFound
from pipelines.files import naming
from pipelines.files.names import Names
from pipelines.files.plain import Folder
from pipelines.models.converting.container import KINDS

SUFFIXES = (*KINDS, *naming.ENDINGS)
MOST_FILES = 20_000


def names() -> tuple[str, ...]:
    return tuple(sorted(_NAMES.now()))


def resolve(name: str) -> str | None:
    """What the one of `names()` is called that the name can mean; None for none."""
    return _NAMES.resolve(name)


def find(name: str) -> Path:
    """Raises NotFound."""
    if path := _NAMES.find(name):
        return path
    raise NotFound("no file {name!r} among the models can be converted. Put it into models first.", name=name[:60])


def files() -> Iterator[tuple[Path, str, Path]]:
    """(folder of models, place below it, file) of the files below them that are no part of a diffusers model."""
    for home in dict.fromkeys((*places.roots(), *places.named())):
        every = (path for folder in naming.below(home) for path in _below(folder))
        yield from ((home, path.relative_to(home).as_posix(), path) for path in itertools.islice(every, MOST_FILES))


def _below(folder: Folder) -> Iterator[Path]:
    if folder.depth and folder.has("model_index.json"):
        folder.folders.clear()
        return
    for name in folder.names:
        if name in folder.regular and name.lower().endswith(SUFFIXES):
            yield folder.path / name


def by_path() -> dict[Path, str]:
    """What each of them is called."""
    return dict(_NAMES.by_path())


_NAMES = Names(lambda: naming.distinct(files(), with_ending=True))
