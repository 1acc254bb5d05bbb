"""Named endpoints for gradio_client: the same requests and jobs as on the page and over HTTP.

from gradio_client import Client
picture, recipe, pictures = Client("http://127.0.0.1:7860/").predict(prompt="a panda", api_name="/generate")

A field that takes a picture (`image`) takes its id, which `POST /api/v1/inputs` gives for the picture's bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.events import api

from aigc_ui import endpoint_fields, lab_endpoints
from aigc_ui.services import Services
from aigc_ui.visitors import Visitor, visitor_of
from pipelines.engine.job import Job
from pipelines.errors import StudioError
from pipelines.requests.text_to_image import GENERATOR


def add(services: Services) -> None:
    """Adds /generate, /status, /cancel and those of the lab; call it inside a Blocks context."""
    request_type = services.generator(GENERATOR).request_type

    async def generate(request: gr.Request, *given: Any) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
        values = endpoint_fields.by_name(request_type, given)
        job = await _submitted(services, values, visitor_of(request))
        await _over(services, job)
        if job.error is not None:
            raise gr.Error(job.error.message, print_exception=False)
        if not job.image_ids:
            raise gr.Error("The job was stopped before there was a picture.", print_exception=False)
        pictures = [_file(image_id, request) for image_id in job.image_ids]
        return pictures[0], services.store.get(job.image_ids[0]).recipe, pictures

    def status(request: gr.Request, job_id: str = "") -> dict[str, Any]:
        """One job, or all of this client's jobs and whether the model is ready."""
        client = visitor_of(request).client
        services.jobs.seen(client)
        if job_id:
            return _with_gradio_errors(lambda: services.job_for(job_id, client).snapshot())
        jobs = [job.snapshot() for job in services.jobs.list(client)]
        return {"ready": services.warmed.is_set(), "version": services.settings.version, "jobs": jobs}

    def cancel(request: gr.Request, job_id: str) -> dict[str, Any]:
        """Stops a running job, which keeps what it has, or takes back a waiting one."""
        return _with_gradio_errors(lambda: services.jobs.cancel(job_id, visitor_of(request).client).snapshot())

    endpoint_fields.describe(generate, request_type, tuple[FileData, dict, list[FileData]])
    api(generate, api_name="generate", concurrency_limit=None)
    api(status, api_name="status", concurrency_limit=None)
    api(cancel, api_name="cancel", concurrency_limit=None)
    lab_endpoints.add(services)


def _submit(services: Services, values: Mapping[str, Any], visitor: Visitor) -> Job:
    parsed = services.generator(GENERATOR).request_type.parse(values)
    return services.submit(GENERATOR, parsed, visitor)


async def _submitted(services: Services, values: Mapping[str, Any], visitor: Visitor) -> Job:
    try:
        return await services.rooms.submitting.run(visitor.client, lambda: _submit(services, values, visitor))
    except StudioError as error:
        raise endpoint_fields.error_of(error) from None


async def _over(services: Services, job: Job) -> None:
    """Waits without holding a thread until nothing will change any more; the job keeps its turn meanwhile."""
    after = -1
    while not job.over:
        for number, _event in await job.next_events(after, timeout=15, every_frame=False):
            after = max(after, number)
        services.jobs.seen(job.client)


def _with_gradio_errors(work: Callable[[], Any]) -> Any:
    """work(), with its errors in the form that Gradio passes on to a client."""
    try:
        return work()
    except StudioError as error:
        raise endpoint_fields.error_of(error) from None


def _file(image_id: str, request: gr.Request) -> dict[str, Any]:
    """A picture for gradio_client, which fetches `url` as it stands when the file is said to be a stream.

    So no copy goes through Gradio's temporary files.
    """
    host = request.headers.get("host", "")
    return {
        "path": f"{image_id}.png",
        "url": f"{request.url.scheme}://{host}/api/v1/images/{image_id}.png",
        "orig_name": f"{image_id}.png",
        "mime_type": "image/png",
        "is_stream": True,
        "meta": {"_type": "gradio.FileData"},
    }
