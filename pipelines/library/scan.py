"""Which model files lie in the library's folders, and what each is, by its first bytes alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipelines import models, places, strangers
from pipelines.architectures import of_pipeline
from pipelines.errors import BadFile, StudioError
from pipelines.library import header
from pipelines.library.entry import Root
from pipelines.library.kinds import Recognised
from pipelines.library.recognise import recognise

ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
NAMELESS = ("model", "diffusion_pytorch_model", "pytorch_model", "model.fp16", "diffusion_pytorch_model.fp16")
DEEPEST, MOST_FILES = 5, 20_000
REMOVED = "removed"
"""The folder below ours where removed models wait to be brought back."""
INDEX = "model_index.json"


def roots() -> tuple[Root, ...]:
    """All folders of the library: shipped, ours, those that the owner named, and the hub's cache."""
    cache = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    every = (
        Root(places.EMBEDDED, "shipped"),
        Root(places.OURS, "ours"),
        *(Root(path, "other") for path in places.named()),
        Root(Path(cache).expanduser(), "cache"),
    )
    return tuple(root for root in every if root.path.is_dir())


def files(every: Iterable[Root]) -> Iterator[tuple[Root, Path]]:
    """Model files, and folders of whole pipelines; each once, though folders may lie within one another."""
    seen: set[Path] = set()
    for root in every:
        for count, path in enumerate(_walk(root)):
            if count >= MOST_FILES:
                break
            if path not in seen:
                seen.add(path)
                yield root, path


def _walk(root: Root) -> Iterator[Path]:
    for base, folders, names in os.walk(root.path):
        folder = Path(base)
        depth = len(folder.relative_to(root.path).parts)
        if INDEX in names and folder != root.path:
            folders.clear()
            yield folder
            continue
        keep = [name for name in folders if not name.startswith(".") and name not in (REMOVED, "blobs", "refs")]
        folders[:] = sorted(keep) if depth < DEEPEST else []
        if root.whose == "shipped":  # its other files are parts of the studio
            continue
        yield from (folder / name for name in sorted(names) if name.lower().endswith(ENDINGS))


def name_of(path: Path) -> str:
    """The file's name without ending; where that says nothing, its folder's; in the hub's cache, the repository's."""
    for part in path.parts:
        if part.startswith("models--"):
            whole = part.removeprefix("models--").replace("--", "/")
            inside = path.parts[path.parts.index(part) + 3 :]
            return "/".join((whole, *inside)) if inside else whole
    if path.is_dir():
        return path.name
    return path.parent.name if path.stem in NAMELESS else path.stem


def look(path: Path) -> tuple[str, Recognised]:
    """Its format, and what it is. Never raises for what strangers put there: the reason stands in `unusable`."""
    try:
        return _folder(path) if path.is_dir() else _file(path)
    except BadFile as error:
        return "damaged", Recognised("unknown", unusable=str(error))
    except OSError as error:
        return "unreadable", Recognised("unknown", unusable=f"The file cannot be read: {error.strerror}.")


def _file(path: Path) -> tuple[str, Recognised]:
    with path.open("rb") as file:
        kind, reason = header.sniff(file.read(32))
    if kind != "safetensors":
        return kind, Recognised("unknown", unusable=reason)
    head = header.read(path)
    return kind, recognise(head.shapes, head.metadata, head.dtypes, path.stem)


def _folder(path: Path) -> tuple[str, Recognised]:
    index = strangers.read_json(path / INDEX)
    name = str(index.get("_class_name"))
    known = of_pipeline(name)
    architecture = _of_unet(path) if known is not None and known.name == "sd" else known.name if known else "unknown"
    if name in models.WITHOUT_TEXT:
        return "folder", Recognised("pipeline", "unconditional")
    try:
        info = models.inspect(path)
    except StudioError as error:
        return "folder", Recognised("pipeline", architecture, unusable=str(error))
    if info.bridged:
        architecture = info.pipeline
    prediction = info.configs["scheduler"].get("prediction_type")
    dtype = next(iter(_dtypes(info.weights[info.network][0])), "")
    return "folder", Recognised("pipeline", architecture, layout="diffusers", prediction_type=prediction, dtype=dtype)


def _of_unet(path: Path) -> str:
    config: dict[str, Any] = {}
    try:
        config = json.loads((path / "unet" / "config.json").read_bytes()[: strangers.MOST_JSON_BYTES])
    except (OSError, ValueError, RecursionError):
        pass
    return {768: "sd1", 1024: "sd2"}.get(config.get("cross_attention_dim", 0), "sd")


def _dtypes(path: Path) -> list[str]:
    names = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    return [names.get(dtype, dtype.lower()) for dtype in header.read(path).dtypes.values()]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def state_of(path: Path) -> str:
    """What tells this state of it from another: time and size, of a folder those of its files."""
    every = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    stats = [file.stat() for file in every[: strangers.MOST_FILES]]
    newest = max((stat.st_mtime_ns for stat in stats), default=0)
    return f"{newest}:{sum(stat.st_size for stat in stats)}"
