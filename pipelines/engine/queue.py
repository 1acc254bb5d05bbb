"""The queue: who runs next, and what a client may do with its jobs. Clients take turns, whoever has how many jobs."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.device.lanes import Lanes
from pipelines.device.lost import LOST
from pipelines.device.manager import DeviceManager
from pipelines.device.memory import give_back_freed
from pipelines.device.recall import Recall
from pipelines.engine import parents, registry, runner
from pipelines.engine.attendance import Attendance
from pipelines.engine.eventlog import StateChange
from pipelines.engine.finished import Finished
from pipelines.engine.free_space import FreeSpace
from pipelines.engine.job import Job, JobError, JobProgress, JobState
from pipelines.engine.keeper import PictureKeeper, Store
from pipelines.engine.line import Line
from pipelines.engine.repeating import Repeating
from pipelines.engine.restoring import all_restored
from pipelines.engine.shares import Places, Shares, learns
from pipelines.engine.waiting_file import Jobs, WaitingFile
from pipelines.errors import BadRequest, Busy, DeviceLost, NotAllowed, NotFound, Sentence, StorageError
from pipelines.params import Request
from pipelines.store.inputs import InputStore
from pipelines.store.kept_latents import LatentStore
from pipelines.store.trajectories import TrajectoryStore

__all__ = ["Job", "JobError", "JobProgress", "JobQueue", "JobState", "StateChange", "Store"]

log = logging.getLogger(__name__)

ATTENDANCE_SECONDS = 5.0
"""So often it is looked whether whoever started a training is still there, as long as one runs."""

RETRY_SECONDS = 30.0
"""So often the pictures that a full disk refused are saved again, as long as there are any."""

TIDY_EVERY = 20
"""Jobs, after which an idle studio gives back what was freed: the frames of forgotten jobs leave holes."""


class JobQueue:
    """Owns all jobs. Every method may be called from any thread and returns at once.

    path          -- file in which jobs survive the end of the process, however it comes: what waited or ran waits
                     again, what was over is remembered. None keeps them in memory only
    grace_seconds -- so long after a client was last `seen` its waiting jobs keep their turn; then they are set aside,
                     and come back when it is seen again. A running job finishes, but for a training
    training_grace_seconds -- so long after a client was last `seen` its trainings learn on; then they end with what
                     they have learned. They take turns: one place of `running_at_once` is left for everything else
    further_places -- beyond `running_at_once`, so many clients none of whose jobs runs have one of theirs started: all
                     that run share the device's time, client by client (see pipelines/device/turns.py)
    get           -- finds a generator by its name
    inputs        -- the pictures that requests may name; None where there are none
    latents       -- where latents are kept that could not be decoded; None to lose them
    trajectories  -- where the steps of pictures are kept, to branch from
    space         -- knows whether the disk has room for a job's pictures; None to find out when they are saved
    shares        -- what a client and an address may have of the queue; max_waiting and keep_finished are of all
    """

    def __init__(
        self,
        devices: DeviceManager | Lanes,
        store: Store,
        running_at_once: int = 2,
        max_waiting: int | None = None,
        keep_finished: int | None = None,
        grace_seconds: float = 300.0,
        training_grace_seconds: float = 120.0,
        path: Path | None = None,
        get: Callable[[str], registry.Generator] = registry.get,
        inputs: InputStore | None = None,
        latents: LatentStore | None = None,
        space: FreeSpace | None = None,
        shares: Shares | None = None,
        further_places: int = 0,
        trajectories: TrajectoryStore | None = None,
    ) -> None:
        self._lanes = Lanes.of(devices)
        self._store = store
        self._trajectories = trajectories or TrajectoryStore()
        self._keeper = PictureKeeper(store, self._write, trajectories=self._trajectories)
        self._space = space
        shares = shares or Shares()
        self._shares = replace(shares, waiting=max_waiting or shares.waiting, finished=keep_finished or shares.finished)
        self._grace_seconds, self._training_grace_seconds = grace_seconds, training_grace_seconds
        self._file = None if path is None else WaitingFile(path)
        self._retrying = Repeating(self._save_all, RETRY_SECONDS, "save-again")
        looked = min(ATTENDANCE_SECONDS, training_grace_seconds)
        self._watching = Repeating(self._end_abandoned, looked, "attendance")
        self._get = get
        self._inputs, self._latents = inputs, latents
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._waiting: list[Job] = []
        self._running: dict[str, tuple[Job, threading.Thread]] = {}
        self._finished = Finished(self._shares)
        self._line = Line(Places(running_at_once, further_places), self._lanes, self._absent)
        self._attendance = Attendance()
        self._served = 0
        self._tidied = 0
        self._closed = False
        if self._file is not None:
            self._restore(self._file, store)

    def submit(self, generator: str, request: Request, client: str, address: str = "") -> Job:
        """Queue a checked request; it is in the file when this returns.

        Raises NotFound for an unknown generator or picture, Busy when there is no room, StorageError for a full disk,
        DeviceLost where only a new start helps.
        """
        wanted = self._get(generator).request_type
        if not isinstance(request, wanted):
            raise BadRequest(
                "{generator} takes a {wanted}; got a {got}.",
                generator=generator,
                wanted=wanted.__name__,
                got=type(request).__name__,
            )
        if self._inputs is not None:
            for picture_id in request.picture_ids().values():
                self._inputs.path(picture_id)
        parents.check(request, self._store)
        if self._space is not None:
            self._space.check(request)
        job = Job(generator, request, client, address=address)
        with self._lock:
            self._make_room(client, address)
            self._waiting.append(job)
            self._attendance.enter(client)
            self._dispatch()
        self._write()
        return job

    def get(self, id: str) -> Job:
        """Raises NotFound, also for jobs that are finished and forgotten."""
        with self._lock:
            for job in self._all():
                if job.id == id:
                    return job
        raise NotFound("This job is not here any more. Its pictures, if it made any, are in the gallery.")

    def list(self, client: str | None = None) -> Sequence[Job]:
        """Running jobs first, then waiting ones in the order of their turns, then finished ones, the newest first."""
        with self._lock:
            self._tell_line()
            return [job for job in self._all() if client in (None, job.client)]

    def seen(self, client: str) -> None:
        """The client is there: it made a request, or still reads a stream. Brings back what was set aside."""
        with self._lock:
            if not self._attendance.seen(client):
                return  # it has nothing here
            started = self._dispatch()
        if started:
            self._write()

    def cancel(self, id: str, client: str | None) -> Job:
        """Stop a running job or take back a waiting one; says so at once. Again, or too late, changes nothing.

        A client may do so with its own jobs; None is the studio's owner, who may with all.
        """
        with self._lock:
            job = self._own(id, client)
            waiting = job in self._waiting
            job.cancel()
            if waiting:
                self._waiting.remove(job)
                self._keep(job)
                self._tell_line()
        self._write()
        return job

    def remove(self, id: str, client: str | None) -> Job:
        """Cancel a job and, unless it still runs, forget it."""
        job = self.cancel(id, client)
        with self._lock:
            if self._finished.forget(id):
                self._keeper.forget(job)
        self._write()
        return job

    def move(self, id: str, client: str, position: int) -> Job:
        """Put a waiting job at that place, from 0, among its client's own; a place beyond the last is the last."""
        with self._lock:
            job = self._own(id, client)
            if job not in self._waiting:
                raise BadRequest("Only a waiting job can be moved; this one has started or is over.")
            slots = [i for i, other in enumerate(self._waiting) if other.client == client]
            own = [self._waiting[i] for i in slots if self._waiting[i] is not job]
            own.insert(min(max(position, 0), len(own)), job)
            for slot, other in zip(slots, own, strict=True):
                self._waiting[slot] = other
            self._tell_line()
        self._write()
        return job

    def save_again(self, id: str, client: str) -> Job:
        """Try once more to save pictures that a full disk left in memory. Raises StorageError."""
        job = self._own(id, client)
        if not job.over:
            raise BadRequest("This job still runs. Wait until it is over, then save its pictures again.")
        self._save_held(job)
        return job

    def stats(self) -> dict[str, int]:
        with self._lock:
            return {
                "waiting": len(self._waiting),
                "set_aside": sum(self._absent(job.client) for job in self._waiting),
                "running": len(self._running),
                "finished": len(self._finished),
                "unsaved": sum(len(job.unsaved) for job in self._finished),
                "served": self._served,
            }

    def close(self, timeout: float = 5.0) -> None:
        """Stop everything. With a file all jobs wait there for the next start, also those that run; else running ones
        are cancelled and may save what they have."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
            for job, _thread in running:
                if self._file is None:
                    job.cancel()
                else:
                    job.send_back()
            waiting = list(self._waiting)
        self._retrying.close()
        self._watching.close()
        self._write()
        for job in waiting:
            job.log.end()  # who watches it has nothing more to wait for here
        deadline = time.monotonic() + timeout
        for _job, thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._save_all()
        if unsaved := self.stats()["unsaved"]:
            again = "" if self._file is None else " Their jobs run again at the next start."
            log.warning("%d finished pictures could not be saved and are lost with this process.%s", unsaved, again)
        self._write()
        if self._file is not None:
            self._file.close()

    def _all(self) -> Sequence[Job]:
        return [*self._running_jobs(), *self._line.order(self._waiting), *reversed(self._finished)]

    def _running_jobs(self) -> Sequence[Job]:
        return [job for job, _thread in self._running.values()]

    def _own(self, id: str, client: str | None) -> Job:
        job = self.get(id)
        if client not in (None, job.client):
            raise NotAllowed("This job belongs to somebody else.")
        return job

    def _absent(self, client: str) -> bool:
        return self._attendance.gone(client, self._grace_seconds)

    def _make_room(self, client: str, address: str) -> None:
        """Raise Busy if the client's share of the queue is used, DeviceLost if no job can run any more.

        Jobs of clients that vanished give way first.
        """
        if self._closed:
            raise Busy("The studio is closing. Start it again and repeat the request.")
        if self._lanes.lost:
            raise DeviceLost(LOST)
        aside = [job for job in self._waiting if self._absent(job.client) and job.client != client]
        if len(self._waiting) >= self._shares.waiting and aside:
            self._waiting.remove(aside[0])
            aside[0].notes.append(Sentence("Taken out of the full queue, as nobody was waiting for it."))
            aside[0].cancel()
            self._keep(aside[0])
        self._shares.check(self._waiting, client, address)

    def _dispatch(self) -> int:
        """Start jobs while there is room; how many were started."""
        started = 0
        while not self._closed and not self._lanes.lost:
            job = self._line.first(self._waiting, self._running_jobs())
            if job is None or self._would_be_blamed(job):
                break
            self._start(job)
            started += 1
        self._forget_clients()
        self._tell_line()
        return started

    def _tell_line(self) -> None:
        self._line.tell(self._waiting, self._running_jobs())

    def _would_be_blamed(self, job: Job) -> bool:
        """What ran when the process died runs alone the next time: if it dies again, it is known which job did it."""
        running = self._running_jobs()
        return bool(running) and any(other.deaths for other in (job, *running))

    def _end_abandoned(self) -> bool:
        """Stop the trainings whose owners are gone; whether any still runs."""
        with self._lock:
            learning = [job for job in self._running_jobs() if learns(job)]
            gone = [job for job in learning if self._attendance.gone(job.client, self._training_grace_seconds)]
            for job in gone:
                job.notes.append(Sentence("Stopped, as nobody was there to watch it."))
                job.cancel()
        if gone:
            self._write()
        return bool(learning)

    def _start(self, job: Job) -> None:
        self._waiting.remove(job)
        self._line.take(job)
        job.alone = not self._running
        for other in self._running_jobs():
            other.alone = False
        thread = threading.Thread(target=self._run, args=(job,), name=f"job-{job.id}", daemon=True)
        self._running[job.id] = (job, thread)
        job.start()
        thread.start()
        if learns(job):
            self._watching.start()

    def _run(self, job: Job) -> None:
        try:
            self._write()  # before it can do any harm: a job that ends the process is known at the next start
            generator = self._get(job.generator)
            kept = (self._inputs, self._latents, self._space)
            with self._lanes.place(str(getattr(job.resolved, "model", ""))) as devices:
                if len(self._lanes) > 1 and job.recall is None:
                    job.recall = Recall()
                lost = lambda: self._lanes.lost  # noqa: E731
                runner.run(job, generator, devices, self._keeper, *kept, self._with_parent, lost)
        finally:
            if job.state is not JobState.WAITING:  # again
                sentence = Sentence("The studio could not run this job; the log has the details.")
                job.finish(JobError("bug", sentence))  # if not over
            with self._lock:
                del self._running[job.id]
                self._line.learn(job)
                if job.state is JobState.WAITING:
                    if not job.changes_device:
                        job.most_beside = max(0, len(self._running) - 1)
                    self._waiting.insert(0, job)  # handed back
                else:
                    self._keep(job)
                self._dispatch()
                tidy = not self._running and self._served - self._tidied >= TIDY_EVERY
                self._tidied = self._served if tidy else self._tidied
            self._write()
            if tidy:
                give_back_freed()

    def _with_parent(self, request: Request) -> Request:
        return parents.with_parent(request, self._store, self._inputs, self._trajectories)

    def _save_held(self, job: Job) -> None:
        with self._saving:
            if job.unsaved:
                self._keeper.save(job)
                job.recover()
        self._write()

    def _save_all(self) -> bool:
        """Try to save all pictures that are held; whether some are left."""
        with self._lock:
            held = [job for job in self._finished if job.unsaved]
        for job in held:
            try:
                self._save_held(job)
            except StorageError as error:
                log.info("job %s: %s", job.id, error)
        return any(job.unsaved for job in held)

    def _keep(self, job: Job) -> None:
        """Remember a finished job, and save its pictures again where a full disk refused them."""
        self._served += 1
        self._finished.keep(job)
        if job.unsaved:
            self._retrying.start()

    def _forget_clients(self) -> None:
        """Only who has a job waiting or running needs a turn and a presence; else these would grow for ever."""
        active = [*self._waiting, *self._running_jobs()]
        self._line.forget_all_but(active)
        self._attendance.forget_all_but({job.client for job in active})

    def _write(self) -> None:
        if self._file is not None:
            self._file.write(self._to_write)

    def _to_write(self) -> Jobs:
        """A job whose pictures are not saved yet is not over: without them it runs once more."""
        with self._lock:
            running, finished = self._running_jobs(), list(self._finished)
            returning = [job for job in running if job.returning and job.state is JobState.RUNNING]
            unsaved = [job for job in finished if job.unsaved and job.state is JobState.FAILED]
            return Jobs(
                [*returning, *unsaved, *self._waiting],
                [job for job in running if job not in returning],
                [job for job in finished if job not in unsaved],
            )

    def _restore(self, file: WaitingFile, store: Store) -> None:
        """Take up the jobs of the last start and of studios on this folder that are gone; one that is not valid any
        more says why, or, of another studio, stays in its file."""
        jobs, orphans = all_restored(file, self._get, store)
        for job in jobs:
            self._take_up(job)
        self._write()  # ours first: a job that is in two files is taken up once, one that is in none is lost
        for orphan, rest in orphans:
            orphan.leave(rest)
        with self._lock:
            self._dispatch()

    def _take_up(self, job: Job) -> None:
        if job.over:
            self._keep(job)
            self._served -= 1  # that was in another process
            return
        self._waiting.append(job)
        self._attendance.enter(job.client)
