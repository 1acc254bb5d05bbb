"""What a network is asked, by whom, and what of it goes into one call."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pipelines.device.turns import Turn, Turns

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """What a network is asked: n rows, each with its own noise level and its own condition, which is what the network
    names it: the prompt's embedding, a size, a strength."""

    x: "Tensor"  # (n, C, h, w)
    timesteps: "Tensor"  # (n,)
    context: "Mapping[str, Tensor]"  # each (n, ...)

    def __len__(self) -> int:
        return self.x.shape[0]

    def __getitem__(self, rows) -> "Rows":
        return Rows(self.x[rows], self.timesteps[rows], {name: told[rows] for name, told in self.context.items()})

    def like(self) -> tuple:
        """Rows with an equal `like()` can be in one batch."""
        named = {"x": self.x, "timesteps": self.timesteps, **self.context}
        return tuple((name, t.shape[1:], t.dtype, t.device) for name, t in sorted(named.items()))


class Network(Protocol):
    """A network on a device. `batch_rows` is the size of every call; two handles of one `key` are the same network."""

    @property
    def key(self) -> str: ...
    @property
    def batch_rows(self) -> int: ...
    def __call__(self, x: "Tensor", timesteps: "Tensor", context: "Mapping[str, Tensor]") -> "Tensor": ...


@runtime_checkable
class Noted(Protocol):
    """A network that may come to work in another way than usual, and then says which in words."""

    @property
    def notes(self) -> tuple[str, ...]: ...


Note = Callable[[str], None]


def unheard(text: str) -> None:
    """A note that nobody keeps."""


@dataclass(eq=False)
class Ticket:
    """One caller's evaluation, the future it waits for, and how much of it was given to the network so far."""

    network: Network
    rows: Rows
    note: Note
    turn: Turn | None
    caller: int = field(default_factory=threading.get_ident)
    answer: "Future[Tensor]" = field(default_factory=Future)
    taken: int = 0
    results: "list[Tensor]" = field(default_factory=list)
    never_between: bool = False

    @property
    def group(self) -> tuple:
        return (self.network.key, self.network.batch_rows, *self.rows.like())

    def used(self, turns: Turns) -> float:
        """What its client had; who works outside of all turns goes first."""
        return 0.0 if self.turn is None else turns.used(self.turn.client)

    @property
    def numbers(self) -> int:
        """Of one call."""
        return self.network.batch_rows * self.rows.x[0].numel()


@dataclass(frozen=True)
class Part:
    """The rows from `start` on of a ticket that go into one call."""

    ticket: Ticket
    start: int
    count: int

    @property
    def rows(self) -> Rows:
        return self.ticket.rows[self.start : self.start + self.count]


@contextmanager
def clocks(turns: Turns, parts: Sequence[Part], run: bool) -> Iterator[None]:
    """Inside, the clocks of the callers run, each for its share of the rows, or stand; after it the other way
    round. They stand before a caller has its answer and may go."""
    _set_clocks(turns, parts, run)
    try:
        yield
    finally:
        _set_clocks(turns, parts, not run)


def _set_clocks(turns: Turns, parts: Sequence[Part], run: bool) -> None:
    rows = sum(part.count for part in parts)
    for turn, count in ((part.ticket.turn, part.count) for part in parts):
        if turn is not None and run:
            turns.go_on(turn, count / rows)
        elif turn is not None:
            turns.stand(turn)
