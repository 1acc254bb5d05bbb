"""What a pickle would do, read from its opcodes without doing it: only names that build tensors may stand in it."""

from __future__ import annotations

import pickletools
from typing import BinaryIO, cast

from pipelines.errors import BadFile

MOST_BYTES = 2**26
MOST_OPCODES = 2_000_000
MOST_MEMO = 300_000
"""A real model of 3000 tensors has some 100 000 opcodes and 20 000 memo entries."""
MOST_READ = 2**24

STORAGES = tuple(
    f"torch {kind}Storage"
    for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "Untyped")
)
DROPPED = (
    # stand in real checkpoints beside the weights; replaced by an empty object when the file is read
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "numpy dtype",
    "_codecs encode",
    "pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint",
    "pytorch_lightning.callbacks ModelCheckpoint",
    "torch.nn.modules.container ParameterDict",
)
ALLOWED = frozenset(
    (
        *STORAGES,
        *DROPPED,
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_parameter",
        "torch.storage UntypedStorage",
        "torch Size",
        "torch device",
        "__builtin__ set",
        "builtins set",
    )
)
NEVER = ("INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX", "PERSID", "NEXT_BUFFER", "READONLY_BUFFER")
STRINGS = ("SHORT_BINUNICODE", "BINUNICODE", "UNICODE")
BETWEEN = ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "FRAME")
HIDDEN = "something hidden"
MEMO = ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT")


def check(stream: BinaryIO, label: str) -> None:
    """Walk one pickle from where the stream stands to its end. Raises BadFile for anything but data and tensors."""
    bounded = cast(BinaryIO, _Bounded(stream, label))
    memo = count = 0
    last: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(bounded):
            count += 1
            memo += opcode.name in MEMO
            if count > MOST_OPCODES or memo > MOST_MEMO:
                raise BadFile(f"{label} is more tangled than any real model ({count} steps). It was not opened.")
            _check_opcode(opcode.name, argument, last, label)
            if opcode.name in STRINGS:
                last = [*last[-1:], str(argument)]
            elif opcode.name not in BETWEEN:
                last = []
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, UnicodeError, TypeError) as error:
        raise BadFile(f"{label} is damaged or cut off: its pickle cannot be read. Copy it again.") from error


def _check_opcode(name: str, argument: object, last: list[str], label: str) -> None:
    """`last`: strings pushed immediately before, two of which a STACK_GLOBAL takes for module and name."""
    if name in NEVER:
        raise BadFile(f"{label} holds the pickle instruction {name}, which no weights need. It was not opened.")
    if name == "STACK_GLOBAL":
        wanted = " ".join(last) if len(last) == 2 else HIDDEN
    elif name == "GLOBAL":
        wanted = str(argument)
    else:
        return
    if wanted not in ALLOWED:
        raise BadFile(
            f"{label} asks for {_shown(wanted)}, which is no part of any weights and could run code. "
            "Nothing was run. Do not use this file."
        )


def _shown(wanted: str) -> str:
    text = wanted if wanted == HIDDEN else wanted.replace(" ", ".")
    return "".join(c if c.isprintable() else "?" for c in text[:60])


class _Bounded:
    """A stream that gives at most MOST_BYTES, whatever lengths the pickle claims."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream, self._label = stream, label
        self._left = MOST_BYTES

    def read(self, size: int) -> bytes:
        return self._counted(self._stream.read(size) if 0 <= size <= MOST_READ else self._refuse())

    def readline(self) -> bytes:
        return self._counted(self._stream.readline(MOST_READ))

    def tell(self) -> int:
        return self._stream.tell()

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data if self._left >= 0 else self._refuse()

    def _refuse(self) -> bytes:
        raise BadFile(f"the pickle in {self._label} is longer than any real model's. It was not opened.")
