"""What changes while a picture is made: `[a:b:12]`, `[a:b:0.5]`, `[b:12]`, `[a::12]` and `[a|b|c]`, nested at will.

A number with a dot is a part of the steps, one without is a step; where a second pass follows, parts from 1.0 to 2.0
are of its steps, and steps are counted on, as in A1111. Brackets that are none of these stay in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self, Union

_TOKEN = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.DOTALL)
_WHEN = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")
_LATEST = 1e6

Node = Union[str, "list[Node]", "Edit", "Alternate"]


@dataclass(frozen=True, eq=False)
class Edit:
    """`first` for the first `when` steps, or for that part of them, then `then`."""

    first: "list[Node]"
    then: "list[Node]"
    when: float
    fraction: bool

    def now(self, step: int, steps: int, before: int) -> "list[Node]":
        when = (self.when - bool(before)) * steps if self.fraction else self.when - before
        return self.first if step < min(steps, int(when)) else self.then


@dataclass(frozen=True, eq=False)
class Alternate:
    """The next of the options in each step, round and round."""

    options: "list[list[Node]]"

    def now(self, step: int, steps: int, before: int) -> "list[Node]":
        return self.options[step % len(self.options)]


@dataclass(frozen=True, eq=False)
class Schedule:
    """A text whose words may depend on the step."""

    text: str
    changes: bool
    root: "list[Node]" = field(repr=False, default_factory=list)

    @classmethod
    def fixed(cls, text: str) -> Self:
        return cls(text, False)

    @classmethod
    def read(cls, text: str) -> Self:
        if "]" not in text:
            return cls.fixed(text)
        reader = _Reader()
        for found in _TOKEN.finditer(text):
            reader.take(found[0])
        root = reader.end()
        return cls(text, reader.changes, root if reader.changes else [])

    def at(self, step: int, steps: int, before: int = 0) -> str:
        """The words of step `step`, from 0, of a pass that follows `before` steps of another."""
        return "".join(self._words((step, steps, before))) if self.changes else self.text

    def _words(self, when: tuple[int, int, int]) -> Iterator[str]:
        waiting: list[Node] = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, str):
                yield node
            else:
                waiting.extend(reversed(node if isinstance(node, list) else node.now(*when)))


class _Frame:
    """A bracket that is open, and what stands in it so far between its colons and bars."""

    __slots__ = ("marks", "opener", "parts")

    def __init__(self, opener: str) -> None:
        self.opener = opener
        self.parts: list[list[Node]] = [[]]
        self.marks: list[str] = []

    def literal(self, closer: str) -> "list[Node]":
        nodes: list[Node] = [self.opener, self.parts[0]]
        for mark, part in zip(self.marks, self.parts[1:], strict=True):
            nodes += [mark, part]
        return [*nodes, closer]


class _Reader:
    """Builds the tree on a stack of its own, so that depth costs memory and not recursion."""

    def __init__(self) -> None:
        self.changes = False
        self._stack = [_Frame("")]
        self._open = {"(": 0, "[": 0}

    def take(self, token: str) -> None:
        top = self._stack[-1]
        if token in self._open:
            self._stack.append(_Frame(token))
            self._open[token] += 1
        elif token in ")]" and self._open["(" if token == ")" else "["]:
            self._close("(" if token == ")" else "[", token)
        elif token in ":|" and top.opener == "[":
            top.marks.append(token)
            top.parts.append([])
        else:
            top.parts[-1].append(token)

    def end(self) -> "list[Node]":
        while len(self._stack) > 1:
            self._fold("")
        return _flat(self._stack[0].parts[0])

    def _close(self, opener: str, closer: str) -> None:
        """The nearest bracket of that kind; those inside it that nobody closed are words."""
        while self._stack[-1].opener != opener:
            self._fold("")
        node = _meaning(self._stack[-1]) if opener == "[" else None
        if node is None:
            self._fold(closer)
            return
        self.changes = True
        self._pop().append(node)

    def _fold(self, closer: str) -> None:
        frame = self._stack[-1]
        self._pop().append(frame.literal(closer))

    def _pop(self) -> "list[Node]":
        """Take the innermost bracket away; the place in the one around it where its content goes."""
        self._open[self._stack.pop().opener] -= 1
        return self._stack[-1].parts[-1]


def _meaning(frame: _Frame) -> Node | None:
    """An edit or an alternation, where the square bracket is one."""
    if "|" in frame.marks:
        options: list[list[Node]] = [frame.parts[0]]
        for mark, part in zip(frame.marks, frame.parts[1:], strict=True):
            if mark == "|":
                options.append(part)
            else:
                options[-1] = [options[-1], mark, part]
        return Alternate([_flat(option) for option in options])
    *texts, last = frame.parts
    if len(texts) not in (1, 2) or not all(isinstance(node, str) for node in last):
        return None
    number = _WHEN.fullmatch("".join(str(node) for node in last))
    if not number:
        return None
    first, then = texts if len(texts) == 2 else ([], texts[0])
    return Edit(_flat(first), _flat(then), min(float(number[1]), _LATEST), "." in number[1])


def _flat(nodes: "list[Node]") -> "list[Node]":
    """The same with lists opened and neighbouring words joined, so that a step costs what changes in it."""
    flat: list[Node] = []
    words: list[str] = []
    waiting: list[Node] = [nodes]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            words.append(node)
        elif isinstance(node, list):
            waiting.extend(reversed(node))
        else:
            flat += ["".join(words), node]
            words = []
    return [*flat, "".join(words)]
