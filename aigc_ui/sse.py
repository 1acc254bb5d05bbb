"""A job's events as server-sent events, for any number of viewers, until the job is over.

FastAPI's own stream of a generator is not used: it reads ahead, so that a slow viewer would get old frames, and it
cannot answer that there is nothing more to come (204).
"""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

from fastapi.sse import format_sse_event

from aigc_ui.frames import FrameEncoder
from aigc_ui.plain import plain
from aigc_ui.room import Room
from aigc_ui.rooms import Rooms
from aigc_ui.viewers import Bounds, Viewer, Viewers
from aigc_ui.visitors import Visitor
from pipelines.engine.queue import Job, JobState, StateChange
from pipelines.errors import Busy
from pipelines.events import Checkpoint, Event, Frame, Loss, Progress, Result, Snapshot, Token

HEARTBEAT_SECONDS = 15.0
FRAME_SECONDS = 1 / 30
"""Between two frames of a live view: more a second than are seen would cost beside steps that are shorter than this.
Those in between are kept, and handed out all at once (`/frames`)."""
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Streams:
    """The streams that are open, within bounds, so that forgotten viewers cannot pile up without end.

    Pictures are encoded in `room`; all else is told at once, so that a state never waits behind others' pictures.
    """

    def __init__(self, bounds: Bounds | None = None, room: Room | None = None) -> None:
        self._viewers = Viewers(bounds)
        self._room = room or Rooms().frames

    @property
    def open(self) -> int:
        return len(self._viewers)

    def check(self, job: Job, visitor: Visitor) -> None:
        """Raises Busy where this visitor has no room for one more."""
        self._viewers.check(visitor, job.id)

    async def watch(
        self,
        job: Job,
        after: int,
        frames: FrameEncoder,
        still_here: Callable[[], object],
        visitor: Visitor,
    ) -> AsyncIterator[bytes]:
        """The events after number `after`: what is kept, then what comes; a comment when nothing comes for long.

        `still_here` is called now and then while the viewer reads.
        """
        try:
            with self._viewers.watching(visitor, job.id) as viewer:
                async for part in self._parts(job, after, frames, still_here, viewer):
                    yield part
        except Busy as error:  # many asked at the same moment
            yield format_sse_event(event="error", data_str=_json(error.to_json()))

    async def _parts(
        self, job: Job, after: int, frames: FrameEncoder, still_here: Callable[[], object], viewer: Viewer
    ) -> AsyncIterator[bytes]:
        client = viewer.visitor.client
        yield format_sse_event(comment="watching")
        while not viewer.replaced:
            batch = await job.next_events(after, timeout=HEARTBEAT_SECONDS)
            still_here()
            for number, event in batch:
                told = partial(message, job, number, event, frames)
                yield await self._room.run(client, told) if isinstance(event, Frame | Snapshot) else told()
                after = number
            if not batch and job.over:
                return
            if not job.over and any(isinstance(event, Frame) for _, event in batch):
                await asyncio.sleep(FRAME_SECONDS)  # the newest frame then, and whatever else has come
            if not batch:
                yield format_sse_event(comment="still here")


def message(job: Job, number: int, event: Event | StateChange, frames: FrameEncoder) -> bytes:
    told = described(job, event, frames)
    return b"".join(format_sse_event(id=str(number), event=name, data_str=_json(data)) for name, data in told)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, default=plain)


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
