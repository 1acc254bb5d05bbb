"""The prompt while it is being written, over HTTP: how many tokens it has, and what is wrong with it."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from aigc_ui import bodies
from pipelines.prompts.counter import CountRequest, count


def router() -> APIRouter:
    made = APIRouter(prefix="/api/v1/prompt")

    @made.post("/tokens")
    async def tokens(request: Request) -> dict[str, Any]:
        asked = CountRequest.parse(await bodies.read(request))
        return asdict(await run_in_threadpool(count, asked))

    return made
