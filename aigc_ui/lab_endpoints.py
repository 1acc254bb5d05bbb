"""Named endpoints of the lab for gradio_client: what its experiments answer over HTTP, and its trainings' events.

Client("http://127.0.0.1:7860/").predict(beta_schedule="cosine", api_name="/lab_schedule")["curves"]["beta"]
for event in Client(...).submit(training_steps=500, api_name="/train_points"): ...
"""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import api

from aigc_ui import endpoint_fields, lab_api, sse
from aigc_ui.frames import FrameEncoder
from aigc_ui.plain import plain
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines import lab
from pipelines.engine.job import Job
from pipelines.engine.queue import StateChange
from pipelines.errors import StudioError
from pipelines.events import Event

TRAININGS = {"train_points": "points-training", "train_family": "family-training"}
"""The generators that learn, by the names of their endpoints."""


def add(services: Services) -> None:
    """Adds /lab_... for each experiment and /train_... for each training; call it inside a Blocks context."""
    for name in lab.names():
        _add_experiment(services, name)
    known = services.generator_names()
    for endpoint, generator in TRAININGS.items():
        if generator in known:
            _add_training(services, endpoint, generator)


def _add_experiment(services: Services, name: str) -> None:
    request_type = lab.request_type(name)

    async def experiment(request: gr.Request, *given: Any) -> dict[str, Any]:
        values = endpoint_fields.by_name(request_type, given)
        client = visitor_of(request).client
        work = partial(lab_api.answer_of, services, name, values, client)
        try:
            return await services.rooms.experiments.run(client, work)
        except StudioError as error:
            raise endpoint_fields.error_of(error) from None

    endpoint_fields.describe(experiment, request_type, dict)
    api(experiment, api_name=f"lab_{name.replace('-', '_')}", concurrency_limit=None)


def _add_training(services: Services, endpoint: str, generator: str) -> None:
    request_type = lab.training_request(generator)

    async def training(request: gr.Request, *given: Any) -> AsyncIterator[dict[str, Any]]:
        visitor = visitor_of(request)
        values = endpoint_fields.by_name(request_type, given)

        def submit() -> Job:
            return services.submit(generator, request_type.parse(values), visitor)

        try:
            job = await services.rooms.submitting.run(visitor.client, submit)
        except StudioError as error:
            raise endpoint_fields.error_of(error) from None
        async for event in _events(services, job, visitor.client):
            yield event
        if job.error is not None:
            raise gr.Error(job.error.message, print_exception=False)

    endpoint_fields.describe(training, request_type, dict)
    api(training, api_name=endpoint, concurrency_limit=None)


async def _events(services: Services, job: Job, client: str) -> AsyncIterator[dict[str, Any]]:
    """The events as over HTTP, each with its name as `event`; /cancel takes the `id` that the first, a state, has."""
    frames, after = FrameEncoder(), -1
    while True:
        batch = await job.next_events(after, timeout=sse.HEARTBEAT_SECONDS, every_frame=False)
        services.jobs.seen(client)
        for number, event in batch:
            after = max(after, number)
            for part in await services.rooms.frames.run(client, partial(_plain, job, event, frames)):
                yield part
        if not batch and job.over:
            return


def _plain(job: Job, event: Event | StateChange, frames: FrameEncoder) -> list[dict[str, Any]]:
    parts = [{"event": name, **data} for name, data in sse.described(job, event, frames)]
    return json.loads(json.dumps(parts, default=plain))
