"""Files of add-ons: where they lie, what they are called, what they hold."""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines import libs, places
from pipelines.errors import BadFile, NotFound, Sentence
from pipelines.files import naming, plain
from pipelines.files.names import Names
from pipelines.files.plain import Folder
from pipelines.files.whole import sha256_of
from pipelines.models import strangers
from pipelines.models.library import header

if TYPE_CHECKING:
    from torch import Tensor

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl")
RESERVED = ("none", "ours", "latent", "lanczos")
"""What a request calls no file, and our own upscalers."""
TAG_SIGNS = "<>:"
MOST_FILES = 20_000
MOST_BYTES = 2**34


@dataclass(frozen=True)
class Kind:
    """A kind of add-on: what it is called, and its kind in `places.FOLDERS`."""

    label: Sentence
    place: str


LORA = Kind(Sentence("LoRA"), places.LORAS)
EMBEDDING = Kind(Sentence("embedding"), places.EMBEDDINGS)
CONTROL = Kind(Sentence("ControlNet"), places.CONTROLNETS)
IP_ADAPTER = Kind(Sentence("IP-Adapter"), places.IP_ADAPTERS)
IMAGE_ENCODER = Kind(Sentence("image encoder"), places.IMAGE_ENCODERS)
UPSCALER = Kind(Sentence("upscaler"), places.UPSCALERS)
KINDS = (LORA, EMBEDDING, CONTROL, IP_ADAPTER, IMAGE_ENCODER, UPSCALER)
CALLED_IP_ADAPTER = re.compile(r"ip[-_ ]?adapter", re.IGNORECASE)
"""What tells IP-Adapters in the folder of ControlNets, where A1111 keeps both."""


def installed(kind: Kind) -> tuple[str, ...]:
    """Names of the safetensors files of that kind, sound or not, in order."""
    return tuple(sorted(_NAMES[kind].now(), key=str.casefold))


def resolve(kind: Kind, name: str) -> str | None:
    """What the one of `installed(kind)` is called that the name can mean; None for none."""
    return _NAMES[kind].resolve(name)


def alike(kind: Kind, name: str) -> tuple[str, ...]:
    """Those of `installed(kind)` that the name can mean, the likeliest first."""
    return _NAMES[kind].alike(name)


def by_path(kind: Kind) -> dict[Path, str]:
    """What each of them is called."""
    return dict(_NAMES[kind].by_path())


def safe_files(kind: Kind) -> list[Path]:
    """The safetensors files of that kind, in the order in which they are looked for."""
    return list(_NAMES[kind].now().values())


def find(kind: Kind, name: str) -> Path:
    """The file of that name. Raises NotFound; BadFile where there is only a pickle of that name."""
    if path := _NAMES[kind].find(name):
        return path
    if pickle := naming.distinct(_files(kind, PICKLES)).get(name):
        raise BadFile("{pickle} is a pickle, which can run code. Convert it to safetensors.", pickle=pickle.name)
    here = ", ".join(installed(kind)[:5])[:120] or Sentence("none")
    folder = f"models/{places.FOLDERS[kind.place][0]}"
    raise NotFound(
        "{label} {name!r} is not installed; installed are: {here}. Put it in {folder}.",
        label=kind.label,
        name=name[:40],
        here=here,
        folder=folder,
    )


def fault(kind: Kind, name: str) -> Sentence:
    """Why no file can be chosen by that name; "" where one can."""
    if kind is LORA and any(sign in name for sign in TAG_SIGNS):
        return Sentence(
            "Its name holds one of {signs}, which end a LoRA's name in a prompt. Rename the file.", signs=TAG_SIGNS
        )
    return naming.fault(name)


def name_of(path: Path) -> str:
    """A file's stem, or the name of its folder where that is one of diffusers: for sentences about it."""
    return path.parent.name if plain.is_regular(path.parent / "config.json") else path.stem


def _files(kind: Kind, endings: tuple[str, ...] = naming.ENDINGS) -> Iterator[tuple[Path, str, Path]]:
    """(folder looked through, place below it, file); what cannot be chosen, and links that lead out, are left out."""
    for home, place, path in _inside(kind, endings):
        if not fault(kind, place) and (kind is not CONTROL or not CALLED_IP_ADAPTER.search(place)):
            yield home, place, path
    for home, place, path in _inside(CONTROL, endings) if kind is IP_ADAPTER else ():
        if CALLED_IP_ADAPTER.search(place):
            yield home, place, path


def _inside(kind: Kind, endings: tuple[str, ...]) -> Iterator[tuple[Path, str, Path]]:
    for home in places.of(kind.place):
        every = (pair for folder in naming.below(home) for pair in _weights(folder, home, endings))
        yield from ((home, place, path) for place, path in itertools.islice(every, MOST_FILES))


def _weights(folder: Folder, home: Path, endings: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """(place, path) of the files of one folder; the first file of a folder of diffusers goes by the folder's name."""
    whole = folder.path.relative_to(home).as_posix() if folder.depth and folder.has("config.json") else ""
    for file in folder.names:
        path = folder.path / file
        if file.lower().endswith(endings) and (file in folder.regular or _lies_in(path, home)):
            yield whole or path.relative_to(home).as_posix(), path
            whole = ""


def _lies_in(path: Path, home: Path) -> bool:
    """Whether it is a regular file there, links followed."""
    try:
        return plain.is_regular(path) and path.resolve().is_relative_to(home)
    except (OSError, RuntimeError):  # a circle of links
        return False


def _names(kind: Kind) -> Names:
    return Names(lambda: naming.distinct(_files(kind), RESERVED))


_NAMES = {kind: _names(kind) for kind in KINDS}


def tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file that passed, on the CPU. Raises BadFile, also for weights that are not numbers."""
    strangers.check_safetensors(path)
    if path.stat().st_size > MOST_BYTES:
        raise BadFile(
            "{file} is larger than {most} GiB, which no add-on is. Do not use it.",
            file=path.name,
            most=MOST_BYTES // 2**30,
        )
    torch = libs.torch()
    import safetensors
    import safetensors.torch

    try:
        loaded = safetensors.torch.load_file(str(path))
    except (safetensors.SafetensorError, OSError):  # changed since it was looked over
        raise BadFile("{file} changed while it was read. Try again.", file=path.name) from None
    for name, tensor in loaded.items():
        if not torch.isfinite(tensor.float()).all():
            raise BadFile(
                "{file} has weights that are not numbers ({name}). Get the file again.", file=path.name, name=name[:60]
            )
    return loaded


def metadata(path: Path) -> dict[str, str]:
    """What the file says of itself; call it after `tensors`."""
    return dict(header.read(path).metadata)


def identity(path: Path) -> str:
    """What tells this state of the file from any other, without reading it."""
    stat = path.stat()
    return f"{path}:{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}"


def key(kind: Kind, path: Path) -> str:
    """What the device manager calls this state of the file: its name, so that the library sees it, and no path."""
    return f"{_NAMES[kind].name_of(path) or name_of(path)}@{hashlib.sha256(identity(path).encode()).hexdigest()[:16]}"


def payload_hash(path: Path) -> str:
    """12 hex digits of the SHA-256 of what follows the header, as other tools write "Lora hashes"."""
    return _hash(path, identity(path), True)


def file_hash(path: Path) -> str:
    """12 hex digits of the SHA-256 of the file."""
    return _hash(path, identity(path), False)


@functools.lru_cache(maxsize=256)
def _hash(path: Path, state: str, payload: bool) -> str:
    return (sha256_of([path], _to_payload) if payload else sha256_of([path]))[:12]


def _to_payload(file: BinaryIO) -> None:
    """Behind the header of a safetensors file."""
    file.seek(header.weights_at(file))
