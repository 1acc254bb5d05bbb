"""A job's events as server-sent events, for any number of viewers, until the job is over."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

from aigc_ui.frames import FrameEncoder
from aigc_ui.plain import plain
from aigc_ui.room import Room
from aigc_ui.rooms import Rooms
from pipelines.errors import Busy
from pipelines.events import Checkpoint, Event, Frame, Loss, Progress, Result, Snapshot, Token
from pipelines.jobs import Job, JobState, StateChange

HEARTBEAT_SECONDS = 15.0
MOST_STREAMS = 256
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Streams:
    """Counts who watches, so that forgotten viewers cannot pile up without end. Raises Busy.

    Pictures are encoded in `room`; all else is told at once, so that a state never waits behind others' pictures.
    """

    def __init__(self, most: int = MOST_STREAMS, room: Room | None = None):
        self.open = 0
        self._most = most
        self._room = room or Rooms().frames

    def check(self) -> None:
        if self.open >= self._most:
            raise Busy("Too many viewers are connected. Close some tabs and try again.")

    async def watch(
        self, job: Job, after: int, frames: FrameEncoder, still_here: Callable[[], object], client: str = ""
    ) -> AsyncIterator[str]:
        """The events after number `after`: what is kept, then what comes; a comment when nothing comes for long.

        `still_here` is called now and then while the viewer reads.
        """
        self.open += 1
        try:
            yield ": watching\n\n"
            while True:
                batch = await job.next_events(after, timeout=HEARTBEAT_SECONDS)
                still_here()
                for number, event in batch:
                    told = partial(message, job, number, event, frames)
                    yield await self._room.run(client, told) if isinstance(event, Frame | Snapshot) else told()
                    after = number
                if not batch and job.over:
                    return
                if not batch:
                    yield ": still here\n\n"
        finally:
            self.open -= 1


def message(job: Job, number: int, event: Event | StateChange, frames: FrameEncoder) -> str:
    return "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False, allow_nan=False, default=plain)}\n\n"
        for name, data in described(job, event, frames)
    )


def described(job: Job, event: Event | StateChange, frames: FrameEncoder) -> Iterable[tuple[str, dict[str, Any]]]:
    """The name and content of what is told about one event; a failure is also told as an `error`."""
    match event:
        case Frame():
            yield "frame", frames.encode(event)
        case Result():
            yield "result", {"image_ids": list(job.image_ids), "unfinished": event.unfinished}
        case Progress() | Token() | Loss() | Snapshot() | Checkpoint():
            yield type(event).__name__.lower(), dataclasses.asdict(event)
        case StateChange():
            if event.snapshot["state"] == JobState.FAILED and event.snapshot["error"]:
                yield "error", event.snapshot["error"]
            yield "state", event.snapshot
