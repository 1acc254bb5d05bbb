"""When a training shows itself again: not too often for the eye, and never at the cost of most of its time."""

import time
from collections.abc import Callable

from pipelines.events import Snapshot

EVERY_SECONDS = 0.7
"""The least time between two snapshots."""
LEARNING = 4.0
"""So many times what the last snapshot took is learned before the next one: snapshots have at most a fifth."""


class SnapshotPace:
    """Says when the next snapshot is due. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def due(self) -> bool:
        return self._clock() >= self._next

    def take(self, snapshot: Callable[[], Snapshot]) -> Snapshot:
        """snapshot(), whose cost sets when the next one is due."""
        began = self._clock()
        taken = snapshot()
        ended = self._clock()
        self._next = ended + max(EVERY_SECONDS, LEARNING * (ended - began))
        return taken
