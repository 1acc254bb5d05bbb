"""The models that lie in the folders for them, by name; sound or not."""

from collections.abc import Iterator
from pathlib import Path

from pipelines import places
from pipelines.errors import NotFound, Sentence
from pipelines.files import naming, plain
from pipelines.files.names import Names
from pipelines.models import strangers

WITHOUT_TEXT = ("DDPMPipeline", "DDIMPipeline")
VAE_BESIDE = ".vae"
"""A1111's mark of a decoder that lies beside the checkpoint it is for: `v1-5.vae.safetensors`."""


def installed() -> tuple[str, ...]:
    """Names of the models that are here, folders and files, sound or not, in order."""
    return tuple(sorted(_NAMES.now()))


def resolve(name: str) -> str | None:
    """What the one of `installed()` is called that the name can mean, as other tools write names; None for none."""
    return _NAMES.resolve(name)


def name_of(path: Path) -> str:
    """What a model is called; its own name where it is not in the folders for models."""
    return _NAMES.name_of(path) or (path.name if plain.is_folder(path) else naming.without_ending(path.name))


def by_path() -> dict[Path, str]:
    """What each of `installed()` is called."""
    return dict(_NAMES.by_path())


def _files() -> Iterator[tuple[Path, str, Path]]:
    """Folders of diffusers and checkpoints of one file, those of each home together, the folders first."""
    for home in places.of(places.CHECKPOINTS):
        found = sorted(_below(home), key=lambda pair: not pair[0])
        yield from ((home, path.relative_to(home).as_posix(), path) for _, path in found)


def _below(home: Path) -> Iterator[tuple[bool, Path]]:
    """(whether it is a folder, the model)."""
    for folder in naming.below(home, places.left_out(home)):
        if folder.depth and folder.has("model_index.json"):
            folder.folders.clear()  # its parts are no models
            if not _is_without_text(folder.path):
                yield True, folder.path
            continue
        for name in () if home == places.EMBEDDED else folder.names:
            path = folder.path / name
            if naming.is_weights(name) and folder.has(name):
                if not is_vae_beside(name):
                    yield False, path
            elif name not in folder.regular and plain.is_regular(path / "model_index.json"):
                if not _is_without_text(path):
                    yield True, path


def is_vae_beside(file: str) -> bool:
    """Whether a file among the checkpoints is called as a decoder."""
    return naming.without_ending(file).lower().endswith(VAE_BESIDE)


_NAMES = Names(lambda: naming.distinct(_files()))


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
    if path := _NAMES.find(name):
        return path
    here = ", ".join(installed()[:8]) or Sentence("none")
    raise NotFound(
        "model {name!r} is not installed; installed are: {here}. Put its folder or file under models.",
        name=name[:40],
        here=here,
    )
