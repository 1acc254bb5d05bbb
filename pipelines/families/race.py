"""All families on the same data and the same seed, started together: each finishes when it finishes.

They take turns on one thread, whoever has computed least so far goes next, and each one's clock counts its own
computing only. So the race is the same on any machine, busy or not, but for the machine's speed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs
from pipelines.events import Event, Progress, Snapshot, nothing_to_keep
from pipelines.families import State
from pipelines.families.pictures import row_of
from pipelines.families.request import FamilyRequest, families_of, lease

if TYPE_CHECKING:
    from pipelines.device.manager import DeviceManager
    from pipelines.families.shelf import Shipped

COUNT = 10
"""Samples side by side."""
EVERY_SECONDS = 0.08
"""Between two snapshots."""
KEPT = 24
"""States that the last snapshot has of each family."""


@dataclass
class Runner:
    """One family under way."""

    states: Iterator[State]
    seconds: float = 0.0
    done: bool = False
    seen: list[State] = field(default_factory=list)

    def go(self) -> bool:
        """One state further; False where there was none any more."""
        began = time.perf_counter()
        with libs.torch().inference_mode():
            state = next(self.states, None)
        self.seconds += time.perf_counter() - began
        if state is None:
            self.done = True
        else:
            self.seen.append(state)
        return not self.done

    def newest(self) -> dict[str, Any]:
        """The newest state."""
        return self._states([len(self.seen) - 1]) if self.seen else {"x": [], "done": False, "seconds": 0.0}

    def all_shown(self) -> dict[str, Any]:
        """Up to KEPT states, evenly chosen, the first and the last among them."""
        places = np.linspace(0, len(self.seen) - 1, min(KEPT, len(self.seen))).round().astype(int)
        return self._states(places.tolist())

    def _states(self, places: list[int]) -> dict[str, Any]:
        return {
            "x": np.stack([row_of(self.seen[place].x) for place in places]),
            "evaluations": self.seen[-1].evaluations,
            "seconds": round(self.seconds, 4),
            "done": self.done,
        }


class Race:
    """The generator of snapshots: {"rows": {family: what it has so far}}."""

    name = "family-race"
    request_type = FamilyRequest

    def stream(self, request: FamilyRequest, devices: DeviceManager) -> Iterator[Event]:
        request.check()
        yield Progress("loading")
        with ExitStack() as leases:
            runners = {
                family: start(request, leases.enter_context(lease(family, request.data, devices)))
                for family in families_of(request.data)
            }
            step, told = 0, 0.0
            while going := [runner for runner in runners.values() if not runner.done]:
                min(going, key=lambda runner: runner.seconds).go()
                step += 1
                if time.monotonic() - told > EVERY_SECONDS:
                    told = time.monotonic()
                    yield Snapshot(step, {"rows": {name: runner.newest() for name, runner in runners.items()}})
            yield Snapshot(step, {"rows": {name: runner.all_shown() for name, runner in runners.items()}, "over": True})
        yield nothing_to_keep()


def start(request: FamilyRequest, shipped: Shipped, count: int = COUNT) -> Runner:
    z = shipped.noise(request.seed, count)
    return Runner(shipped.model.states(z, request.labels(count).to(z.device), request.sampling()))
