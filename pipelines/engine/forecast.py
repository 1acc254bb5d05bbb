"""When jobs will start and end, from what is known of the device's time that such jobs take."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.engine import registry
from pipelines.engine.job import AMOUNTS, Job, JobState
from pipelines.engine.shares import Places

RECENT = 0.5
"""The weight of the latest job in what is known of its kind."""
MOST_KINDS = 200
FEWEST_STEPS = 2
ONE_COURSE = ("text-to-image", "sketch", *registry.TRAININGS)
"""Generators whose steps are counted once from the first to the last, not again for each picture."""


@dataclass(frozen=True)
class Prospect:
    """Seconds until a job starts and until it is done; None where that is not known."""

    starts_in: float | None
    ends_in: float | None


class Paces:
    """What jobs of each kind took of the device's time. A job that is nothing like any before has no pace."""

    def __init__(self) -> None:
        self._of_kind: dict[tuple[str, str], float] = {}

    def learn(self, job: Job) -> None:
        """From one that is done; one that was stopped or failed says nothing."""
        if job.state is not JobState.DONE or job.turn is None:
            return
        kind = job.kind
        seconds = job.turn.seconds / _work(job)
        before = self._of_kind.pop(kind, seconds)
        self._of_kind[kind] = before + RECENT * (seconds - before)
        while len(self._of_kind) > MOST_KINDS:
            del self._of_kind[next(iter(self._of_kind))]

    def seconds(self, job: Job) -> float | None:
        """Of the device's time, for the whole job; None where none like it has run."""
        pace = self._of_kind.get(job.kind)
        return None if pace is None else pace * _work(job)

    def left(self, job: Job) -> float | None:
        """What it still needs, by others like it, else by its own steps."""
        whole = self.seconds(job)
        if job.turn is None:
            return whole
        had, progress = job.turn.seconds, job.progress
        if whole is not None and had < whole:
            return whole - had
        if (
            job.generator in ONE_COURSE
            and progress.stage in ("denoising", "training")
            and progress.step >= FEWEST_STEPS
        ):
            return had / progress.step * (progress.total - progress.step)
        return None


def _work(job: Job) -> float:
    return math.prod(max(1.0, float(getattr(job.resolved, name, 1))) for name in AMOUNTS)


def forecast(
    running: Sequence[Job], waiting: Sequence[Job], left: Callable[[Job], float | None], places: Places
) -> dict[str, Prospect]:
    """By job: clients at work share the time of all lanes evenly, and who waits starts, in that order, where a place is
    free."""
    now = 0.0
    starts: dict[str, float] = {job.id: 0.0 for job in running}
    ends: dict[str, float] = {}
    at_work = {job.id: (job, _known(left(job))) for job in running}
    line = list(waiting)
    while at_work or line:
        while first := _first(line, [job for job, _ in at_work.values()], places):
            line.remove(first)
            starts[first.id] = now
            at_work[first.id] = (first, _known(left(first)))
        slices = _slices([job for job, _ in at_work.values()], places.lanes)
        pause = min((seconds * slices[id] for id, (_, seconds) in at_work.items()), default=math.inf)
        if math.isinf(pause):
            break
        now += pause
        at_work = {id: (job, seconds - pause / slices[id]) for id, (job, seconds) in at_work.items()}
        for id in [id for id, (_, seconds) in at_work.items() if seconds <= 1e-9]:
            ends[id] = now
            del at_work[id]
    jobs = (*running, *waiting)
    return {job.id: Prospect(_rounded(starts.get(job.id)), _rounded(ends.get(job.id))) for job in jobs}


def _first(line: Sequence[Job], running: Sequence[Job], places: Places) -> Job | None:
    return next((job for job in line if places.free_for(job, running)), None)


def _slices(jobs: Sequence[Job], lanes: int) -> dict[str, float]:
    """Seconds that pass while each has one: a client's jobs share what the client has. No job runs on two lanes."""
    own = Counter(job.client for job in jobs)
    return {job.id: max(1.0, len(own) * own[job.client] / lanes) for job in jobs}


def _known(seconds: float | None) -> float:
    return math.inf if seconds is None else max(0.0, seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
