"""Jobs that a program waits for: handed in together, waited for, and their pictures in base64."""

import base64
from collections.abc import Sequence

from fastapi import Request

from aigc_ui.services import Services
from aigc_ui.visitors import Visitor
from pipelines.engine.job import Job, JobError
from pipelines.errors import BadFile, BadRequest, DeviceLost, NotAllowed, NotFound, OutOfMemory, StudioError
from pipelines.params import Request as Values

NO_FAULT_OF_OURS = (BadRequest, BadFile, NotFound, NotAllowed, OutOfMemory, DeviceLost)


class JobFailed(StudioError):
    """A job that ended without a picture, with its own sentence."""

    code = "job_failed"

    @classmethod
    def of(cls, error: JobError) -> "JobFailed":
        """With the status of its kind: a mask that is all black, or a LoRA that is not here, is no fault of ours."""
        failed = cls(error.message)
        kinds = {kind.code: kind.status for kind in NO_FAULT_OF_OURS}
        failed.status = kinds.get(error.code, cls.status)
        return failed


def submit_all(services: Services, generator: str, requests: Sequence[Values], visitor: Visitor) -> list[Job]:
    """A job for each; where one is refused, none."""
    jobs: list[Job] = []
    try:
        for one in requests:
            jobs.append(services.submit(generator, one, visitor))
    except StudioError:
        for job in jobs:
            services.jobs.cancel(job.id, visitor.client)
        raise
    return jobs


async def finished(services: Services, jobs: Sequence[Job], client: str, request: Request) -> None:
    """Waits for the jobs as long as somebody waits for the answer; they themselves go on in any case."""
    for job in jobs:
        after = -1
        while not job.over:
            entries = await job.next_events(after, timeout=1.0)
            after = entries[-1][0] if entries else after
            services.jobs.seen(client)
            if await request.is_disconnected():
                break


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
