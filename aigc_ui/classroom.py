"""A shared studio as its owner sees it: everybody's jobs, each with a visitor's number, and the right to stop them."""

from typing import Any

from aigc_ui.services import Services
from aigc_ui.visitors import Visitor
from pipelines.engine.queue import Job
from pipelines.errors import NotAllowed


def about(services: Services, visitor: Visitor) -> dict[str, Any]:
    """Who asks, and what they may do here. `number` is how the owner's list names them,
    `address` where a link for others leads."""
    shared = services.settings.shared
    return {
        "shared": shared,
        "owner": services.owns(visitor),
        "number": services.numbers.of(visitor.client) if shared else 0,
        "may_train": services.may_train(visitor),
        "may_change_models": services.owns(visitor),
        "address": services.settings.address,
    }


def jobs(services: Services, visitor: Visitor) -> list[dict[str, Any]]:
    """Everybody's jobs, running ones first. Raises NotAllowed to all but the owner."""
    _allow(services, visitor)
    return [_row(services, job, visitor) for job in services.jobs.list()]


def is_somebody_elses(services: Services, job_id: str, visitor: Visitor) -> bool:
    """Whether the owner of a shared studio asks about another visitor's job. Raises NotFound."""
    return services.settings.shared and visitor.owner and services.jobs.get(job_id).client != visitor.client


def stop(services: Services, job_id: str, visitor: Visitor) -> dict[str, Any]:
    """Ends a job that waits or runs; one that is over stays with whoever it belongs to."""
    _allow(services, visitor)
    return _row(services, services.jobs.cancel(job_id, None), visitor)


def _allow(services: Services, visitor: Visitor) -> None:
    if not services.owns(visitor):
        raise NotAllowed("Only the owner of a shared studio sees everybody's jobs.")


def _row(services: Services, job: Job, visitor: Visitor) -> dict[str, Any]:
    own = job.client == visitor.client
    return job.snapshot() | {"own": own, "visitor": services.numbers.of(job.client)}
