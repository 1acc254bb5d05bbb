"""Snapshots take at most a fifth of a training's time, whatever one costs; time is counted here, not measured."""

from dataclasses import dataclass

import pytest

from pipelines.events import Snapshot
from pipelines.learning import live, pace
from pipelines.learning.recipe import Recipe
from pipelines.learning.training import Training
from tests.pipelines.learning.line import LineTask

STEPS = 4000


@dataclass
class Counted(LineTask):
    """Each step and each snapshot takes so many seconds of `now`."""

    step_seconds: float = 0.0
    snapshot_seconds: float = 0.0
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def turns(self, step: int) -> tuple[str, ...]:
        self.now += self.step_seconds
        return ()

    def snapshot(self) -> Snapshot:
        self.now += self.snapshot_seconds
        return Snapshot(0, {})


@pytest.mark.parametrize("step_seconds", [0.002, 0.03])
@pytest.mark.parametrize("in_steps", [1, 50, 100], ids="one costs {} steps".format)
def test_snapshots_take_at_most_a_fifth_of_the_time(step_seconds: float, in_steps: int) -> None:
    counted = Counted(step_seconds=step_seconds, snapshot_seconds=step_seconds * in_steps)
    training = Training(counted, Recipe(STEPS))
    steps = []

    def snapshot() -> Snapshot:
        steps.append(training.step)
        return counted.snapshot()

    list(live.lessons(training, snapshot, pace.SnapshotPace(counted.clock)))
    assert len(steps) > 1
    between = counted.now - counted.snapshot_seconds  # one has no time after it yet
    assert (len(steps) - 1) * counted.snapshot_seconds <= between / 5
    gaps = [(b - a) * step_seconds for a, b in zip(steps, steps[1:], strict=False)]
    assert min(gaps) >= pace.EVERY_SECONDS - 1e-9, "no more often than the eye needs"
