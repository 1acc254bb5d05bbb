"""Drives one job's generator in the job's own thread: passes its events on, saves its pictures, stops it when asked."""

import logging
from collections.abc import Callable, Iterator
from collections.abc import Generator as Stream
from contextlib import closing
from dataclasses import replace
from typing import cast

from pipelines.device.lost import LOST, is_lost
from pipelines.device.manager import DeviceManager
from pipelines.device.memory import is_out_of_memory
from pipelines.device.turns import Turns
from pipelines.engine.free_space import FreeSpace
from pipelines.engine.job import Job, JobError, JobState
from pipelines.engine.keeper import PictureKeeper
from pipelines.engine.registry import Generator
from pipelines.errors import DeviceLost, NoRoom, NotDecoded, OutOfMemory, Sentence, StorageError, StudioError
from pipelines.events import Event, Film, Frame, Result, StopEarly
from pipelines.params import Request
from pipelines.store.inputs import InputStore
from pipelines.store.kept_latents import LatentStore

log = logging.getLogger(__name__)


def run(
    job: Job,
    generator: Generator,
    devices: DeviceManager,
    keeper: PictureKeeper,
    inputs: InputStore | None = None,
    latents: LatentStore | None = None,
    space: FreeSpace | None = None,
    attach: Callable[[Request], Request] = lambda request: request,
    all_lost: Callable[[], bool] = lambda: True,
) -> None:
    """Run the job to its end, with the pictures from `inputs` and the `latents` that it names, if there is `space`;
    `attach` adds what it branches from.

    Raises nothing: whatever goes wrong is the job's own failure. A job that is `returning` is left as it is now. One
    for whose model there is no room beside other jobs waits again, and so does one whose device is lost, unless
    `all_lost`.
    """
    error = JobError("bug", Sentence("The studio was interrupted at this job. Please try it again."))
    job.cut_short = True
    try:
        if space is not None:
            space.check(job.resolved)
        _run(job, generator, devices, keeper, inputs, latents, attach)
        error = None
    except _Returning:
        pass
    except NoRoom as known:
        error = JobError.of(known)
        if not job.alone:
            job.wait_again()
    except NotDecoded as known:
        error = _keep_latents(job, known, latents)
    except StudioError as known:
        error = JobError.of(known)
    except Exception as bug:  # a fault in one generator must stop neither the queue nor the next job
        devices.lost = devices.lost or is_lost(bug)
        error = _explain(job, bug)
        if devices.lost and not all_lost():
            job.change_device()
    finally:
        if error and job.returning:
            job.hand_back()
        if job.state is not JobState.WAITING:  # again
            job.finish(error)


class _Returning(Exception):
    """The studio closes, and the job is not to go on."""


def _run(
    job: Job,
    generator: Generator,
    devices: DeviceManager,
    keeper: PictureKeeper,
    inputs: InputStore | None,
    latents: LatentStore | None,
    attach: Callable[[Request], Request],
) -> None:
    request = attach(job.resolved if inputs is None else job.resolved.with_pictures(inputs.load))
    if source := request.source_id():
        request = request.with_recipe(keeper.recipe(source))
    keeper.name_parents(job, request)
    finishes = request.latents_id()
    if finishes and latents is not None:
        if job.already_saved:  # the studio ended between the picture and this
            return latents.remove(finishes)
        kept = latents.load(finishes)
        pictures = {} if inputs is None else {name: inputs.load(i) for name, i in kept.picture_ids().items()}
        request = request.with_latents(kept, pictures)
    _drive(job, generator.stream(request, devices), keeper, devices.turns)
    job.cut_short = False
    keeper.check(job)
    if finishes and latents is not None and job.image_ids:
        latents.remove(finishes)  # the picture is on the disk now


def _keep_latents(job: Job, error: NotDecoded, latents: LatentStore | None) -> JobError:
    """What was painted is put on the disk, and the job names it, so that it can be decoded later."""
    if latents is not None and error.latents is not None:
        try:
            kept = (latents.add(one, said, job.client) for one, said in zip(error.latents, error.recipes, strict=True))
            job.latents_ids.extend(kept)
        except StorageError as full:
            return JobError.of(full)
    if finishes := job.request.latents_id():
        job.latents_ids.append(finishes)
    return JobError.of(error)


def _drive(job: Job, events: Iterator[Event], keeper: PictureKeeper, turns: Turns) -> None:
    """Between two events the job gives way to clients that had less of the device's time."""
    with closing(cast(Stream, events)) as stream, turns.of(job.client) as turn:
        job.turn, turn.recall = turn, job.recall
        for event in stream:
            _handle(job, event, keeper)
            turn.wait(lambda: job.returning or job.stop_wanted.is_set())
            if job.returning and not job.stop_wanted.is_set():
                raise _Returning
            if job.stop_wanted.is_set():
                _stop(job, stream, keeper)
                return


def _stop(job: Job, stream: Stream, keeper: PictureKeeper) -> None:
    """Throw StopEarly into the stream and take what it answers; one that goes on denoising is closed."""
    try:
        event = stream.throw(StopEarly())
        while not isinstance(event, Frame):
            _handle(job, event, keeper)
            event = next(stream)
    except (StopEarly, StopIteration):
        return


def _handle(job: Job, event: Event, keeper: PictureKeeper) -> None:
    if isinstance(event, Film):
        return keeper.add_film(job, event)
    if isinstance(event, Result):
        job.notes.extend(event.notes)
        keeper.add(job, event.images, event.recipes, event.unfinished, event.trajectories)
        event = replace(event, images=event.images[:0].copy(), trajectories=())  # kept elsewhere; a job stays small
    job.observe(event)


def _explain(job: Job, bug: Exception) -> JobError:
    if is_out_of_memory(bug):
        log.warning("job %s ran out of memory: %s", job.id, bug)
        sentence = Sentence("Memory ran out. Choose a smaller size, fewer pictures, or a smaller model.")
        return JobError(OutOfMemory.code, sentence)
    if is_lost(bug):
        log.error("job %s lost the device's context", job.id, exc_info=bug)
        return JobError.of(DeviceLost(LOST))
    log.error("job %s failed by a bug", job.id, exc_info=bug)
    return JobError(
        "bug", Sentence("The studio made a mistake at this job; the log has the details. Other jobs go on.")
    )
