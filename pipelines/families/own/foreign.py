"""Checkpoints of GANs as their authors publish them: pickles, so never opened, but named, so that nobody is puzzled.

What a pickle would ask for stands in it in plain words. They are read from its first bytes without running anything.
"""

from __future__ import annotations

import io
import pickletools
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import BadFile, Sentence
from pipelines.files import disk, plain

PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin")
NAMED = (".pkl", ".pickle", ".pt", ".pth")
"""Looked at when they lie among the models by themselves."""
PREFIX = 2**18
MOST_IN_A_ROW = 6
"""Pickles one after another at the start of an old PyTorch file."""
LONGEST = 200
"""Of a word that is kept; a whole source file may stand in a pickle."""
MOST_FILES = 50

MARKS: tuple[tuple[Sentence, tuple[str, ...]], ...] = (
    (Sentence("a StyleGAN of the TensorFlow years"), ("dnnlib.tflib",)),
    (Sentence("a StyleGAN3"), ("training.networks_stylegan3", "stylegan3")),
    (Sentence("a StyleGAN2 or StyleGAN3"), ("torch_utils.persistence", "training.networks", "dnnlib")),
    (Sentence("a StyleGAN2"), ("conv.modulation.weight", "to_rgb1.conv.weight")),
    (
        Sentence("a BigGAN"),
        ("generator.gen_z", "gen_z.weight", "blocks.0.0.conv1.sv0", "blocks.0.0.conv1.weight", "biggan"),
    ),
)
"""What a checkpoint is by words that only it holds; the first that fits."""


def refuse(entry: Path, read: Sentence) -> None:
    """Raises BadFile for a file, or a folder with one, that is a pickle; `read` says what would be read."""
    for file in _pickles(entry):
        words = asked_for(file)
        kind = _kind(words)
        if kind or (words and file.suffix in (".pkl", ".pickle")):
            modules = ", ".join(sorted({word for word in words if word.startswith("import ")})[:2])
            kind = kind or Sentence("something")
            if not modules:
                raise BadFile(
                    "this is {kind} as a pickle, which can run code: it is never opened. What is read: {read}.",
                    kind=kind,
                    read=read,
                )
            raise BadFile(
                "this is {kind} as a pickle, which can run code ({modules}): it is never opened. What is read: {read}.",
                kind=kind,
                modules=modules[:80],
                read=read,
            )


def _pickles(entry: Path) -> list[Path]:
    if not plain.is_folder(entry):
        return [entry] if entry.suffix in NAMED and plain.is_regular(entry) else []
    if any(plain.is_regular(entry / name) for name in ("model_index.json", "config.json")):
        return []
    inside = (entry / name for name in disk.children(entry)[:MOST_FILES])
    return [path for path in inside if path.suffix in NAMED and plain.is_regular(path)]


def _kind(words: frozenset[str]) -> Sentence | None:
    lower = [word.lower() for word in words]
    for kind, marks in MARKS:
        if any(mark in word for mark in marks for word in lower):
            return kind
    return None


def asked_for(file: Path) -> frozenset[str]:
    """The words in the first bytes of a pickle, and "import module" for what it would import; empty if it is none."""
    try:
        with plain.open_regular(file) as opened:
            start = opened.read(PREFIX)
    except OSError:
        return frozenset()
    data = _first_of_zip(start) if start.startswith(b"PK\x03\x04") else start
    if not data.startswith(b"\x80"):
        return frozenset()
    stream = io.BytesIO(data)
    words: set[str] = set()
    for _ in range(MOST_IN_A_ROW):
        try:
            for word in _words(stream):
                words.add(word[:LONGEST])
        except (ValueError, IndexError, KeyError, OverflowError, struct.error):
            break  # it goes on beyond the prefix, or is no pickle any more
    return frozenset(words)


def _words(stream: io.BytesIO) -> Iterator[str]:
    """Strings as they stand there, and modules that are to be imported. Nothing is run: opcodes are only read."""
    last: list[str] = []
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            yield f"import {str(argument).split(' ')[0]}"
        elif opcode.name == "STACK_GLOBAL" and len(last) == 2:
            yield f"import {last[0]}"
        elif isinstance(argument, str):
            last = [*last[-1:], argument]
            yield argument


def _first_of_zip(data: bytes) -> bytes:
    """The start of the pickle in a PyTorch zip file: its data.pkl, as far as it lies within `data`."""
    at = 0
    while (at := data.find(b"PK\x03\x04", at)) >= 0 and at + 30 <= len(data):
        method, name_length, extra_length = struct.unpack("<8xH16xHH", data[at : at + 30])
        name = data[at + 30 : at + 30 + name_length]
        content = data[at + 30 + name_length + extra_length :]
        if name.endswith(b"data.pkl"):
            return content if method == 0 else _inflated(content)
        at += 4
    return b""


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(content, PREFIX)
    except zlib.error:
        return b""
