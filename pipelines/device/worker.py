"""One thread that runs the network evaluations of all jobs on a device, together where several ask at once.

Evaluations of the same network and shapes become one batch. Every call to the network has exactly
`network.batch_rows` rows, the last chunk padded with a repeated row: then a row's result has the same bits alone
and in company, since no kernel is ever chosen by how many others happened to be there.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pipelines import libs
from pipelines.device.memory import is_out_of_memory
from pipelines.errors import Busy, OutOfMemory

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


_FORGIVEN_AFTER = 8
_MOST_PATIENCE = 0.05


@dataclass
class Stats:
    """Counted since the start: evaluations asked for, batches run for them, their rows, and rows of padding."""

    evaluations: int = 0
    batches: int = 0
    rows: int = 0
    padding: int = 0
    seconds: float = 0.0


@dataclass(eq=False)
class _Ticket:
    """One caller's evaluation, and the future it waits for."""

    network: Network
    rows: Rows
    note: Note
    caller: int = field(default_factory=threading.get_ident)
    answer: "Future[Tensor]" = field(default_factory=Future)

    @property
    def group(self) -> tuple:
        return (self.network.key, self.network.batch_rows, *self.rows.like())


def sensible_threads() -> int:
    """Threads for the network: what OMP_NUM_THREADS says, or half of the cores, as the page and the jobs need some.

    Half also matches the physical cores of most machines; on two cores one thread was best as soon as anything else
    ran beside it.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(asked) if asked.isdigit() and int(asked) > 0 else max(1, cores // 2)


class Worker:
    """Runs what callers hand to `evaluate`; starts its thread at the first call.

    threads  -- torch's intra-op threads in the worker
    relieve  -- called when memory ran out, before trying again: drop what nobody needs
    shrink   -- called with the network's key when not even one row fits: lets it work in a smaller way and says which
                in words; "" where there is none
    patience -- the share of a batch's own time to wait for callers that were in the last batch and, a moment after
                their answer, are about to ask again. Without it two jobs would alternate and never share a batch.
    """

    def __init__(
        self,
        threads: int | None = None,
        relieve: Callable[[], None] = lambda: None,
        patience: float = 0.25,
        shrink: Callable[[str], str] = lambda key: "",
    ) -> None:
        self.threads = threads or sensible_threads()
        self.stats = Stats()
        self._relieve, self._shrink = relieve, shrink
        self._patience = patience
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._expected: dict[tuple, set[int]] = {}
        self._late: dict[int, int] = {}
        self._last_seconds = 0.0
        self._thread: threading.Thread | None = None
        self._closed = False

    def evaluate(self, network: Network, rows: Rows, note: Note = unheard) -> "Tensor":
        """network(rows), in one batch with what others ask of it now; blocks until it is done.

        `note` is told in words when memory forced a smaller batch; as the last bits may differ, recipes keep it.
        Raises OutOfMemory if not even one row fits.
        """
        ticket = _Ticket(network, rows, note)
        with self._changed:
            if self._closed:
                raise Busy(
                    "The studio is closing; the picture was not finished. Start it again and repeat the request."
                )
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="device-worker", daemon=True)
                self._thread.start()
            self._waiting.append(ticket)
            self._changed.notify_all()
        return ticket.answer.result()

    def close(self) -> None:
        """Stop after the batch that is running; who waits gets Busy."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        torch = libs.torch()
        torch.set_num_threads(self.threads)
        while tickets := self._next():
            started = time.perf_counter()
            self._answer(torch, tickets)
            self._last_seconds = time.perf_counter() - started
            self.stats.seconds += self._last_seconds
            tickets = []  # or the last pictures would stay in memory until the next call
        with self._changed:
            for ticket in self._waiting:
                ticket.answer.set_exception(Busy("The studio is closing; the picture was not finished."))
            self._waiting.clear()

    def _next(self) -> list[_Ticket]:
        """Take the oldest ticket and all that can go with it; empty when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return []
            group = self._waiting[0].group
            deadline = time.perf_counter() + min(self._patience * self._last_seconds, _MOST_PATIENCE)
            while not self._complete(group) and not self._closed and (left := deadline - time.perf_counter()) > 0:
                self._changed.wait(left)
            tickets = [ticket for ticket in self._waiting if ticket.group == group]
            self._waiting = [ticket for ticket in self._waiting if ticket.group != group]
            self._remember(group, {ticket.caller for ticket in tickets})
            return tickets

    def _complete(self, group: tuple) -> bool:
        here = {ticket.caller for ticket in self._waiting if ticket.group == group}
        return self._expected.get(group, set()) <= here

    def _remember(self, group: tuple, callers: set[int]) -> None:
        """Expect these callers again, except who let the others wait in vain; that is forgiven after a few batches."""
        self._late = {caller: left - 1 for caller, left in self._late.items() if left > 1}
        self._late |= dict.fromkeys(self._expected.get(group, set()) - callers, _FORGIVEN_AFTER)
        self._expected = {group: callers - self._late.keys()}

    def _answer(self, torch, tickets: Sequence[_Ticket]) -> None:
        """Give every ticket its result or its own error; a fault of one does not reach the others."""
        self.stats.evaluations += len(tickets)
        try:
            results = self._evaluate(torch, tickets)
        except Exception as error:  # whatever it is, it belongs to the callers: a dead worker would stop all jobs
            if len(tickets) == 1:
                tickets[0].answer.set_exception(error)
                return
            results = None
        if results is None:
            self.stats.evaluations -= len(tickets)
            for ticket in tickets:
                self._answer(torch, [ticket])
            return
        for ticket, result in zip(tickets, results, strict=True):
            ticket.answer.set_result(result)

    def _evaluate(self, torch, tickets: Sequence[_Ticket]) -> "list[Tensor]":
        network = tickets[0].network
        with torch.inference_mode():
            asked = [ticket.rows for ticket in tickets]
            rows = Rows(
                torch.cat([one.x for one in asked]),
                torch.cat([one.timesteps for one in asked]),
                {name: torch.cat([one.context[name] for one in asked]) for name in asked[0].context},
            )
            size = network.batch_rows
            chunks = [self._chunk(torch, network, rows[i : i + size], tickets) for i in range(0, len(rows), size)]
            for text in network.notes if isinstance(network, Noted) else ():
                _tell(tickets, text)
        # Copied outside inference_mode: callers get ordinary tensors, and not views that keep the whole batch alive.
        return [part.clone() for part in torch.cat(chunks).split([len(ticket.rows) for ticket in tickets])]

    def _chunk(self, torch, network: Network, rows: Rows, tickets: Sequence[_Ticket]) -> "Tensor":
        """One chunk at full size; when memory runs out once more after making room, at halved sizes; when not even
        one row fits, in the network's smaller ways of working. What is asked is kept, so no step before is lost."""
        size, relieved = network.batch_rows, False
        while True:
            try:
                result = torch.cat([self._call(torch, network, part, size) for part in _split(rows, size)])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                if size < network.batch_rows:
                    _tell(tickets, f"memory ran out; the network ran with {size} rows a batch")
                return result
            # Outside the except block, where the error's traceback no longer holds the tensors.
            self._relieve()
            if relieved and size == 1:
                if not (smaller := self._shrink(network.key)):
                    break
                _tell(tickets, smaller)
            elif relieved:
                size = size // 2
            relieved = True
        raise OutOfMemory("The device has no memory left for even one row of this picture. Choose a smaller size.")

    def _call(self, torch, network: Network, rows: Rows, size: int) -> "Tensor":
        missing = size - len(rows)
        padded = rows[torch.arange(size, device=rows.x.device).clamp_(max=len(rows) - 1)] if missing else rows
        self.stats.batches += 1
        self.stats.rows += len(rows)
        self.stats.padding += missing
        return network(padded.x, padded.timesteps, padded.context)[: len(rows)]


def _split(rows: Rows, size: int) -> list[Rows]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _tell(tickets: Sequence[_Ticket], text: str) -> None:
    for ticket in tickets:
        ticket.note(text)
