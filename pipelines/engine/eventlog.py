"""A job's events: kept within bounds, replayable, and followed live by readers who can never block the writer.

Frames are kept within a budget of bytes and thinned evenly; the first and the last always stay. Of progress,
snapshots and state only the newest is kept. A reader who is slow finds the newest frame and not a backlog.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.events import Event, Frame, Progress, Snapshot

FRAME_BYTES = 64 * 2**20
_MOST_OTHERS = 10_000


@dataclass(frozen=True)
class StateChange:
    """The job's state or its place in the queue changed. `snapshot` is as it is when read: only the newest counts."""

    take: Callable[[], dict[str, Any]]

    @property
    def snapshot(self) -> dict[str, Any]:
        return self.take()


Entry = tuple[int, Event | StateChange]


class EventLog:
    """One writer, any number of readers in threads and in event loops. Events are numbered from `first`."""

    def __init__(self, frame_bytes: int = FRAME_BYTES, first: int = 0) -> None:
        self._changed = threading.Condition()
        self._frames = _ThinnedFrames(frame_bytes)
        self._newest: dict[type, Entry] = {}  # of Progress, Snapshot and StateChange
        self._others: deque[Entry] = deque(maxlen=_MOST_OTHERS)
        self._seq = first - 1
        self._ended = False
        self._sleepers: set[_Sleeper] = set()

    @property
    def ended(self) -> bool:
        return self._ended

    def put(self, event: Event | StateChange, last: bool = False) -> None:
        """Add an event; after the `last` one nothing comes any more, and readers leave when they have read it."""
        with self._changed:
            self._ended = self._ended or last
            self._seq += 1
            entry = (self._seq, event)
            if isinstance(event, Frame):
                self._frames.add(self._seq, event)
            elif isinstance(event, Progress | Snapshot | StateChange):
                self._newest[type(event)] = entry
            else:
                self._others.append(entry)
            self._wake()

    def end(self) -> None:
        """End it without a last event."""
        with self._changed:
            self._ended = True
            self._wake()

    def frames(self) -> list[Frame]:
        with self._changed:
            return [frame for _seq, frame in self._frames.kept()]

    def frame_bytes(self) -> int:
        with self._changed:
            return self._frames.nbytes

    def thin(self, frame_bytes: int) -> None:
        """Keep frames within a smaller budget from now on."""
        with self._changed:
            self._frames.shrink(frame_bytes)

    def since(self, after: int, every_frame: bool) -> list[Entry]:
        """What is kept of the events later than number `after`, in order; of the frames all or only the newest."""
        with self._changed:
            frames = self._frames.kept() if every_frame else self._frames.kept()[-1:]
            kept: list[Entry] = [*frames, *self._newest.values(), *self._others]
        return sorted((entry for entry in kept if entry[0] > after), key=lambda entry: entry[0])

    def follow(self, after: int = -1, live: bool = True) -> Iterator[Entry]:
        """First what is kept, then (live) what comes, until the end."""
        every_frame = True
        while True:
            with self._changed:
                if live:
                    self._changed.wait_for(lambda: self._seq > after or self._ended)  # noqa: B023 -- called at once
                ended = self._ended
                entries = self.since(after, every_frame)
            yield from entries
            if not live or (ended and not entries):
                return
            after = max([after, *(seq for seq, _event in entries)])
            every_frame = False

    async def wait(self, after: int, timeout: float | None) -> None:
        """Return when there is something later than `after`, at the end, or after `timeout` seconds."""
        sleeper = _Sleeper()
        with self._changed:
            if self._seq > after or self._ended:
                return
            self._sleepers.add(sleeper)
        try:
            await asyncio.wait_for(sleeper.event.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            with self._changed:
                self._sleepers.discard(sleeper)

    def _wake(self) -> None:
        self._changed.notify_all()
        for sleeper in self._sleepers:
            sleeper.wake()
        self._sleepers.clear()


class _Sleeper:
    """One coroutine that waits in its own event loop."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self.event.set)
        except RuntimeError:  # its loop is closed: nobody waits any more
            pass


class _ThinnedFrames:
    """Frames within a budget: every `stride`-th that came and the newest; the stride doubles when it is full."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._stride = 1
        self._came = 0
        self._kept: list[tuple[int, int, Frame]] = []  # (how many came before it, its number in the log, itself)
        self.nbytes = 0

    def kept(self) -> list[tuple[int, Frame]]:
        return [(seq, frame) for _ordinal, seq, frame in self._kept]

    def add(self, seq: int, frame: Frame) -> None:
        if self._kept and self._kept[-1][0] % self._stride:
            self.nbytes -= _nbytes(self._kept.pop()[2])
        self._kept.append((self._came, seq, frame))
        self._came += 1
        self.nbytes += _nbytes(frame)
        self.shrink(self._budget)

    def shrink(self, budget: int) -> None:
        self._budget = budget
        while self.nbytes > budget and len(self._kept) > 2:
            self._stride *= 2
            last = self._kept[-1]
            self._kept = [k for k in self._kept[:-1] if k[0] % self._stride == 0] + [last]
            self.nbytes = sum(_nbytes(frame) for _ordinal, _seq, frame in self._kept)


def _nbytes(frame: Frame) -> int:
    shown = (frame.x, frame.x0_pred, frame.eps, frame.pull)
    return sum(each.nbytes for each in shown if each is not None)
