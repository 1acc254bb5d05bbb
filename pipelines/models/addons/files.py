"""Files of add-ons: where they lie, what they are called, what they hold. A name is an id: it is looked up among the
files that are there and never becomes a path."""

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
from pipelines.files import disk, plain
from pipelines.files.disk import Names
from pipelines.files.plain import Folder
from pipelines.files.whole import sha256_of
from pipelines.models import strangers
from pipelines.models.library import header

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile(r"\w[\w .()+-]{0,119}")
PICKLES = frozenset({".pt", ".pth", ".bin", ".ckpt", ".pkl"})
ENDINGS = PICKLES | {".safetensors"}
MOST_FILES, MOST_NAMES, DEEPEST = 5000, 100_000, 8
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


def is_installed(kind: Kind, name: str) -> bool:
    """Whether it is one of `installed(kind)`."""
    return name in _NAMES[kind]


def safe_files(kind: Kind) -> list[Path]:
    """The safetensors files of that kind, in the order in which they are looked for."""
    return [path for _, path in _files(kind) if path.suffix == ".safetensors"]


def find(kind: Kind, name: str) -> Path:
    """The file of that name. Raises NotFound; BadFile where there is only a pickle of that name."""
    if path := _NAMES[kind].now().get(name):
        return path
    if pickle := next((path for known, path in _files(kind) if known == name), None):
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


def name_of(path: Path) -> str:
    """A file's stem, or the name of its folder where that is one of diffusers."""
    return path.parent.name if plain.is_regular(path.parent / "config.json") else path.stem


def _files(kind: Kind) -> Iterator[tuple[str, Path]]:
    """(name, path) of all folders; the first of a name comes first. Links that lead out of it are passed over."""
    for name, path in _inside(kind):
        if kind is not CONTROL or not CALLED_IP_ADAPTER.search(name):
            yield name, path
    for name, path in _inside(CONTROL) if kind is IP_ADAPTER else ():
        if CALLED_IP_ADAPTER.search(name):
            yield name, path


def _inside(kind: Kind) -> Iterator[tuple[str, Path]]:
    for home in places.of(kind.place):
        every = (pair for folder in disk.walk(home, DEEPEST, MOST_NAMES) for pair in _weights(folder, home))
        yield from itertools.islice(every, MOST_FILES)


def _weights(folder: Folder, home: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of the files of one folder, as `name_of` names them."""
    of_diffusers = folder.has("config.json")
    for file in folder.names:
        path = folder.path / file
        name = folder.path.name if of_diffusers else path.stem
        if path.suffix in ENDINGS and NAME.fullmatch(name) and (file in folder.regular or _lies_in(path, home)):
            yield name, path


def _lies_in(path: Path, home: Path) -> bool:
    """Whether it is a regular file there, links followed."""
    try:
        return plain.is_regular(path) and path.resolve().is_relative_to(home)
    except (OSError, RuntimeError):  # a circle of links
        return False


def _names(kind: Kind) -> Names:
    return Names(lambda: ((name, path) for name, path in _files(kind) if path.suffix == ".safetensors"))


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


def key(path: Path) -> str:
    """What the device manager calls this state of the file: its name, so that the library sees it, and no path."""
    return f"{name_of(path)}@{hashlib.sha256(identity(path).encode()).hexdigest()[:16]}"


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
