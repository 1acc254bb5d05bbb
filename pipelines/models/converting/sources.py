"""The files among the models that can be converted, by names that are never paths from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines import models, places
from pipelines.errors import NotFound
from pipelines.files import disk
from pipelines.files.disk import Names
from pipelines.models.converting.container import KINDS

SUFFIXES = (*KINDS, ".safetensors")
MOST_FILES = 2000


def names() -> tuple[str, ...]:
    return tuple(sorted(_NAMES.now()))


def is_here(name: str) -> bool:
    """Whether it is one of `names()`."""
    return name in _NAMES


def find(name: str) -> Path:
    """Raises NotFound."""
    if path := _NAMES.now().get(name):
        return path
    raise NotFound("no file {name!r} among the models can be converted. Put it into models first.", name=name[:60])


def files() -> Iterator[tuple[str, Path]]:
    """(name, path) of files in the folders of models and one folder below, that are no part of a diffusers model."""
    for folder in dict.fromkeys((*places.roots(), *places.named())):
        for place in disk.walk(folder, 1):
            if place.depth and place.has("model_index.json"):
                continue
            for name in place.names[:MOST_FILES]:
                path = place.path / name
                if name in place.regular and path.suffix in SUFFIXES and models.SAFE_NAME.fullmatch(name):
                    yield path.relative_to(folder).as_posix(), path


_NAMES = Names(files)
