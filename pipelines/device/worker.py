"""One thread that runs the network evaluations of all jobs on a device, together where several ask at once.

Evaluations of the same network and shapes become one batch. Every call to the network has exactly
`network.batch_rows` rows, the last chunk padded with a repeated row: then a row's result has the same bits alone
and in company, since no kernel is ever chosen by how many others happened to be there.

Which call comes next is for the shares of the device's time to say: the client that had least of it goes first, also
between two calls of one evaluation and in the midst of a long call (see pipelines/device/midst.py).
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.device.evaluations import Network, Note, Noted, Part, Rows, Ticket, clocks, unheard
from pipelines.device.memory import is_out_of_memory
from pipelines.device.midst import Midst
from pipelines.device.turns import Turns, current, serving_between
from pipelines.errors import Busy, OutOfMemory

if TYPE_CHECKING:
    from torch import Tensor


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


class _NoRoomBetween(Exception):
    """Memory ran out for what came in the midst of another call; it waits for that one's end."""


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
    turns    -- knows how much of the device's time each caller's client had, and is told what a call took
    """

    def __init__(
        self,
        threads: int | None = None,
        relieve: Callable[[], None] = lambda: None,
        patience: float = 0.25,
        shrink: Callable[[str], str] = lambda key: "",
        turns: Turns | None = None,
    ) -> None:
        self.threads = threads or sensible_threads()
        self.stats = Stats()
        self._relieve, self._shrink = relieve, shrink
        self._patience = patience
        self._turns = turns or Turns()
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._expected: dict[tuple, set[int]] = {}
        self._late: dict[int, int] = {}
        self._last_seconds = 0.0
        self._midst = Midst(self._turns, self._take_first, lambda parts: self._answer(libs.torch(), parts, True))
        self._thread: threading.Thread | None = None
        self._closed = False

    def evaluate(self, network: Network, rows: Rows, note: Note = unheard) -> "Tensor":
        """network(rows), in batches with what others ask of it now; blocks until it is done.

        `note` is told in words when memory forced a smaller batch; as the last bits may differ, recipes keep it.
        Raises OutOfMemory if not even one row fits.
        """
        turn = current()
        recall = None if turn is None else turn.recall
        asked = () if recall is None else (network.key, tuple(rows.x.shape), *rows.timesteps.tolist())
        if recall is not None and (known := recall.answer(asked, rows.x)) is not None:
            return known
        ticket = Ticket(network, rows, note, turn)
        with nullcontext() if turn is None else turn.waiting():
            self._hand_in(ticket)
            answer = ticket.answer.result()
        if recall is not None:
            recall.keep(asked, answer)
        return answer

    def _hand_in(self, ticket: Ticket) -> None:
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
        with serving_between(self._midst.serve):
            while parts := self._next():
                started = time.perf_counter()
                with self._midst.of(parts):
                    self._answer(torch, parts)
                self._last_seconds = time.perf_counter() - started - self._midst.inserted
                parts = []  # or the last pictures would stay in memory until the next call
        with self._changed:
            for ticket in self._waiting:
                ticket.answer.set_exception(Busy("The studio is closing; the picture was not finished."))
            self._waiting.clear()

    def _next(self) -> list[Part]:
        """The rows of one call: of the client that had least, and all that can go with them; none when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return []
            group = min(self._waiting, key=self._used).group
            deadline = time.perf_counter() + min(self._patience * self._last_seconds, _MOST_PATIENCE)
            while not self._complete(group) and not self._closed and (left := deadline - time.perf_counter()) > 0:
                self._changed.wait(left)
            parts = self._take(group)
            self._remember(group, {part.ticket.caller for part in parts})
            return parts

    def _take_first(self, fits: Callable[[Ticket], bool]) -> list[Part]:
        """Rows for one call of whoever had least, of those that fit; none where nobody does."""
        with self._changed:
            first = min(filter(fits, self._waiting), key=self._used, default=None)
            return [] if first is None or self._closed else self._take(first.group)

    def _used(self, ticket: Ticket) -> float:
        return ticket.used(self._turns)

    def _take(self, group: tuple) -> list[Part]:
        """Rows for one call of that group, of those first whose clients had least; of equals in the order they came."""
        parts: list[Part] = []
        tickets = sorted((ticket for ticket in self._waiting if ticket.group == group), key=self._used)
        room = tickets[0].network.batch_rows
        for ticket in tickets:
            count = min(room, len(ticket.rows) - ticket.taken)
            if count:
                parts.append(Part(ticket, ticket.taken, count))
            ticket.taken += count
            room -= count
            if ticket.taken == len(ticket.rows):
                self._waiting.remove(ticket)
        return parts

    def _give_back(self, parts: Sequence[Part]) -> None:
        """What was taken was not run, and is not to come in the midst of another call again."""
        with self._changed:
            for part in parts:
                part.ticket.taken = part.start
                part.ticket.never_between = True
                if part.ticket not in self._waiting:
                    self._waiting.append(part.ticket)

    def _complete(self, group: tuple) -> bool:
        here = {ticket.caller for ticket in self._waiting if ticket.group == group}
        return self._expected.get(group, set()) <= here

    def _remember(self, group: tuple, callers: set[int]) -> None:
        """Expect these callers again, except who let the others wait in vain; that is forgiven after a few batches."""
        self._late = {caller: left - 1 for caller, left in self._late.items() if left > 1}
        self._late |= dict.fromkeys(self._expected.get(group, set()) - callers, _FORGIVEN_AFTER)
        self._expected = {group: callers - self._late.keys()}

    def _answer(self, torch, parts: Sequence[Part], between: bool = False) -> None:
        """Give every ticket its result or its own error; a fault of one does not reach the others."""
        started, inserted = time.perf_counter(), self._midst.inserted
        try:
            with clocks(self._turns, parts, True):
                results = self._evaluate(torch, parts, between)
        except _NoRoomBetween:
            self._give_back(parts)
            return
        except Exception as error:  # whatever it is, it belongs to the callers: a dead worker would stop all jobs
            if len(parts) == 1:
                self._fail(parts[0].ticket, error)
                return
            results = None
        self.stats.seconds += time.perf_counter() - started - (self._midst.inserted - inserted)
        if results is None:
            for part in parts:
                self._answer(torch, [part], between)
            return
        for part, result in zip(parts, results, strict=True):
            self._finish(torch, part, result)

    def _fail(self, ticket: Ticket, error: Exception) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        self.stats.evaluations += 1
        ticket.answer.set_exception(error)

    def _finish(self, torch, part: Part, result: "Tensor") -> None:
        ticket = part.ticket
        ticket.results.append(result)
        if part.start + part.count == len(ticket.rows):
            self.stats.evaluations += 1
            # Joined outside inference_mode: callers get ordinary tensors, and not views that keep a batch alive.
            ticket.answer.set_result(torch.cat(ticket.results))

    def _evaluate(self, torch, parts: Sequence[Part], between: bool) -> "list[Tensor]":
        network = parts[0].ticket.network
        with torch.inference_mode():
            asked = [part.rows for part in parts]
            rows = Rows(
                torch.cat([one.x for one in asked]),
                torch.cat([one.timesteps for one in asked]),
                {name: torch.cat([one.context[name] for one in asked]) for name in asked[0].context},
            )
            result = self._chunk(torch, network, rows, [part.ticket for part in parts], between)
            for text in network.notes if isinstance(network, Noted) else ():
                _tell([part.ticket for part in parts], text)
        if rows.x.device.type != "cpu" and self._turns.beside(None) > 1:
            torch.accelerator.synchronize(rows.x.device)  # or the time that this took would be counted to others
        return list(result.split([part.count for part in parts]))

    def _chunk(self, torch, network: Network, rows: Rows, tickets: Sequence[Ticket], between: bool) -> "Tensor":
        """One chunk at full size; when memory runs out once more after making room, at halved sizes; when not even
        one row fits, in the network's smaller ways of working. What is asked is kept, so no step before is lost.

        In the midst of another call, whose network must stay as it is, running out of memory is _NoRoomBetween.
        """
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
            if between:
                raise _NoRoomBetween
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
        with self._cut(padded.x):
            return self._ask(network, padded)[: len(rows)]

    def _ask(self, network: Network, rows: Rows) -> "Tensor":
        return network(rows.x, rows.timesteps, rows.context)

    def _cut(self, x: "Tensor") -> AbstractContextManager[object]:
        """Where others can come in the midst of a call that is long inside of its blocks, too."""
        from pipelines.device import cuts  # which imports torch

        return cuts.CutAttention() if cuts.worth_it(x) else nullcontext()


def _split(rows: Rows, size: int) -> list[Rows]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _tell(tickets: Sequence[Ticket], text: str) -> None:
    for ticket in tickets:
        ticket.note(text)
