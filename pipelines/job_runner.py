"""Drives one job's generator in the job's own thread: passes its events on, saves its pictures, stops it when asked."""

import logging
from collections.abc import Generator as Stream
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np

from pipelines.device import DeviceManager
from pipelines.errors import NotDecoded, OutOfMemory, StorageError, StudioError
from pipelines.events import Event, Frame, Result, StopEarly
from pipelines.inputs import InputStore
from pipelines.job import Job, JobError, Unsaved
from pipelines.kept_latents import LatentStore
from pipelines.memory import is_out_of_memory
from pipelines.registry import Generator
from pipelines.requests import DecodeRequest

log = logging.getLogger(__name__)


class Store(Protocol):
    """Where pictures go. `save` returns the picture's id, or raises StorageError with nothing half written."""

    def save(self, image: np.ndarray, recipe: dict[str, Any], client: str = "", unfinished: bool = False) -> str: ...


def run(
    job: Job,
    generator: Generator,
    devices: DeviceManager,
    store: Store,
    inputs: InputStore | None = None,
    latents: LatentStore | None = None,
) -> None:
    """Run the job to its end, with the pictures from `inputs` and the `latents` that it names.

    Raises nothing: whatever goes wrong is the job's own failure.
    """
    error = JobError("bug", "The studio was interrupted at this job. Please try it again.")
    try:
        request = job.request if inputs is None else job.request.with_pictures(inputs.load)
        if isinstance(request, DecodeRequest) and latents is not None:
            kept = latents.load(request.latents)
            pictures = {} if inputs is None else {name: inputs.load(i) for name, i in kept.picture_ids().items()}
            request = replace(request, kept=kept, pictures=pictures)
        _drive(job, generator.stream(request, devices), store)
        if isinstance(request, DecodeRequest) and latents is not None and job.image_ids:
            latents.remove(request.latents)  # the picture is on the disk now
        error = None
    except NotDecoded as known:
        error = _keep_latents(job, known, latents)
    except StudioError as known:
        error = JobError.of(known)
    except Exception as bug:  # a fault in one generator must stop neither the queue nor the next job
        error = _explain(job, bug)
    finally:
        job.finish(error)


def _keep_latents(job: Job, error: NotDecoded, latents: LatentStore | None) -> JobError:
    """What was painted is put on the disk, and the job names it, so that it can be decoded later."""
    if latents is not None and error.latents is not None:
        try:
            kept = (latents.add(one, said, job.client) for one, said in zip(error.latents, error.recipes, strict=True))
            job.latents_ids.extend(kept)
        except StorageError as full:
            return JobError.of(full)
    if isinstance(job.request, DecodeRequest):
        job.latents_ids.append(job.request.latents)
    return JobError.of(error)


def save_unsaved(job: Job, store: Store) -> None:
    """Write the pictures that the job still holds. Raises StorageError; what was written until then counts."""
    while job.unsaved:
        picture = job.unsaved[0]
        job.image_ids.append(store.save(picture.image, picture.recipe, job.client, picture.unfinished))
        del job.unsaved[0]


def _drive(job: Job, events: Iterator[Event], store: Store) -> None:
    with closing(cast(Stream, events)) as stream:
        for event in stream:
            _handle(job, event, store)
            if job.stop_wanted.is_set():
                _stop(job, stream, store)
                return


def _stop(job: Job, stream: Stream, store: Store) -> None:
    """Throw StopEarly into the stream and take what it answers; one that goes on denoising is closed."""
    try:
        event = stream.throw(StopEarly())
        while not isinstance(event, Frame):
            _handle(job, event, store)
            event = next(stream)
    except (StopEarly, StopIteration):
        return


def _handle(job: Job, event: Event, store: Store) -> None:
    if isinstance(event, Result):
        job.notes.extend(event.notes)
        job.unsaved.extend(
            Unsaved(image, recipe, event.unfinished) for image, recipe in zip(event.images, event.recipes, strict=True)
        )
        save_unsaved(job, store)
        event = replace(event, images=event.images[:0].copy())  # the store has them; a job must stay small
    job.observe(event)


def _explain(job: Job, bug: Exception) -> JobError:
    if is_out_of_memory(bug):
        log.warning("job %s ran out of memory: %s", job.id, bug)
        return JobError(OutOfMemory.code, "Memory ran out. Choose a smaller size, fewer pictures, or a smaller model.")
    log.error("job %s failed by a bug", job.id, exc_info=bug)
    return JobError("bug", "The studio made a mistake at this job; the log has the details. Other jobs go on.")
