"""The first bytes of a model file: its format by content, and a safetensors header within bounds. Nothing is loaded."""

import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import BadFile, BadRequest, Sentence
from pipelines.files import bounded_json, plain
from pipelines.files.plain import printable

MOST_HEADER_BYTES = 2**23  # a real UNet's header is under 200 KB; 79 MB of it cost 95 s and 1.8 GB to read
SHORTEST = 10
MOST_TENSORS = 50_000
MOST_DEPTH, MOST_VALUES = 8, 20 * MOST_TENSORS
"""A tensor has a dtype, a shape and two offsets under their names."""
MOST_METADATA_VALUE = 2**20
LOADABLE = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}
LOADABLE |= {"F8_E4M3": 8, "F8_E5M2": 8}
"""Bits of the numbers that can be loaded here."""
DTYPE_BITS = LOADABLE | {"U16": 16, "U32": 32, "U64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
DTYPE_BITS |= {"F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8}
"""Of all that safetensors 0.8 knows."""
NONE = Sentence("")
DAMAGED = Sentence("The header does not agree with itself: the file is damaged. Copy it again.")
EMPTY = Sentence("The file holds no tensors, only a header. Get the file again.")
_PAGE = Sentence("This is a web page under a model's name; download the file itself.")
FORMATS: dict[bytes, tuple[str, Sentence]] = {
    b"GGUF": (
        "gguf",
        Sentence("GGUF files hold quantised weights, which cannot be loaded here. Take the safetensors version."),
    ),
    b"PK\x03\x04": (
        "pickle",
        Sentence(
            "This is a pickle in a zip archive, which can run code when it is opened; it is never opened here. Convert "
            "it to safetensors."
        ),
    ),
    b"version https://git-lfs": (
        "pointer",
        Sentence("This is a Git LFS pointer: run `git lfs pull` to get the file itself."),
    ),
    b"<!DOCTYPE": ("page", _PAGE),
    b"<!doctype": ("page", _PAGE),
    b"<html": ("page", _PAGE),
    b"\x80": (
        "pickle",
        Sentence(
            "This is a pickle, which can run code when it is opened; it is never opened here. Convert it to "
            "safetensors."
        ),
    ),
}
"""Magic -> (format, what to say). A lone 0x80 comes last: it may also begin a safetensors header's length."""


@dataclass(frozen=True)
class Header:
    """Shapes and dtypes by tensor name, and the metadata, of which only text of bounded length is kept.

    `spans` are where each tensor begins and ends among the `data_bytes` that follow the header.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]
    metadata: Mapping[str, str]
    spans: tuple[tuple[int, int], ...]
    data_bytes: int

    def fault(self) -> Sentence:
        """Why it cannot be loaded: bytes that belong to no tensor or to two, no tensors, numbers of another kind; else
        ""."""
        position = 0
        for begin, end in sorted(self.spans):
            if begin != position:
                return DAMAGED
            position = end
        if position != self.data_bytes:
            return DAMAGED
        if not self.shapes:
            return EMPTY
        if other := min(set(self.dtypes.values()) - LOADABLE.keys(), default=""):
            return Sentence(
                "Its numbers are of the kind {dtype}, which cannot be loaded here. Take a version in float32, float16, "
                "bfloat16 or float8.",
                dtype=printable(other)[:20],
            )
        return NONE


def sniff(start: bytes) -> tuple[str, Sentence]:
    """(format, why it cannot be used or "") of a file that begins with `start`; 32 bytes are enough."""
    if not start:
        return "empty", Sentence("The file is empty; copy it again.")
    if start[8:9] == b"{":
        return "safetensors", NONE
    for magic, found in FORMATS.items():
        if start.startswith(magic):
            return found
    if len(start) < SHORTEST:
        return "unknown", Sentence("The file is cut off; copy it again.")
    return "unknown", Sentence("This is no format that models come in. Take a safetensors file.")


def read(path: Path) -> Header:
    """The header of a safetensors file; its weights are not touched. Raises BadFile, OSError."""
    with plain.open_regular(path) as file:
        return read_open(file)


def read_open(file: BinaryIO) -> Header:
    """The same of an open file, which then stands at its weights."""
    size, at = os.fstat(file.fileno()).st_size, weights_at(file)
    file.seek(8)
    return _parsed(file.read(at - 8), size - at)


def weights_at(file: BinaryIO) -> int:
    """Where the weights of an open file begin. Raises BadFile for what is no safetensors file."""
    file.seek(0)
    start = file.read(32)
    kind, reason = sniff(start)
    if kind != "safetensors":
        raise BadFile(reason)
    (length,) = struct.unpack("<Q", start[:8])
    if length > MOST_HEADER_BYTES:
        raise BadFile(
            "The header is {length} bytes long, more than any real model's. Take another copy.", length=length
        )
    if 8 + length > os.fstat(file.fileno()).st_size:
        raise BadFile("The file is cut off inside its header; copy it again.")
    return 8 + length


def _parsed(raw: bytes, data_bytes: int) -> Header:
    try:
        entries = bounded_json.loads(raw, MOST_DEPTH, MOST_VALUES)
    except BadRequest:
        raise BadFile("The header is damaged; copy the file again.") from None
    if not isinstance(entries, dict) or len(entries) > MOST_TENSORS:
        raise BadFile("The header is not one of a model; copy the file again.")
    metadata = _texts(entries.pop("__metadata__", None))
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in entries.items():
        shapes[name], dtypes[name], span = _tensor(entry)
        spans.append(span)
    last = max((end for _, end in spans), default=0)
    if last > data_bytes:
        raise BadFile(
            "The file is cut off: {data_bytes} of {last} bytes of weights are there. Copy it again.",
            data_bytes=data_bytes,
            last=last,
        )
    return Header(shapes, dtypes, metadata, tuple(spans), data_bytes)


def _tensor(entry: Any) -> tuple[tuple[int, ...], str, tuple[int, int]]:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if len(shape) <= 8:
            sound = all(type(n) is int and n >= 0 for n in shape) and 0 <= begin <= end
            bits = math.prod(shape) * DTYPE_BITS.get(dtype, 0) if sound else 0
            if sound and (8 * (end - begin) == bits or dtype not in DTYPE_BITS):
                return tuple(shape), dtype, (begin, end)
    raise BadFile(DAMAGED)


def _texts(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {
        key: value for key, value in metadata.items() if isinstance(value, str) and len(value) <= MOST_METADATA_VALUE
    }
