"""A job that was asked for by a program and ended without a picture, as its answer."""

from pipelines.engine.job import JobError
from pipelines.errors import BadFile, BadRequest, NotAllowed, NotFound, StudioError


class JobFailed(StudioError):
    """A job that ended without a picture, with its own sentence."""

    code = "job_failed"

    @classmethod
    def of(cls, error: JobError) -> "JobFailed":
        """With the status of its kind: a mask that is all black, or a LoRA that is not here, is no fault of ours."""
        failed = cls(error.message)
        kinds = {kind.code: kind.status for kind in (BadRequest, BadFile, NotFound, NotAllowed)}
        failed.status = kinds.get(error.code, cls.status)
        return failed
