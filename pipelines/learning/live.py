"""A training in view: losses, and snapshots at a pace of their own, as events of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipelines.events import Event, Loss, Progress, Snapshot, StopEarly, nothing_to_keep
from pipelines.learning.events import Report, SampleDue

if TYPE_CHECKING:
    from pipelines.learning.pace import SnapshotPace
    from pipelines.learning.training import Training


def lessons(training: Training, snapshot: Callable[[], Snapshot], pace: SnapshotPace) -> Iterator[Event]:
    """The training itself, without its last snapshot."""
    for event in training.run(pace=pace):
        if isinstance(event, Report):
            yield Loss(event.step, {name: float(f"{loss:.5g}") for name, loss in event.losses.items()})
            yield Progress("training", event.step, training.recipe.steps)
        elif isinstance(event, SampleDue):
            yield pace.take(snapshot)


def stream(
    training: Training, snapshot: Callable[[], Snapshot], last: Callable[[], Snapshot], pace: SnapshotPace
) -> Iterator[Event]:
    """All of a training in view. Stopped, it ends with what it has learned so far."""
    try:
        yield from lessons(training, snapshot, pace)
    except StopEarly:
        pass
    yield last()
    yield nothing_to_keep()
