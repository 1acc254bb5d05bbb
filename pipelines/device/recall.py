"""What a job's networks have answered so far, so that the job goes on from its last step where its device is lost.

A job is one thread that asks one thing after the other, and the same request asks the same things again. So a job that
begins anew on another device gets the answers that it had, as long as it asks what it asked, and is at its last step
after a moment, whatever its sampler remembers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 64 * 2**20
"""Of one job; one that needs more begins anew."""


@dataclass(frozen=True, eq=False)
class _Answered:
    """To what must be the same the next time: the network's key and what it is asked, but for x, which may have other
    last bits on another kind of device."""

    asked: tuple
    answer: Tensor  # (n, C, h, w), on the CPU


class Recall:
    """For the thread that runs the job alone."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._room = most_bytes
        self._answered: list[_Answered] = []
        self._known: deque[_Answered] = deque()

    def __len__(self) -> int:
        """How many answers it has."""
        return len(self._answered)

    def rewind(self) -> None:
        """The job begins anew."""
        self._known = deque(self._answered)
        self._answered = []

    def answer(self, asked: tuple, x: Tensor) -> Tensor | None:
        """What was answered to this the last time, where x (n, C, h, w) lies; None, and all later answers forgotten,
        where it is another question or there was none."""
        if not self._known:
            return None
        known = self._known.popleft()
        if known.asked != asked:
            self._room += sum(one.answer.nbytes for one in (known, *self._known))
            self._known.clear()
            return None
        self._answered.append(known)
        return known.answer.to(x.device)

    def keep(self, asked: tuple, answer: Tensor) -> None:
        self._room -= answer.nbytes
        if self._room < 0:  # without its first answers the others are of no use
            self._answered.clear()
        else:
            self._answered.append(_Answered(asked, answer.cpu()))
