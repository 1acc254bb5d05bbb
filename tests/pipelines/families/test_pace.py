"""Snapshots take at most a fifth of a training's time, whatever one costs; time is counted here, not measured."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.events import Snapshot
from pipelines.families import live_training, pace
from pipelines.lab import points_training

STEPS = 4000


@dataclass
class Counted:
    """A learner and its view; each step and each snapshot takes so many seconds of `now`."""

    step_seconds: float
    snapshot_seconds: float
    now: float = 0.0
    step: int = 0
    plan: Any = field(default_factory=lambda: SimpleNamespace(training_steps=STEPS))
    request: Any = field(default_factory=lambda: SimpleNamespace(training_steps=STEPS))

    def clock(self) -> float:
        return self.now

    def learn(self) -> Any:
        self.step += 1
        self.now += self.step_seconds
        return self.loss

    def snapshot(self) -> Snapshot:
        self.now += self.snapshot_seconds
        return Snapshot(self.step, {})

    loss: Any = 1.0


def of_points(counted: Counted, when: pace.SnapshotPace) -> list[Any]:
    return list(points_training.lessons(counted, when))  # pyright: ignore[reportArgumentType]


def of_a_family(counted: Counted, when: pace.SnapshotPace) -> list[Any]:
    counted.loss = {"loss": 1.0}
    return list(live_training.lessons(counted, counted, when))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("training", [of_points, of_a_family])
@pytest.mark.parametrize("step_seconds", [0.002, 0.03])
@pytest.mark.parametrize("in_steps", [1, 50, 100], ids="one costs {} steps".format)
def test_snapshots_take_at_most_a_fifth_of_the_time(training: Any, step_seconds: float, in_steps: int) -> None:
    counted = Counted(step_seconds, step_seconds * in_steps)
    snapshots = [event for event in training(counted, pace.SnapshotPace(counted.clock)) if isinstance(event, Snapshot)]
    assert len(snapshots) > 1
    between = counted.now - counted.snapshot_seconds  # one has no time after it yet
    assert (len(snapshots) - 1) * counted.snapshot_seconds <= between / 5
    gaps = [(b.step - a.step) * step_seconds for a, b in zip(snapshots, snapshots[1:], strict=False)]
    assert min(gaps) >= pace.EVERY_SECONDS - 1e-9, "no more often than the eye needs"
