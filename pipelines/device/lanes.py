"""The devices that jobs run on, side by side: a lane for each, with models, a budget and a worker of its own."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pipelines.device import ray_lanes
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest, Sentence


class Lanes:
    """One lane until somebody looks at the machine, which imports torch; then one for each device that was asked for.

    first     -- the manager of the first device
    further   -- makes those of the others, given their names and how many there are in all
    elsewhere -- makes those of other machines, given the first
    """

    def __init__(
        self,
        first: DeviceManager,
        further: Callable[[str, int], DeviceManager] = lambda name, _: DeviceManager(name),
        elsewhere: Callable[[DeviceManager], Sequence[DeviceManager]] = lambda _: (),
    ) -> None:
        self._all: tuple[DeviceManager, ...] = (first,)
        self._further, self._elsewhere = further, elsewhere
        self._lock = threading.Lock()
        self._looked = False
        self._running: Counter[DeviceManager] = Counter()
        self._sizes: dict[str, int] = {}

    @classmethod
    def over(cls, device: str | None = None, **settings: Any) -> Lanes:
        """All devices of that name, as `hardware.choose` tells them, with those of a Ray cluster where it says
        "ray:host:port", too. The settings are those of every manager. Raises BadRequest."""
        here, cluster = ray_lanes.address(device)
        first = DeviceManager(here, **settings)
        elsewhere = functools.partial(ray_lanes.connect, cluster) if cluster else lambda _: ()
        return cls(first, lambda name, count: DeviceManager(name, **settings, sharing=count), elsewhere)

    @classmethod
    def of(cls, devices: DeviceManager | Lanes) -> Lanes:
        """One manager alone is a single lane, whatever else the machine has."""
        if isinstance(devices, Lanes):
            return devices
        lanes = cls(devices)
        lanes._looked = True
        return lanes

    def __iter__(self) -> Iterator[DeviceManager]:
        return iter(self._all)

    def __len__(self) -> int:
        """How many can be used."""
        return len(self._sound)

    @property
    def main(self) -> DeviceManager:
        """For what needs any device: the first that works."""
        return next(iter(self._sound), self._all[0])

    @property
    def lost(self) -> bool:
        """Whether only a new start helps."""
        return not self._sound

    @property
    def hint(self) -> Sentence | str:
        """What the owner should know of the devices; "" where there is nothing to mend."""
        failed = [lane.label for lane in self._all if lane.lost]
        if failed and not self.lost:
            return Sentence(
                "The device {device} has failed; its jobs continue on the others. Restart the studio to use it again.",
                device=", ".join(failed),
            )
        return str(self.main.describe()["hint"])

    def look(self) -> None:
        """Find out which devices there are, once; this imports torch and takes seconds. Nobody waits for what is
        elsewhere but who looks first. Raises BadRequest for a device that is not here."""
        with self._lock:
            if self._looked:
                return
            names = self._all[0].devices
            self._all += tuple(self._further(name, len(names)) for name in names[1:])
            self._looked = True
        if further := tuple(self._elsewhere(self._all[0])):
            with self._lock:
                self._all += further

    @contextmanager
    def place(self, model: str) -> Iterator[DeviceManager]:
        """A lane for a job with the model of that name, "" for none, while the block runs.

        Where the model has room, and of these where fewest jobs run; of equals the lane that has it, then the one with
        most room in whole GiB, then the first.
        """
        with suppress(BadRequest):  # which the job will hear from the manager
            self.look()
        with self._lock:
            lane = min(self._sound or self._all, key=lambda lane: self._price(lane, model))
            self._running[lane] += 1
        try:
            yield lane
        finally:
            with self._lock:
                self._running[lane] -= 1
                self._sizes[model] = max(self._sizes.get(model, 0), lane.nbytes_of(model))

    def _price(self, lane: DeviceManager, model: str) -> tuple[bool, int, bool, int]:
        if len(self._sound) == 1:
            return False, 0, False, 0
        here, room = lane.nbytes_of(model), lane.unleased_bytes()
        return not here and self._sizes.get(model, 0) > room, self._running[lane], not here, -(room >> 30)

    @property
    def _sound(self) -> Sequence[DeviceManager]:
        return [lane for lane in self._all if not lane.lost]

    def listed(self) -> list[dict[str, object]]:
        """Which devices there are, JSON-able, as far as that was looked at."""
        if not self._looked:
            return []
        return [{"device": lane.label, "lost": lane.lost, "running": self._running[lane]} for lane in self._all]

    def describe(self) -> dict[str, object]:
        """What the first that works says of itself, and each in turn as `devices`."""
        self.look()
        each = [lane.describe() | {"lost": lane.lost, "running": self._running[lane]} for lane in self._all]
        return self.main.describe() | {"hint": self.hint, "devices": each}

    def loaded(self) -> list[dict[str, object]]:
        """What is on each device now."""
        return [held | {"device": lane.label} for lane in self._all for held in lane.loaded()]

    def drop(self, name: str) -> int:
        """Let go of the models of that name, everywhere; how many. Raises Busy where a job still uses one."""
        return sum(lane.drop(name) for lane in self._all)

    def drop_idle(self) -> None:
        for lane in self._all:
            lane.drop_idle()

    def close(self) -> None:
        for lane in self._all:
            lane.close()

    # What the line of jobs asks: the shares of the time of all devices.

    def ahead(self, client: str) -> float:
        """By how many seconds the client is ahead of others, on all devices together."""
        return sum(lane.turns.ahead(client) for lane in self._all)

    def beside(self, client: str) -> int:
        """With how many others a job of that client will share a device at least."""
        return min(lane.turns.beside(client) for lane in self._all)

    def keep(self, clients: Collection[str]) -> None:
        """Of clients that are not at work now only these are remembered."""
        for lane in self._all:
            lane.turns.keep(clients)
