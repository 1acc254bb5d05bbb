"""The studio started anew by itself: the same command, port and tokens in a fresh process, for a lost graphics card."""

import os
import signal
import sys

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.errors import BadRequest, NotAllowed

TOKENS = "AIGC_STUDIO_TOKENS"
"""The variable in which the tokens of a shared studio reach the fresh process; taken out as soon as it is read."""


def router(services: Services) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/restart", status_code=202)
    async def restart(request: Request) -> JSONResponse:
        """Only for the owner, and only when nothing else helps: a new start cuts off what others are doing."""
        if not services.owns(visitor_of(request)):
            raise NotAllowed("In a shared studio only its owner starts it anew. Ask whoever started it.")
        if not services.devices.lost:
            raise BadRequest("The studio runs as it should, so there is nothing to start anew.")
        services.restart.set()
        return JSONResponse({"status": "restarting"}, 202, background=BackgroundTask(_end_serving))

    return router


async def _end_serving() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def tokens() -> tuple[str, str] | None:
    """The pupils' token and the owner's that the process before this one had; None after an ordinary start."""
    kept = os.environ.pop(TOKENS, "").split()
    return (kept[0], kept[1]) if len(kept) == 2 else None


def again(port: int, named: int | None, tokens: tuple[str, str] | None) -> None:
    """Replaces this process by a fresh one of the same command; `named` is the port that the command asked for."""
    words = [*sys.orig_argv[1:], *([] if named == port else ["--port", str(port)])]
    if tokens:
        os.environ[TOKENS] = " ".join(tokens)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *words])
