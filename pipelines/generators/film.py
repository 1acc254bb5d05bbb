"""How a saved picture came about, as a film: from the steps that are kept, or from the picture painted once more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import Any

from pipelines import models
from pipelines.device.entering import EVERY_SECONDS
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease, on_device
from pipelines.diffusion.retracing import all_steps
from pipelines.errors import BadRequest, NotFound, Sentence
from pipelines.events import Event, Film, Frame, Progress, Result, StopEarly, nothing_to_keep
from pipelines.generators.film_frames import Drawing
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.info import ModelInfo
from pipelines.requests.branch import Parent
from pipelines.requests.film import EPSILON, GENERATOR, FilmRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import film

MOST_PIXELS = 120_000_000
"""Of all pictures of a film together; the encoders hold them all."""


class FilmOfSteps:
    """The generator: progress, then one Film. Stopped early it ends without one, and nothing is left of it."""

    name = GENERATOR
    request_type = FilmRequest

    def stream(self, request: FilmRequest, devices: DeviceManager) -> Iterator[Event]:
        """Raises BadRequest where the format cannot be written here, the steps cannot be had, or are too many."""
        request.check()
        film.check_encoder(request.kind)
        parent, asked = request.making()
        if parent.image is None:
            raise NotFound("the pixels of the picture were not handed over. Choose it again.")
        try:
            frames = yield from _frames(request.shows, parent, asked, devices)
            drawing = Drawing(request, frames, parent.image, asked.prompt)
            _refuse_too_large(drawing, len(frames))
            pictures = []
            for picture in drawing.pictures():
                pictures.append(picture)
                yield Progress("drawing", len(pictures), len(frames))
            a_step, hold = round(1000 / request.fps), round(1000 * request.hold)
            data = yield from _beside("filming", lambda: film.encode(pictures, request.kind, a_step, hold))
        except StopEarly:
            yield nothing_to_keep()
            return
        yield Film(request.kind, data)
        yield _told(drawing.notes)


def _told(notes: list[Sentence]) -> Result:
    nothing = nothing_to_keep()
    return Result(nothing.images, (), notes=tuple(notes))


def _frames(
    shows: str, parent: Parent, asked: TextToImageRequest, devices: DeviceManager
) -> Generator[Event, None, list[Frame]]:
    yield Progress("loading")
    info = models.inspect(models.find(asked.model))
    if info.bridged or asked.hires.wanted:
        if shows == EPSILON:
            raise BadRequest(
                "the noise that each step sees is known of pictures of one pass that our own samplers painted; this is "
                "another one. Show the result, the noisy picture or both."
            )
        return (yield from _painted_again(asked, parent.steps_done, devices))
    return (yield from on_device(info, devices, _kept(parent, info, devices)))


def _kept(parent: Parent, info: ModelInfo, devices: DeviceManager) -> Generator[Event, None, list[Frame]]:
    from pipelines.diffusion import replay

    with lease(info, devices) as base:
        known = yield from all_steps(parent, base, devices)
        frames = []
        for frame in replay.frames(known, base):
            frames.append(frame)
            yield Progress("retracing", frame.index, frame.total)
    return frames


def _painted_again(
    asked: TextToImageRequest, stopped: int | None, devices: DeviceManager
) -> Generator[Event, None, list[Frame]]:
    """Its frames up to that step; what comes after them is the saved picture, so nothing more is asked for."""
    frames: list[Frame] = []
    for event in TextToImage().stream(asked, devices):
        if isinstance(event, Frame):
            frames.append(event)
            yield Progress("retracing", event.index, event.total)
            if event.index == (stopped or event.total):
                break
        elif isinstance(event, Progress):
            yield event
    return frames


def _refuse_too_large(drawing: Drawing, count: int) -> None:
    width, height = drawing.strip.shape
    if width * height * count > MOST_PIXELS:
        raise BadRequest(
            "{count} pictures of {width} x {height} are too much for one film. Choose a smaller size.",
            count=count,
            width=width,
            height=height,
        )


def _beside(stage: str, work: Callable[[], Any]) -> Generator[Event, None, Any]:
    """What `work` gives, done in a thread of its own with an event now and then; left early, it ends for nobody."""
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # it belongs to whoever waits
            done.set_exception(error)

    threading.Thread(target=run, name="filming", daemon=True).start()
    while True:
        try:
            return done.result(EVERY_SECONDS)
        except TimeoutError:
            if done.done():
                raise
            yield Progress(stage)
