"""The files among the models that can be converted, by names that are never paths from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines import models, places
from pipelines.errors import NotFound
from pipelines.files import plain
from pipelines.models.converting.container import KINDS

SUFFIXES = (*KINDS, ".safetensors")
MOST_FILES = 2000


def names() -> tuple[str, ...]:
    return tuple(sorted({name for name, _ in files()}))


def find(name: str) -> Path:
    """Raises NotFound."""
    for known, path in files():
        if known == name:
            return path
    raise NotFound(f"no file {name[:60]!r} among the models can be converted. Put it into models first.")


def files() -> Iterator[tuple[str, Path]]:
    """(name, path) of files in the folders of models and one folder below, that are no part of a diffusers model."""
    for folder in dict.fromkeys((*places.roots(), *places.named())):
        below = [path for path in plain.children(folder) if plain.is_folder(path) and not path.is_symlink()]
        for place in (folder, *(path for path in below if not plain.is_regular(path / "model_index.json"))):
            for path in plain.children(place)[:MOST_FILES]:
                good = path.suffix in SUFFIXES and models.SAFE_NAME.fullmatch(path.name) and not path.is_symlink()
                if good and plain.is_regular(path):
                    yield path.relative_to(folder).as_posix(), path
