"""The look at a file of the hub before it is downloaded, over HTTP; the download itself is a job."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui import bodies
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.models.converting import hub
from pipelines.models.converting.download_job import DownloadRequest


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/hub")

    @made.post("/look")
    async def look(request: Request) -> dict[str, Any]:
        """{"repo", "file"} -> size in bytes, licence, whether terms must be accepted, SHA-256."""
        services.allow("download", visitor_of(request))
        asked = DownloadRequest.parse(await bodies.read(request))

        def work() -> dict[str, Any]:
            stream = hub.look_up(asked.repo, asked.file)
            while True:
                try:
                    next(stream)
                except StopIteration as over:
                    return asdict(over.value)

        return await services.rooms.hub.answer(request, work)

    return made
