"""The line: who is next, where everybody stands in it, and when their turn will come."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipelines.device.lanes import Lanes
from pipelines.engine.forecast import Paces, Prospect, forecast
from pipelines.engine.job import Job
from pipelines.engine.shares import Places, Turns

FORECAST_SECONDS = 1.0
"""So often are the times of those that wait reckoned anew while nothing else changes."""


class Line:
    """The order of those that wait, by turns and by the device's time that each client had. Of several threads one at a
    time may use it.

    places -- what runs side by side on one lane
    lanes  -- the devices, and the shares of their time
    absent -- whether a client is not there, and so its jobs are set aside
    """

    def __init__(self, places: Places, lanes: Lanes, absent: Callable[[str], bool]) -> None:
        self._places_of_one, self._lanes, self._absent = places, lanes, absent
        self._turns, self._paces = Turns(), Paces()
        self._forecast: Mapping[str, Prospect] = {}
        self._foreseen: tuple[str, ...] = ()
        self._reckoned = 0.0

    def __len__(self) -> int:
        """How many turns are remembered."""
        return len(self._turns)

    @property
    def _places(self) -> Places:
        return replace(self._places_of_one, lanes=max(1, len(self._lanes)))

    def order(self, waiting: Sequence[Job]) -> Sequence[Job]:
        return self._turns.order(waiting, self._lanes.ahead, self._paces.seconds)

    def first(self, waiting: Sequence[Job], running: Sequence[Job]) -> Job | None:
        """Whoever is to start now; None where nobody has a place."""
        return next((job for job in self._present(waiting, running) if self._places.free_for(job, running)), None)

    def take(self, job: Job) -> None:
        """It is its turn."""
        self._turns.take(job)

    def learn(self, job: Job) -> None:
        """How long it took says how long others like it will."""
        self._paces.learn(job)

    def tell(self, waiting: Sequence[Job], running: Sequence[Job]) -> None:
        """Tell all that wait or run where they are in line and how long it will take."""
        present = self._present(waiting, running)
        places = {job.id: place for place, job in enumerate(present)}
        prospects = self._prospects(running, present)
        for job in (*waiting, *running):
            prospect = prospects.get(job.id, Prospect(None, None))
            starts_in = None if job in running else prospect.starts_in
            sharing = self._sharing(job) if job in running else 0
            job.place(places.get(job.id), starts_in, prospect.ends_in, sharing)

    def forget_all_but(self, active: Sequence[Job]) -> None:
        """Only who has a job waiting or running needs a turn; else these would grow for ever."""
        self._turns.forget_all_but(active)
        self._lanes.keep({job.client for job in active})

    def _sharing(self, job: Job) -> int:
        return self._lanes.beside(job.client) if job.turn is None else job.turn.beside()

    def _present(self, waiting: Sequence[Job], running: Sequence[Job]) -> Sequence[Job]:
        """Whoever is there, in the order of their turns; trainings that have no place now come after all others."""
        present = [job for job in waiting if not self._absent(job.client)]
        return sorted(self.order(present), key=lambda job: self._places.held(job, running))

    def _prospects(self, running: Sequence[Job], present: Sequence[Job]) -> Mapping[str, Prospect]:
        """By job; reckoned anew when the line is another one, and else now and then."""
        line, now = tuple(job.id for job in (*running, *present)), time.monotonic()
        if line != self._foreseen or now - self._reckoned > FORECAST_SECONDS:
            self._foreseen, self._reckoned = line, now
            self._forecast = forecast(running, present, self._paces.left, self._places)
        return self._forecast
