"""Jobs as they go on after the studio was started again: waiting, or over and remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine import registry
from pipelines.engine.job import Job, JobError, JobState
from pipelines.engine.keeper import Store
from pipelines.engine.waiting_file import FINISHED, RUNNING, Orphan, Saved, WaitingFile
from pipelines.errors import Sentence, StudioError
from pipelines.params import Request

MOST_DEATHS = 2
"""A job that ran when the studio ended without a proper close so many times in a row is not started again."""
INTERRUPTED = JobError(
    "interrupted",
    Sentence(
        "The studio ended suddenly twice while this job ran, so it was not started a third time. Try it again; where "
        "memory is short, choose a smaller size or fewer pictures first."
    ),
)


@dataclass(frozen=True)
class PastRequest(Request):
    """The request of a job that is over, as it was written down: nothing will run it, so that nothing is imported or
    searched to check it."""

    written: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        return dict(self.written)


def all_restored(
    file: WaitingFile, get: Callable[[str], registry.Generator], store: Store
) -> tuple[list[Job], list[tuple[Orphan, list[Saved]]]]:
    """Each job of the last start and of studios on this folder that are gone, once; and what is to stay in the files
    of those: jobs that are not valid here, as they may need models that only the other studio was given."""
    saved, orphans = file.read(), file.orphans()
    known = {one.id for one in saved}
    jobs = [restored(one, get, store) for one in saved]
    rest: list[tuple[Orphan, list[Saved]]] = []
    for orphan in orphans:
        rest.append((orphan, []))
        for one in orphan.saved:
            job = restored(one, get, store)
            if one.part != FINISHED and job.error not in (None, INTERRUPTED):
                rest[-1][1].append(one)
            elif job.id not in known:
                jobs.append(job)
            known.add(job.id)
    return jobs, rest


def restored(saved: Saved, get: Callable[[str], registry.Generator], store: Store) -> Job:
    """The job, which is over where it was, or where it is not to run again: stopped, not valid any more, deadly.

    It keeps its id and its saved pictures. Its events have later numbers than those before, so that a viewer who
    connects again misses none.
    """
    request, invalid = _request(saved, get)
    job = Job(
        saved.generator,
        request,
        saved.client,
        saved.id,
        saved.created,
        first_event=time.time_ns() // 10**6,
        address=saved.address,
    )
    job.started = saved.started if saved.part == FINISHED else None
    job.deaths, job.interruptions = saved.deaths, saved.interruptions
    job.image_ids += saved.image_ids
    if saved.saving and store.has(saved.saving):
        job.image_ids.append(saved.saving)
    job.already_saved = len(job.image_ids)
    job.latents_ids += saved.latents_ids
    if saved.part == FINISHED:
        job.notes += saved.notes
        job.remember(saved.state, saved.error, saved.finished)
    elif saved.state is JobState.CANCELLED:
        job.remember(saved.state, None, saved.finished or time.time())
    else:
        if saved.part == RUNNING:
            job.deaths, job.interruptions = saved.deaths + 1, saved.interruptions + 1
        if invalid or job.deaths >= MOST_DEATHS:
            job.finish(invalid or INTERRUPTED)
    return job


def _request(saved: Saved, get: Callable[[str], registry.Generator]) -> tuple[Request, JobError | None]:
    """The request, checked unless the job is over, and what is wrong with it."""
    if saved.part == FINISHED or saved.state is JobState.CANCELLED:
        return PastRequest(written=saved.request), None
    try:
        return get(saved.generator).request_type.parse(saved.request), None
    except StudioError as error:
        return PastRequest(written=saved.request), JobError.of(error)
