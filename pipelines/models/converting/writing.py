"""A safetensors file written tensor by tensor: one of them in memory at a time, whole under its name or not there."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor

WORDS = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}
ROUNDED = ("float64", "float32", "float16", "bfloat16")
"""What another float type can be asked for; integers, masks and float8 stay as they are."""
KEEP = "keep"
DTYPES = (KEEP, "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Entry:
    """A tensor to come: its name in the new file, shape, and dtype as torch names it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def entry(name: str, tensor: Tensor) -> Entry:
    """Raises BadFile for a dtype that safetensors does not have."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in WORDS:
        raise BadFile(
            "{name} is of the type {dtype}, which cannot be kept. Take another version of the file.",
            name=name[:60],
            dtype=dtype,
        )
    return Entry(name, tuple(tensor.shape), dtype)


def write(
    part: Path,
    entries: Sequence[Entry],
    read: Callable[[str], Tensor],
    dtype: str,
    metadata: Mapping[str, str],
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write what `read` gives for each name into `part`, flushed to the disk; the caller renames it. Raises BadFile."""
    torch = libs.torch()
    coming = [Entry(e.name, e.shape, dtype if dtype != KEEP and e.dtype in ROUNDED else e.dtype) for e in entries]
    sizes = {e.name: prod(e.shape) * getattr(torch, e.dtype).itemsize for e in coming}
    coming.sort(key=lambda e: (-getattr(torch, e.dtype).itemsize, e.name))  # so that each lies aligned to its own size
    with part.open("xb") as file:
        file.write(_header(coming, sizes, metadata))
        for done, one in enumerate(coming):
            tell(done, len(coming))
            tensor = _rounded(one, read(one.name))
            file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        file.flush()
        os.fsync(file.fileno())


def _header(coming: Sequence[Entry], sizes: Mapping[str, int], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    at = 0
    for one in coming:
        offsets = [at, at + sizes[one.name]]
        header[one.name] = {"dtype": WORDS[one.dtype], "shape": list(one.shape), "data_offsets": offsets}
        at = offsets[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _rounded(one: Entry, tensor: Tensor) -> Tensor:
    """The tensor in its new dtype. Raises BadFile where it is not a number, or too large for that dtype."""
    torch = libs.torch()
    if tensor.is_floating_point() and tensor.element_size() > 1 and bool(tensor.isnan().any()):
        raise BadFile(
            "{name} holds values that are no numbers (NaN): the file is damaged. Take another.", name=one.name[:60]
        )
    made = tensor.detach().to(getattr(torch, one.dtype))
    if made.dtype != tensor.dtype and bool((made.isinf() & ~tensor.isinf()).any()):
        raise BadFile(
            "{name} holds values too large for {dtype}. Choose bfloat16 or float32.",
            name=one.name[:60],
            dtype=one.dtype,
        )
    return made
