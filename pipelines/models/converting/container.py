"""The outside of a pickled checkpoint, zip archive or legacy stream: bounded and looked over before torch sees it."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import BadFile
from pipelines.models.converting import opcodes
from pipelines.models.strangers import MOST_WEIGHT_BYTES

MOST_MEMBERS = 100_000
MOST_RATIO = 20
"""Weights hardly shrink when they are packed; what shrinks more was made to fill memory."""
ALWAYS_FITS = 2**20
LEGACY_PICKLES = 5
"""Magic number, protocol, system, the object, and the keys of its storages; raw bytes follow."""
TAR_MAGIC = slice(257, 262)
KINDS = (".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class Container:
    """`mappable`: its weights lie unpacked in the file. `unpacked`: bytes of all that is in it."""

    mappable: bool
    unpacked: int


def check(path: Path) -> Container:
    """Raises BadFile with what is wrong; nothing in the file is run or built."""
    size = path.stat().st_size
    label = path.name[:60]
    if size > MOST_WEIGHT_BYTES:
        raise BadFile(
            "{label} is {size:.0f} GiB; at most {most} GiB can be converted.",
            label=label,
            size=size / 2**30,
            most=MOST_WEIGHT_BYTES // 2**30,
        )
    with path.open("rb") as file:
        start = file.read(512)
        file.seek(0)
        if start.startswith(b"PK\x03\x04"):
            return _zip(file, size, label)
        if start.startswith(b"\x80"):
            _legacy(file, label)
            return Container(False, size)
    if start[TAR_MAGIC] == b"ustar":
        raise BadFile(
            "{label} is a tar archive of PyTorch's first years, which cannot be read safely. Take another.", label=label
        )
    if not size:
        raise BadFile("{label} is no PyTorch checkpoint: it is empty.", label=label)
    raise BadFile("{label} is no PyTorch checkpoint: it is cut off or something else.", label=label)


def _zip(file: BinaryIO, size: int, label: str) -> Container:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            unpacked = _check_members(members, size, label)
            opcodes.check(io.BytesIO(_pickle(archive, members, label)), label)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise BadFile(
            "{label} is damaged or cut off: its archive cannot be read. Copy it again.", label=label
        ) from error
    return Container(all(member.compress_type == zipfile.ZIP_STORED for member in members), unpacked)


def _check_members(members: list[zipfile.ZipInfo], size: int, label: str) -> int:
    if len(members) > MOST_MEMBERS:
        raise BadFile(
            "{label} holds {number} entries, more than any real model. It was not opened.",
            label=label,
            number=len(members),
        )
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(ALWAYS_FITS, MOST_RATIO * size):
        raise BadFile(
            "{label} would unpack to {unpacked:.0f} MiB, {times:.0f} times its size: it is made to fill "
            "memory. It was not opened.",
            label=label,
            unpacked=unpacked / 2**20,
            times=unpacked / max(1, size),
        )
    if unpacked > MOST_WEIGHT_BYTES:
        raise BadFile(
            "{label} would unpack to {unpacked:.0f} GiB, more than can be converted.",
            label=label,
            unpacked=unpacked / 2**30,
        )
    twice = [name for name, times in Counter(member.filename for member in members).items() if times > 1]
    if twice:
        raise BadFile(
            "{label} holds an entry twice, so that readers disagree about it. It was not opened.", label=label
        )
    return unpacked


def _pickle(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], label: str) -> bytes:
    """The one data.pkl, within bounds."""
    pickles = [member for member in members if member.filename.endswith(".pkl")]
    if any(member.filename.endswith("constants.pkl") or "/code/" in member.filename for member in members):
        raise BadFile(
            "{label} is TorchScript, a program and not only weights. It was not opened. Take the weights.", label=label
        )
    if len(pickles) != 1 or not pickles[0].filename.endswith("data.pkl"):
        raise BadFile("{label} is a zip archive, but not one of PyTorch. Take the model's file itself.", label=label)
    with archive.open(pickles[0]) as opened:
        data = opened.read(opcodes.MOST_BYTES + 1)
    if len(data) > opcodes.MOST_BYTES:
        raise BadFile("the pickle in {label} is longer than any real model's. It was not opened.", label=label)
    return data


def _legacy(file: BinaryIO, label: str) -> None:
    left = opcodes.MOST_OPCODES
    for _ in range(LEGACY_PICKLES):
        left -= opcodes.check(file, label, left)
