"""Finished jobs that are remembered: so many of each client and address, and so many bytes of frames of all."""

from collections.abc import Iterator

from pipelines.engine.job import Job
from pipelines.engine.shares import Shares, heaviest

FINISHED_FRAME_BYTES = 256 * 2**20
"""Frames of all finished jobs together; beyond it those of whoever has the most keep only their first and last."""

MOST_FRAME_BYTES = 4 * FINISHED_FRAME_BYTES
"""Of what is left of them; beyond it finished jobs are forgotten."""


class Finished:
    """The oldest first. One that holds pictures that are not saved yet stays. Of several threads one at a time may use
    it."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._jobs: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def __reversed__(self) -> Iterator[Job]:
        return reversed(self._jobs.values())

    def keep(self, job: Job) -> None:
        """Remember a finished job, and forget what is beyond the bounds."""
        self._jobs[job.id] = job
        while (surplus := self._shares.surplus([j for j in self if not j.unsaved])) is not None:
            del self._jobs[surplus.id]
        self._bound_frames()

    def forget(self, id: str) -> Job | None:
        """The job of that id, which is not remembered any more."""
        return self._jobs.pop(id, None)

    def _bound_frames(self) -> None:
        jobs = list(self)
        sizes = {job.id: job.log.frame_bytes() for job in jobs}
        thick = [job for job in jobs if len(job.frames()) > 2]
        while sum(sizes.values()) > FINISHED_FRAME_BYTES and (
            heavy := heaviest(jobs, lambda job: sizes[job.id], thick)
        ):
            heavy.log.thin(0)
            sizes[heavy.id] = heavy.log.frame_bytes()
            thick.remove(heavy)
        safe = [job for job in jobs if not job.unsaved]
        while sum(sizes.values()) > MOST_FRAME_BYTES and (heavy := heaviest(safe, lambda job: sizes[job.id])):
            safe.remove(heavy)
            del sizes[heavy.id], self._jobs[heavy.id]
