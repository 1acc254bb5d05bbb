"""The models that lie in the folders for them, by name; sound or not."""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines import places
from pipelines.errors import NotFound, Sentence
from pipelines.files import disk, plain
from pipelines.files.disk import Names
from pipelines.files.plain import Folder
from pipelines.models import strangers

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+\[\]-]{0,127}")
WITHOUT_TEXT = ("DDPMPipeline", "DDIMPipeline")


def installed() -> tuple[str, ...]:
    """Names of the models that are here, folders and files, sound or not, in order."""
    return tuple(sorted(_NAMES.now()))


def is_installed(name: str) -> bool:
    """Whether it is one of `installed()`."""
    return name in _NAMES


def _named() -> Iterator[tuple[str, Path]]:
    """Folders of diffusers and checkpoints of one file."""
    for home in places.of(places.CHECKPOINTS):
        for folder in disk.walk(home, 1):
            if folder.depth == 0:
                yield from _files_and_links(folder)
            elif folder.has("model_index.json") and not _is_without_text(folder.path):
                yield folder.path.name, folder.path


def _files_and_links(folder: Folder) -> Iterator[tuple[str, Path]]:
    for name in folder.names:
        path = folder.path / name
        if path.suffix == ".safetensors" and folder.has(name):
            yield path.stem, path
        elif name in folder.regular:
            continue
        elif plain.is_regular(path / "model_index.json") and not _is_without_text(path):
            yield name, path


_NAMES = Names(lambda: ((name, path) for name, path in _named() if SAFE_NAME.fullmatch(path.name)))


def _is_without_text(folder: Path) -> bool:
    """Whether it is a pipeline for the families' room, which takes no prompt."""
    try:
        with plain.open_regular(folder / "model_index.json") as file:
            start = file.read(strangers.MOST_JSON_BYTES)
    except OSError:
        return False
    return any(f'"{name}"'.encode() in start for name in WITHOUT_TEXT)


def find(name: str) -> Path:
    """The folder or file of a model by its name; never a path from outside."""
    if SAFE_NAME.fullmatch(name):
        for folder in places.of(places.CHECKPOINTS):
            if plain.is_regular(folder / name / "model_index.json"):
                return folder / name
            if plain.is_regular(folder / f"{name}.safetensors"):
                return folder / f"{name}.safetensors"
    here = ", ".join(installed()[:8]) or Sentence("none")
    raise NotFound(
        "model {name!r} is not installed; installed are: {here}. Put its folder or file under models.",
        name=name[:40],
        here=here,
    )
