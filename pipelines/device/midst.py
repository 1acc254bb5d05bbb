"""What comes in the midst of a long call: short evaluations of clients that had less of the device's time.

A call gives others a chance between its blocks (see pipelines/device/turns.py); they run in the worker's own thread,
while the call stands still.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pipelines.device.evaluations import Part, Ticket, clocks
from pipelines.device.turns import Turns

BETWEEN_SECONDS = 0.05
SHORT = 1 / 4
"""Of a call's numbers: what has no more may come in its midst, since its own memory adds to that of the call."""


class Midst:
    """The call that runs, and what comes in its midst. For the worker's thread alone.

    take   -- the rows of one call for whoever waits, had least and fits; none where nobody does
    answer -- runs them
    """

    def __init__(
        self,
        turns: Turns,
        take: Callable[[Callable[[Ticket], bool]], Sequence[Part]],
        answer: Callable[[Sequence[Part]], None],
    ) -> None:
        self._turns, self._take, self._answer = turns, take, answer
        self._running: Sequence[Part] = ()
        self._since = 0.0  # when the call began or was last broken into
        self.inserted = 0.0
        """Seconds of what came in the midst of the last call."""

    @contextmanager
    def of(self, parts: Sequence[Part]) -> Iterator[None]:
        """Inside, these rows are the call that runs."""
        self._running, self._since, self.inserted = parts, time.perf_counter(), 0.0
        try:
            yield
        finally:
            self._running = ()

    def serve(self) -> None:
        """Run what is short beside the call and belongs to somebody who had less."""
        if not self._running or time.perf_counter() - self._since < BETWEEN_SECONDS:
            return
        running, self._running = self._running, ()  # nothing comes in the midst of what came in between
        while parts := self._take(self._short_beside(running)):
            started, inserted = time.perf_counter(), self.inserted
            with clocks(self._turns, running, False):
                self._answer(parts)
            self.inserted = inserted + time.perf_counter() - started
        self._running, self._since = running, time.perf_counter()

    def _short_beside(self, running: Sequence[Part]) -> Callable[[Ticket], bool]:
        clients = {part.ticket.turn.client for part in running if part.ticket.turn}
        most = max(part.ticket.used(self._turns) for part in running)
        numbers = SHORT * running[0].ticket.numbers

        def fits(ticket: Ticket) -> bool:
            theirs = ticket.turn is not None and ticket.turn.client not in clients and ticket.used(self._turns) < most
            return theirs and ticket.numbers <= numbers and not ticket.never_between

        return fits
