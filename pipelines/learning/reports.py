"""What the steps since the last report came to."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from pipelines.learning.events import Report


@dataclass
class Learned:
    """Of one step: the losses by name, a value each or one an example; rate and gradient of the last turn."""

    losses: dict[str, list[float]] = field(default_factory=dict)
    rate: float = 0.0
    gradient: float = math.nan


class Reports:
    """Gathers steps, and is due every so many of them."""

    def __init__(self, every: int, seen: int) -> None:
        self._every, self._losses = every, dict[str, list[float]]()
        self.restart(seen)

    def restart(self, seen: int) -> None:
        """The clock, after `seen` examples: examples a second are those since."""
        self._began, self._seen = time.monotonic(), seen

    def due(self, step: int, last: int) -> bool:
        return step % self._every == 0 or step == last

    def add(self, learned: Learned) -> None:
        for name, values in learned.losses.items():
            self._losses.setdefault(name, []).extend(values)

    def report(self, step: int, seen: int, seconds: float, newest: Learned) -> Report:
        """Of all steps since the last report, the newest among them."""
        means = {name: sum(values) / len(values) for name, values in sorted(self._losses.items())}
        a_second = (seen - self._seen) / max(time.monotonic() - self._began, 1e-9)
        self._losses.clear()
        self.restart(seen)
        return Report(step, means, newest.rate, newest.gradient, seen, seconds, a_second)
