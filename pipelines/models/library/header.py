"""The first bytes of a model file: its format by content, and a safetensors header within bounds. Nothing is loaded."""

import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile, BadRequest
from pipelines.files import bounded_json, plain
from pipelines.models.strangers import DTYPE_BYTES, MOST_HEADER_BYTES

MOST_TENSORS = 50_000
MOST_DEPTH, MOST_VALUES = 8, 20 * MOST_TENSORS
"""A tensor has a dtype, a shape and two offsets under their names."""
MOST_METADATA_VALUE = 2**20
SIZES = DTYPE_BYTES | {"U16": 2, "U32": 4, "U64": 8, "F8_E8M0": 1, "C64": 8}
CODE = "which can run code when it is opened; it is never opened here. Convert it to safetensors."
FORMATS: dict[bytes, tuple[str, str]] = {
    b"GGUF": ("gguf", "GGUF files hold quantised weights, which cannot be loaded here. Take the safetensors version."),
    b"PK\x03\x04": ("pickle", f"This is a pickle in a zip archive, {CODE}"),
    b"version https://git-lfs": ("pointer", "This is a Git LFS pointer: run `git lfs pull` to get the file itself."),
    b"<!DOCTYPE": ("page", "This is a web page under a model's name; download the file itself."),
    b"<!doctype": ("page", "This is a web page under a model's name; download the file itself."),
    b"<html": ("page", "This is a web page under a model's name; download the file itself."),
    b"\x80": ("pickle", f"This is a pickle, {CODE}"),
}
"""Magic -> (format, what to say). A lone 0x80 comes last: it may also begin a safetensors header's length."""


@dataclass(frozen=True)
class Header:
    """Shapes and dtypes by tensor name, and the metadata, of which only text of bounded length is kept."""

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]
    metadata: Mapping[str, str]


def sniff(start: bytes) -> tuple[str, str]:
    """(format, why it cannot be used or "") of a file that begins with `start`; 32 bytes are enough."""
    if not start:
        return "empty", "The file is empty; copy it again."
    if start[8:9] == b"{":
        return "safetensors", ""
    for magic, found in FORMATS.items():
        if start.startswith(magic):
            return found
    return "unknown", "This is no format that models come in. Take a safetensors file."


def read(path: Path) -> Header:
    """The header of a safetensors file; its weights are not touched. Raises BadFile, OSError."""
    with plain.open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(32)
        kind, reason = sniff(start)
        if kind != "safetensors":
            raise BadFile(reason)
        (length,) = struct.unpack("<Q", start[:8])
        if length > MOST_HEADER_BYTES:
            raise BadFile(f"The header is {length} bytes long, more than any real model's. Take another copy.")
        if 8 + length > size:
            raise BadFile("The file is cut off inside its header; copy it again.")
        file.seek(8)
        raw = file.read(length)
    return _parsed(raw, size - 8 - length)


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
    last = 0
    for name, entry in entries.items():
        shapes[name], dtypes[name], end = _tensor(entry)
        last = max(last, end)
    if last > data_bytes:
        raise BadFile(f"The file is cut off: {data_bytes} of {last} bytes of weights are there. Copy it again.")
    return Header(shapes, dtypes, metadata)


def _tensor(entry: Any) -> tuple[tuple[int, ...], str, int]:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if len(shape) <= 8:
            sound = all(type(n) is int and n >= 0 for n in shape) and 0 <= begin <= end
            if sound and end - begin == math.prod(shape) * SIZES.get(dtype, 0) or sound and dtype not in SIZES:
                return tuple(shape), dtype, end
    raise BadFile("The header does not agree with itself: the file is damaged. Copy it again.")


def _texts(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {
        key: value for key, value in metadata.items() if isinstance(value, str) and len(value) <= MOST_METADATA_VALUE
    }
