"""What a pickle would do, read from its opcodes without doing it: only names that build tensors may stand in it."""

from __future__ import annotations

import pickletools
from typing import BinaryIO, cast

from pipelines.errors import BadFile, Sentence

MOST_BYTES = 2**26
MOST_OPCODES = 1_000_000
MOST_MEMO = 300_000
"""A real model of 3000 tensors has some 100 000 opcodes and 20 000 memo entries."""
MOST_READ = 2**24
MOST_OPEN = 500
"""Lists, dicts and tuples that are begun inside one another; real ones are some 20 deep."""
LARGEST_TUPLE = 10_000
"""Values in a tuple, those in its tuples too and as often as they stand there: a dict's key is hashed through them."""

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


def check(stream: BinaryIO, label: str, most: int = MOST_OPCODES) -> int:
    """Walk one pickle from where the stream stands to its end; the number of its steps, `most` at most.

    Raises BadFile for anything but data and tensors, and for what would cost more than its steps to build.
    """
    bounded = cast(BinaryIO, _Bounded(stream, label))
    shape = _Shape(label)
    memo = count = 0
    last: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(bounded):
            count += 1
            memo += opcode.name in MEMO
            if count > most or memo > MOST_MEMO:
                raise _tangled(label, Sentence("{count} steps", count=count))
            _check_opcode(opcode.name, argument, last, label)
            shape.take(opcode.name, argument)
            if opcode.name in STRINGS:
                last = [*last[-1:], str(argument)]
            elif opcode.name not in BETWEEN:
                last = []
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, UnicodeError, TypeError) as error:
        raise BadFile(
            "{label} is damaged or cut off: its pickle cannot be read. Copy it again.", label=label
        ) from error
    return count


def _tangled(label: str, by: Sentence) -> BadFile:
    return BadFile("{label} is more tangled than any real model ({by}). It was not opened.", label=label, by=by)


def _check_opcode(name: str, argument: object, last: list[str], label: str) -> None:
    """`last`: strings pushed immediately before, two of which a STACK_GLOBAL takes for module and name."""
    if name in NEVER:
        raise BadFile(
            "{label} holds the pickle instruction {name}, which no weights need. It was not opened.",
            label=label,
            name=name,
        )
    if name == "STACK_GLOBAL":
        wanted = " ".join(last) if len(last) == 2 else HIDDEN
    elif name == "GLOBAL":
        wanted = str(argument)
    else:
        return
    if wanted not in ALLOWED:
        raise BadFile(
            "{label} asks for {name}, which is no part of any weights and could run code. Nothing was run. "
            "Do not use this file.",
            label=label,
            name=_quoted(wanted),
        )


def _quoted(wanted: str) -> str:
    text = wanted if wanted == HIDDEN else wanted.replace(" ", ".")
    return "".join(c if c.isprintable() else "?" for c in text[:60])


_TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
_GETS = ("GET", "BINGET", "LONG_BINGET")
_MARKED = {opcode.name for opcode in pickletools.opcodes if pickletools.markobject in opcode.stack_before}
"""What takes all down to the last mark."""
_EFFECTS = {
    opcode.name: (
        opcode.stack_before.index(pickletools.markobject) if opcode.name in _MARKED else len(opcode.stack_before),
        len(opcode.stack_after),
    )
    for opcode in pickletools.opcodes
}
"""How many values each takes, those above a mark not counted, and how many it gives."""


_PUSHES = {name for name, effect in _EFFECTS.items() if effect == (0, 1)} - {"MARK", *_GETS, *_MARKED, *_TUPLES}


class _Shape:
    """The stack that the pickle would have, with the expanded size of each tuple and 1 for any other value."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memo: dict[object, int] = {}

    def take(self, name: str, argument: object) -> None:
        if name in _PUSHES:
            self._stack.append(1)
        elif name in MEMO:
            self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]
        elif name in _GETS:
            self._stack.append(self._memo[argument])
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "MARK":
            self._marks.append(len(self._stack))
            if len(self._marks) > MOST_OPEN:
                raise _tangled(self._label, Sentence("{most} levels", most=MOST_OPEN))
        else:
            self._replace(name, self._marks.pop() if name in _MARKED else len(self._stack))

    def _replace(self, name: str, top: int) -> None:
        """What the opcode takes, all from `top` on and some below, by the one value that it gives, if any."""
        taken, given = _EFFECTS[name]
        start = top - taken
        if start < 0:
            raise IndexError(name)
        size = 1 + sum(self._stack[start:]) if name in _TUPLES else 1
        if size > LARGEST_TUPLE:
            raise _tangled(self._label, Sentence("a tuple of more than {most} values", most=LARGEST_TUPLE))
        self._stack[start:] = [size] * given


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
        raise BadFile("the pickle in {label} is longer than any real model's. It was not opened.", label=self._label)
