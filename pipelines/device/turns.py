"""Shares of the device's time: whoever had more than others that are at work gives way until they have caught up.

Time is counted by client, as it passes, whatever it goes into: a step, a load, a decoding. Waiting costs nothing. A
client that comes anew starts where the one with the least stands, so that nobody saves time up for later.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from pipelines.device.recall import Recall

AHEAD_SECONDS = 0.25
"""So much more than others may a client have had before it gives way: turns that are shorter gain nothing."""
LOOK_SECONDS = 0.05
"""So often does who gives way look whether it was told to stop."""

_current: ContextVar["Turn | None"] = ContextVar("turn", default=None)
_between: ContextVar[Callable[[], None] | None] = ContextVar("between", default=None)


def _never() -> bool:
    return False


def current() -> "Turn | None":
    """The turn that this thread works in."""
    return _current.get()


def between() -> None:
    """For whoever is in the midst of a long evaluation, at a place where another one may come in between."""
    if (serve := _between.get()) is not None:
        serve()


def open_between(network: "nn.Module") -> None:
    """Let short evaluations of others come in between the blocks of this network. Its answers keep their bits."""
    from torch import nn

    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList | nn.Sequential)]
    for block in {id(block): block for blocks in lists for block in blocks.children()}.values():
        block.register_forward_pre_hook(_before_block)


def _before_block(module: "nn.Module", args: object) -> None:
    from torch import compiler

    if not compiler.is_compiling():  # nor exporting: a graph has no room for others
        between()


@contextmanager
def serving_between(serve: Callable[[], None]) -> Iterator[None]:
    """Inside, in this thread, `between` calls `serve`."""
    before = _between.set(serve)
    try:
        yield
    finally:
        _between.reset(before)


class Turn:
    """The work of one client in one thread. Its clock runs unless it waits; `seconds` is what it had until it did."""

    def __init__(self, turns: "Turns", client: str) -> None:
        self.client = client
        self._turns = turns
        self.since: float | None = None
        self.share = 1.0
        self.seconds = 0.0
        self.recall: Recall | None = None
        """What is known of the work from another device; None where nothing is to be remembered."""

    def beside(self) -> int:
        """How many other clients are at work on the same device."""
        return self._turns.beside(self.client)

    def wait(self, over: Callable[[], bool] = _never) -> None:
        """Give way to clients that had less, until they have caught up, are gone, or `over` says so."""
        self._turns.give_way(self, over)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, its clock stands, unless somebody else lets it `go_on`."""
        self._turns.stand(self)
        try:
            yield
        finally:
            self._turns.go_on(self)


class Turns:
    """Who is at work on a device, and the seconds that each client had of it. Any thread may call any method."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, ahead: float = AHEAD_SECONDS) -> None:
        self.clock, self._ahead_seconds = clock, ahead
        self._changed = threading.Condition(threading.RLock())
        self._at_work: list[Turn] = []
        self._used: dict[str, float] = {}
        self._kept: frozenset[str] = frozenset()

    def remembered(self) -> int:
        """How many clients are."""
        return len(self._used)

    @contextmanager
    def of(self, client: str) -> Iterator[Turn]:
        """The client is at work in this thread while the block runs."""
        turn = Turn(self, client)
        with self._changed:
            least = self._least(client)
            self._used[client] = max(self._used.get(client, 0.0), least or 0.0)
            self._at_work.append(turn)
            turn.since = self.clock()
        before = _current.set(turn)
        try:
            yield turn
        finally:
            _current.reset(before)
            with self._changed:
                self._settle(turn)
                self._at_work.remove(turn)
                self._forget()

    def beside(self, client: str | None) -> int:
        """How many others than this client are at work."""
        with self._changed:
            return len({turn.client for turn in self._at_work} - {client})

    def used(self, client: str) -> float:
        """Seconds up to now, on a scale on which who comes anew begins with the least of all. 0 for a stranger."""
        with self._changed:
            now = self.clock()
            own = [turn for turn in self._at_work if turn.client == client and turn.since is not None]
            return self._used.get(client, 0.0) + sum(turn.share * (now - (turn.since or 0.0)) for turn in own)

    def ahead(self, client: str) -> float:
        """By how many seconds the client is ahead of the one at work that had the least; 0 where it is alone."""
        with self._changed:
            least = self._least(client)
            return 0.0 if least is None else max(0.0, self.used(client) - least)

    def charge(self, turn: Turn, seconds: float) -> None:
        """Count that besides what its clock says."""
        with self._changed:
            self._add(turn, seconds)
            self._changed.notify_all()

    def give_way(self, turn: Turn, over: Callable[[], bool]) -> None:
        with turn.waiting(), self._changed:
            while not over() and (left := self.ahead(turn.client) - self._ahead_seconds) > 0:
                self._changed.wait(min(left, LOOK_SECONDS))

    def stand(self, turn: Turn) -> None:
        with self._changed:
            self._settle(turn)
            self._changed.notify_all()

    def go_on(self, turn: Turn, share: float = 1.0) -> None:
        """Its clock runs; at less than the full speed where it shares what is done with others."""
        with self._changed:
            turn.since, turn.share = self.clock(), share

    def keep(self, clients: Collection[str]) -> None:
        """Of clients that are not at work now only these are remembered, with what they had."""
        with self._changed:
            self._kept = frozenset(clients)
            self._forget()

    def _settle(self, turn: Turn) -> None:
        if turn.since is not None:
            self._add(turn, turn.share * (self.clock() - turn.since))
        turn.since = None

    def _add(self, turn: Turn, seconds: float) -> None:
        turn.seconds += seconds
        if turn.client in self._used:
            self._used[turn.client] += seconds

    def _least(self, client: str) -> float | None:
        """What the one had that had the least, of all others at work."""
        others = {turn.client for turn in self._at_work} - {client}
        return min(map(self.used, others), default=None)

    def _forget(self) -> None:
        active = {turn.client for turn in self._at_work} | self._kept
        self._used = {client: used for client, used in self._used.items() if client in active}
        self._changed.notify_all()
