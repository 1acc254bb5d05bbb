"""Which model files lie in the library's folders, and what each is, by its first bytes alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pipelines import models, places
from pipelines.errors import BadFile, Sentence, StudioError
from pipelines.files import disk, naming, plain
from pipelines.models import folders, strangers
from pipelines.models.architectures import of_pipeline
from pipelines.models.library import header, metadata
from pipelines.models.library.entry import Root
from pipelines.models.library.kinds import Recognised
from pipelines.models.library.recognise import recognise
from pipelines.models.library.side_config import with_side_config

ENDINGS = naming.KNOWN_ENDINGS
NAMELESS = ("model", "diffusion_pytorch_model", "pytorch_model", "model.fp16", "diffusion_pytorch_model.fp16")
MOST_FILES = 20_000
DEEPEST_OF_A_MODEL = 5
REMOVED = "removed"
"""The folder below ours where removed models wait to be brought back."""
NOT_ENTERED = (REMOVED, "blobs", "refs")
INDEX = "model_index.json"
UNREADABLE = "unreadable"
LONGEST_WORD = 40
log = logging.getLogger(__name__)


def roots() -> tuple[Root, ...]:
    """All folders of the library, there or not yet: shipped, ours, those that the owner named, and the hub's cache."""
    cache = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    return (
        Root(places.EMBEDDED, "shipped"),
        Root(places.OURS, "ours"),
        *(Root(path, "other") for path in places.named()),
        *(Root(path.parent / "embeddings", "other") for path in places.roots()[2:]),  # A1111's, beside its models
        Root(Path(cache).expanduser(), "cache"),
    )


def with_linked(every: Iterable[Root]) -> tuple[Root, ...]:
    """These, and the folders elsewhere that the owner linked into the place of one of theirs, as models/loras."""
    known = tuple(every)
    linked = [
        Root(path.resolve(), "other")
        for root in known
        if root.whose in ("ours", "other")
        for path in _below(root)
        if path.is_symlink() and plain.is_folder(path)
    ]
    homes = [root.path for root in known]
    return (*known, *(root for root in linked if not any(root.path.is_relative_to(home) for home in homes)))


def stamp(every: Iterable[Root]) -> tuple[int, ...]:
    """What changes when a folder of the library comes, goes, or has another file in it; deeper ones are not looked at.

    One `stat` a folder, so that every list can ask.
    """
    return tuple(_changed(path) for root in every for path in (root.path, *_below(root)))


def _below(root: Root) -> Iterator[Path]:
    names = (name for of_kind in places.FOLDERS.values() for name in of_kind if name and not name.startswith(".."))
    return (root.path / name for name in dict.fromkeys(names))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def files(every: Iterable[Root]) -> Iterator[tuple[Root, Path]]:
    """Model files, folders of whole pipelines, and folders that cannot be read.

    Each once, though folders may lie within one another.
    """
    seen: set[Path] = set()
    for root in every:
        for count, path in enumerate(_walk(root)):
            if count >= MOST_FILES:
                log.warning("A folder of the library holds more than %d models; the others are left out.", MOST_FILES)
                break
            if path not in seen:
                seen.add(path)
                yield root, path


def _walk(root: Root) -> Iterator[Path]:
    for folder in disk.walk(root.path, naming.DEEPEST, naming.MOST_NAMES):
        if folder.error and os.path.lexists(folder.path):
            yield folder.path
        if INDEX in folder.names and folder.depth:
            folder.folders.clear()
            yield folder.path
            continue
        folder.folders[:] = [name for name in folder.folders if not name.startswith(".") and name not in NOT_ENTERED]
        if root.whose == "shipped":  # its other files are parts of the studio
            continue
        models_here = (name for name in folder.names if name.lower().endswith(ENDINGS) and not name.startswith("."))
        yield from (folder.path / name for name in models_here)


def name_of(path: Path) -> str:
    """The file's name without ending; where that says nothing, its folder's; in the hub's cache, the repository's.

    It can be shown and sent whatever bytes the name on the disk is made of.
    """
    return plain.printable(_name_on_disk(path))


def _name_on_disk(path: Path) -> str:
    for part in path.parts:
        if part.startswith("models--"):
            whole = part.removeprefix("models--").replace("--", "/")
            inside = path.parts[path.parts.index(part) + 3 :]
            return "/".join((whole, *inside)) if inside else whole
    if plain.is_folder(path):
        return path.name
    return path.parent.name if path.stem in NAMELESS else path.stem


def recognised(path: Path) -> tuple[str, Recognised]:
    """Its format, and what it is. Never raises for what strangers put there: the reason stands in `unusable`."""
    try:
        return _folder(path) if plain.is_folder(path) else _file(path)
    except BadFile as error:
        return "damaged", Recognised("unknown", unusable=error.sentence)
    except OSError as error:
        return UNREADABLE, Recognised("unknown", unusable=unreadable(error))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        log.warning("A model file holds what no model has.", exc_info=error)
        return "damaged", Recognised(
            "unknown", unusable=Sentence("It holds what no model has: it is damaged. Copy it again.")
        )


def unreadable(error: OSError) -> Sentence:
    return Sentence(
        "This cannot be read: {problem}. Check its permissions, or put a plain file in its place.",
        problem=error.strerror,
    )


def _file(path: Path) -> tuple[str, Recognised]:
    with plain.open_regular(path) as file:
        kind, reason = header.sniff(file.read(32))
    if kind != "safetensors":
        return kind, Recognised("unknown", unusable=reason)
    head = header.read(path)
    why = head.fault()
    if why == header.DAMAGED:
        raise BadFile(why)
    found = recognise(head.shapes, head.metadata, head.dtypes, path.stem)
    found = with_side_config(found, path)
    return kind, replace(found, unusable=why or found.unusable)


def _folder(path: Path) -> tuple[str, Recognised]:
    with os.scandir(path):
        pass  # a folder that cannot be looked into says so here
    index = strangers.read_json(path / INDEX)
    name = str(index.get("_class_name"))
    known = of_pipeline(name)
    architecture = _of_unet(path) if known is not None and known.name == "sd" else known.name if known else "unknown"
    if name in folders.WITHOUT_TEXT:
        return "folder", Recognised("pipeline", "unconditional")
    try:
        info = models.inspect(path)
    except StudioError as error:
        return "folder", Recognised("pipeline", architecture, unusable=error.sentence)
    if info.bridged:
        architecture = info.pipeline
    prediction = info.configs["scheduler"].get("prediction_type")
    prediction = metadata.plain(prediction, LONGEST_WORD) if isinstance(prediction, str) else None
    dtype = next(iter(_dtypes(info.weights[info.network][0])), "")
    return "folder", Recognised("pipeline", architecture, layout="diffusers", prediction_type=prediction, dtype=dtype)


def _of_unet(path: Path) -> str:
    try:
        width = strangers.read_json(path / "unet" / "config.json").get("cross_attention_dim")
    except (OSError, BadFile):
        return "sd"
    return {768: "sd1", 1024: "sd2"}.get(width, "sd") if isinstance(width, int) else "sd"


def _dtypes(path: Path) -> list[str]:
    names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    dtypes = header.read(path).dtypes.values()
    return [names.get(dtype, metadata.plain(dtype.lower(), LONGEST_WORD)) for dtype in dtypes]


def state_of(path: Path) -> tuple[str, int]:
    """What tells this state of it from another, and its bytes; of a folder those of its files. Raises OSError."""
    statuses = _statuses(path)
    newest = max((status.st_mtime_ns for status in statuses), default=0)
    size = sum(status.st_size for status in statuses)
    return f"{newest}:{size}", size


def _statuses(path: Path) -> list[os.stat_result]:
    """Of a file itself; of a folder those of its regular files, as far as a model has them."""
    if not plain.is_folder(path):
        return [path.stat()]
    folders = plain.walk(path, DEEPEST_OF_A_MODEL, 4 * strangers.MOST_FILES)
    inside = (folder.path / name for folder in folders for name in folder.names)
    return [file.stat() for file in inside if plain.is_regular(file)]
