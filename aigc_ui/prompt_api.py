"""The prompt while it is being written, over HTTP: how many tokens it has, and what is wrong with it."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui import bodies
from aigc_ui.services import Services
from pipelines.diffusion.counter import CountRequest, count


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/prompt")

    @made.post("/tokens")
    async def tokens(request: Request) -> dict[str, Any]:
        values = await bodies.read(request)
        return asdict(await services.rooms.prompts.answer(request, lambda: count(CountRequest.parse(values))))

    return made
