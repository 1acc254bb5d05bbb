"""One job: what was asked, how far it is, what it made, and its events for whoever watches."""

import enum
import hashlib
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipelines.device.recall import Recall
from pipelines.device.turns import Turn
from pipelines.engine.eventlog import FRAME_BYTES, Entry, EventLog, StateChange
from pipelines.errors import Sentence, StudioError
from pipelines.events import Event, Frame, Progress
from pipelines.params import Request
from pipelines.theory.trajectory import Trajectory

MOST_DEVICES_LOST = 2
WORDS = ("prompt", "negative_prompt", "seed", "guidance_scale")
AMOUNTS = ("num_inference_steps", "count")


class JobState(enum.StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class JobError:
    """Why a job failed: a stable code and a sentence for a person."""

    code: str
    message: Sentence

    @classmethod
    def of(cls, error: StudioError) -> "JobError":
        return cls(error.code, error.sentence)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "JobError":
        """From `to_json`; one of an older studio has its code and message only."""
        return cls(str(given["code"]), Sentence.read(given))

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.message.to_json()}


@dataclass(frozen=True)
class JobProgress:
    """How far the current stage is; `seconds_left` is None while it cannot be told."""

    stage: str = ""
    step: int = 0
    total: int = 0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Unsaved:
    """A picture that could not be written, kept for another attempt."""

    image: np.ndarray
    recipe: dict[str, Any]
    unfinished: bool
    trajectory: Trajectory | None = None


class Job:
    """Made and changed by the queue; everybody else only reads it.

    `address` is where it came from, "" if that does not matter: the clients there share some bounds.
    A cancelled job is CANCELLED at once and `stopping` until its thread has let go, which may still save a picture.
    `over` means that nothing will change any more.

    resolved       -- the request with its seeds drawn: what runs, and what is written down for another run
    parents        -- what its pictures are made from, as their recipes name it
    saving         -- the id of the picture that is being written; it counts once the file is there
    already_saved  -- so many of its first pictures were saved before the studio ended, and are passed over
    interruptions  -- how often the studio ended while it ran
    deaths         -- how often in a row that was sudden: a job that kills the process is not started for ever
    returning      -- the studio closes, and the job waits for the next start
    devices_lost   -- so many devices failed while it ran on them
    recall         -- what its networks have answered, where it may have to go on on another device
    frames_sent    -- so many of its frames were passed on; those are passed over when it begins anew
    turn           -- its turns on the device, and the seconds that it had, once it runs
    alone          -- no other job ran while it ran
    most_beside    -- so many others may run when it starts, as there was no room for its model beside more
    starts_in, ends_in -- seconds, if all that is known of the others holds; None where that is not enough
    sharing        -- while it runs, how many other clients it takes turns with
    """

    def __init__(
        self,
        generator: str,
        request: Request,
        client: str,
        id: str | None = None,
        created: float | None = None,
        frame_bytes: int = FRAME_BYTES,
        first_event: int = 0,
        address: str = "",
    ) -> None:
        self.id = id or secrets.token_hex(8)
        self.client = client
        self.address = address
        self.generator = generator
        self.request = request
        self.resolved = request.resolved()
        self.state = JobState.WAITING
        self.error: JobError | None = None
        self.created = created or time.time()
        self.started: float | None = None
        self.finished: float | None = None
        self.progress = JobProgress()
        self.position: int | None = None
        self.image_ids: list[str] = []
        self.latents_ids: list[str] = []
        self.notes: list[str] = []
        self.unsaved: list[Unsaved] = []
        self.parents: list[dict[str, Any]] = []
        self.saving = ""
        self.already_saved = 0
        self.interruptions = self.deaths = 0
        self.returning = self.cut_short = self.alone = False
        self.most_beside: int | None = None
        self.devices_lost = 0
        self.recall: Recall | None = None
        self.frames_sent = self._frames_again = 0
        self.turn: Turn | None = None
        self.starts_in: float | None = None
        self.ends_in: float | None = None
        self.sharing = 0
        self._told: tuple[int | None, int, float | None, float | None] = (None, 0, None, None)
        self.stop_wanted = threading.Event()
        self.log = EventLog(frame_bytes, first_event)
        self._values = request.json_values()
        self._request_json = json.dumps(self.resolved.values())  # once, as the list of jobs is written often
        self._changing = threading.RLock()
        self._pace = _Pace()

    @property
    def over(self) -> bool:
        return self.log.ended

    @property
    def stopping(self) -> bool:
        return self.state is JobState.CANCELLED and not self.over

    @property
    def film_id(self) -> str:
        """The name of the film that it makes of a picture."""
        return f"{self.request.parent_id()}-{self.id}"

    @cached_property
    def kind(self) -> tuple[str, str]:
        """Equal for jobs that take the same time for each step of each picture, as they differ in little else."""
        values = {name: value for name, value in self.resolved.values().items() if name not in (*WORDS, *AMOUNTS)}
        written = json.dumps(values, sort_keys=True, default=str)
        return self.generator, hashlib.sha256(written.encode()).hexdigest()

    def frames(self) -> list[Frame]:
        """The kept frames: all of a short job, evenly thinned of a long one, with the first and the last."""
        return self.log.frames()

    def events(self, after: int = -1, live: bool = True) -> Iterator[Entry]:
        """(number, event) of what is kept since `after`, then live until the job is over. The newest frame wins."""
        return self.log.follow(after, live)

    async def next_events(
        self, after: int = -1, timeout: float | None = None, every_frame: bool | None = None
    ) -> list[Entry]:
        """Wait for events later than `after`; empty when the job is over or, see `over`, the timeout passed.

        With after=-1 everything kept is replayed, later only the newest frame, unless `every_frame` says otherwise.
        """
        await self.log.wait(after, timeout)
        return self.log.since(after, every_frame=after < 0 if every_frame is None else every_frame)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able. The client is left out: it is its owner's key."""
        with self._changing:
            return {
                "id": self.id,
                "generator": self.generator,
                "request": dict(self._values),
                "state": str(self.state),
                "stopping": self.stopping,
                "position": self.position,
                "starts_in": self.starts_in,
                "ends_in": self.ends_in,
                "sharing": self.sharing,
                "error": self.error and self.error.to_json(),
                "created": self.created,
                "started": self.started,
                "finished": self.finished,
                "progress": dict(vars(self.progress)),
                "image_ids": list(self.image_ids),
                "latents_ids": list(self.latents_ids),
                "notes": list(self.notes),
                "unsaved": len(self.unsaved),
                "interruptions": self.interruptions,
            }

    def to_row(self) -> str:
        """JSON of all that another start of the studio needs to know of it, its client included."""
        with self._changing:
            row = {
                "id": self.id,
                "client": self.client,
                "address": self.address,
                "generator": self.generator,
                "state": str(self.state),
                "created": self.created,
                "started": self.started,
                "finished": self.finished,
                "error": self.error and self.error.to_json(),
                "deaths": self.deaths,
                "interruptions": self.interruptions,
                "saving": self.saving,
                "image_ids": self.image_ids,
                "latents_ids": self.latents_ids,
                "notes": self.notes,
            }
            return f'{json.dumps(row)[:-1]}, "request": {self._request_json}}}'

    # What follows is for the queue and the thread that runs the job.

    def place(
        self,
        position: int | None,
        starts_in: float | None = None,
        ends_in: float | None = None,
        sharing: int = 0,
    ) -> None:
        """Its place among all that wait, from 0, None for a job that does not wait for its turn; and its prospects.

        Whoever watches hears of another place, another number to share with, and of times that are clearly others.
        """
        with self._changing:
            self.position, self.starts_in, self.ends_in, self.sharing = position, starts_in, ends_in, sharing
            prospects = (position, sharing, starts_in, ends_in)
            if prospects[:2] != self._told[:2] or not all(map(_alike, prospects[2:], self._told[2:])):
                self._told = prospects
                self._tell()

    def start(self) -> None:
        with self._changing:
            self.state, self.started, self.position, self.starts_in = JobState.RUNNING, time.time(), None, None
            self._told = (None, self.sharing, None, self.ends_in)
            self._tell()

    def wait_again(self) -> None:
        """It could not go on beside the others; what it has saved stays."""
        with self._changing:
            if self.state is JobState.RUNNING and not self.over:
                self.state, self.started, self.turn = JobState.WAITING, None, None
                self.progress, self.already_saved = JobProgress(), len(self.image_ids)
                self._frames_again = self.frames_sent
                self.notes.clear()  # they are made again
                if self.recall is not None:
                    self.recall.rewind()
                self._tell()

    def change_device(self) -> None:
        """Its device is lost, and it goes on on another one. Whatever fails on MOST_DEVICES_LOST is its own doing."""
        with self._changing:
            self.devices_lost += 1
            if self.devices_lost < MOST_DEVICES_LOST:
                self.wait_again()

    @property
    def changes_device(self) -> bool:
        return self.state is JobState.WAITING and bool(self.devices_lost)

    def cancel(self) -> None:
        """Ask to stop; the state says so at once. Does nothing to a job that is over."""
        with self._changing:
            if self.over or self.state is JobState.CANCELLED:
                return
            waiting = self.state is JobState.WAITING
            self.state = JobState.CANCELLED
            self.stop_wanted.set()
            self._tell()
            if waiting:
                self.finish()

    def finish(self, error: JobError | None = None) -> None:
        """The end: FAILED with an error, else DONE; a job that was cancelled stays so, whatever happened after."""
        with self._changing:
            if self.over:
                return
            self.error = error
            if self.state is not JobState.CANCELLED:
                self.state = JobState.FAILED if error else JobState.DONE
            self.finished, self.position = time.time(), None
            self.starts_in = self.ends_in = None
            self.sharing = 0
            self.log.put(StateChange(self.snapshot), last=True)

    def send_back(self) -> None:
        """The studio closes: a job that runs and is not stopped waits for the next start."""
        with self._changing:
            if self.state is JobState.RUNNING and not self.returning:
                self.returning, self.deaths = True, 0
                self.interruptions += 1

    def hand_back(self) -> None:
        """Its thread has let go of it after `send_back`."""
        with self._changing:
            if self.state is JobState.RUNNING and not self.over:
                self.state, self.started = JobState.WAITING, None
                self.log.end()

    def remember(self, state: JobState, error: JobError | None, finished: float | None) -> None:
        """It was over when the studio ended."""
        with self._changing:
            self.state, self.error, self.finished = state, error, finished
            self.log.put(StateChange(self.snapshot), last=True)

    def saved(self) -> None:
        """The picture that was being written is on the disk."""
        with self._changing:
            self.image_ids.append(self.saving)
            self.saving = ""

    def recover(self) -> None:
        """A failed job whose pictures could be saved after all is done, if nothing of it was cut off."""
        with self._changing:
            if self.cut_short:
                return
            self.error = None
            if self.state is JobState.FAILED:
                self.state = JobState.DONE

    def observe(self, event: Event) -> None:
        """Keep count of progress and pass the event to whoever watches."""
        if isinstance(event, Frame):
            if self._frames_again:
                self._frames_again -= 1
                return
            self.frames_sent += 1
            self.progress = self._pace.at("denoising", event.index, event.total)
        elif isinstance(event, Progress):
            self.progress = self._pace.at(event.stage, event.done, event.total)
            if event.note:
                self.notes.append(event.note)
        self.log.put(event)

    def _tell(self) -> None:
        self.log.put(StateChange(self.snapshot))


def _alike(one: float | None, other: float | None) -> bool:
    """Whether a person would not say them differently."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(2.0, 0.25 * max(one, other))


class _Pace:
    """Estimates the time left of a stage from its last steps, as the first ones are often slower."""

    def __init__(self) -> None:
        self._stage = ""
        self._seen: deque[tuple[float, int]] = deque(maxlen=9)

    def at(self, stage: str, step: int, total: int) -> JobProgress:
        if stage != self._stage:
            self._stage = stage
            self._seen.clear()
        self._seen.append((time.monotonic(), step))
        (then, first), (now, last) = self._seen[0], self._seen[-1]
        left = (now - then) / (last - first) * (total - last) if last > first else None
        return JobProgress(stage, step, total, left if left is None else round(max(0.0, left), 2))
