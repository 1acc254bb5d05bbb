"""Gradio's app behind a gate: it is sent only bodies that were checked, and a browser's events stay its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc_ui import gradio_bodies
from aigc_ui.gradio_bodies import Handlers
from aigc_ui.visitors import CLIENT_COOKIE, cookie
from pipelines.errors import BadRequest, NotFound, StudioError

if TYPE_CHECKING:
    from aigc_ui.gradio_sessions import Waiting

EVENTS = "/gradio_api/queue/data"
HEARTBEAT = "/gradio_api/heartbeat/"
LONGEST_PATH = 250
ICON = Path(__file__).parent / "icon.svg"
NO_SESSION = {"msg": "unexpected_error", "message": "", "success": False, "session_not_found": True}


def mounted(blocks: Any, **options: Any) -> Gate:
    """The gr.Blocks as an app behind its gate, with Gradio's own check of paths switched on; imports Gradio."""
    import gradio as gr
    from fastapi import FastAPI

    from aigc_ui import gradio_sessions, page_files

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_route(page_files.ROUTE, page_files.answer, ["GET"])
    app = gr.mount_gradio_app(
        app, blocks, path="", server_name="", allowed_paths=[], blocked_paths=_everywhere(), **options
    )
    gradio_sessions.shrink(next(route.app for route in app.routes if isinstance(route, Mount)), blocks)
    blocks.favicon_path = str(ICON)  # mounting takes it for a path of "/" alone, and warns
    blocks.has_launched = True  # the check asks for it, and a mounted page never sets it
    return Gate(app, Handlers.of(blocks), gradio_sessions.Waiting(blocks), page_files.preload())


def _everywhere() -> list[str]:
    """The roots of the file system: no file is ever copied for clients, ours come from the HTTP API."""
    return sorted({Path(place).absolute().anchor for place in (os.getcwd(), tempfile.gettempdir())})


class Gate:
    """ASGI around the app that holds Gradio's, for a page with these handlers.

    Bodies are read whole (the guard has bounded them), checked and written anew, so that Gradio parses what was
    checked. Names of sessions get the browser's cookie mixed in: whoever learns one can use it only from there.
    """

    def __init__(self, app: ASGIApp, handlers: Handlers, waiting: Waiting, link: str = ""):
        self.app = app
        self.page = GZipMiddleware(app, compresslevel=5)  # Gradio sends half a megabyte, a tenth of it compressed
        self.router: Any = getattr(app, "router", None)  # the lifespan is the app's own
        self.handlers = handlers
        self.waiting = waiting
        self.link = link.encode()
        self._salt = secrets.token_bytes(16)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            if len(scope["path"]) > LONGEST_PATH:  # no file has such a name, and Gradio would fail over it
                raise NotFound("There is nothing at this address.")
            if scope["method"] == "POST":
                self.waiting.sweep()
                raw = await _whole(receive)
                if raw is None:  # the client left, or the guard has cut it off and answers
                    return
                scope, receive = self._with_body(scope, raw, receive)
            else:
                scope = self._with_session(scope)
                if await self._nothing_waits(scope, send):
                    return
        except StudioError as error:
            return await _refused(error)(scope, receive, send)
        if scope["path"] == "/":
            return await self.page(scope, receive, self._announcing(send))
        await self.app(scope, receive, send)

    def _with_body(self, scope: Scope, raw: bytes, receive: Receive) -> tuple[Scope, Receive]:
        body = gradio_bodies.checked(scope["path"], raw, self.handlers)
        if "session_hash" in body and not scope["path"].startswith(gradio_bodies.CALL_BY_NAME):
            body["session_hash"] = self._own(body["session_hash"], scope)
        data = json.dumps(body).encode()
        names = (b"content-type", b"content-length", b"transfer-encoding", b"content-encoding")
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in names]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
        return {**scope, "headers": headers}, _replayed(data, receive)

    def _with_session(self, scope: Scope) -> Scope:
        path = scope["path"]
        if path == EVENTS:
            name = self._own(gradio_bodies.session({"session_hash": _session(scope)}), scope)
            return {**scope, "query_string": urlencode({"session_hash": name}).encode()}
        if path.startswith(HEARTBEAT):
            name = self._own(gradio_bodies.session({"session_hash": path.removeprefix(HEARTBEAT)}), scope)
            return {**scope, "path": HEARTBEAT + name, "raw_path": (HEARTBEAT + name).encode()}
        return scope

    async def _nothing_waits(self, scope: Scope, send: Send) -> bool:
        """Whether the events of a session that is not there were asked for; the answer is the one of Gradio, whole."""
        path = scope["path"]
        if event := re.fullmatch(r"/gradio_api/call/\w+/(\w+)", path):
            if not self.waiting.has_event(event[1]):
                raise NotFound("there is no such event, or all of its messages were read.")
        elif path == EVENTS and not self.waiting.has_session(
            parse_qs(scope["query_string"].decode())["session_hash"][0]
        ):
            await Response(f"data: {json.dumps(NO_SESSION)}\n\n", media_type="text/event-stream")(scope, _never, send)
            return True
        return False

    def _announcing(self, send: Send) -> Send:
        """Names the scripts that the page will need in its answer: Gradio adds a page's head only once it runs."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"link", self.link)]}
            await send(message)

        return sending

    def _own(self, name: str, scope: Scope) -> str:
        """Scripts without cookies keep the name alone, and no browser's session has a name like that."""
        held = cookie(Headers(scope=scope), CLIENT_COOKIE)
        if not held:
            return name
        return f"{name}.{hashlib.sha256(self._salt + held.encode(errors='replace')).hexdigest()[:16]}"


def _session(scope: Scope) -> str:
    names = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", ())
    if len(names) != 1:
        raise BadRequest("session_hash must be given once.")
    return names[0]


async def _never() -> Message:
    raise RuntimeError("nothing is received for an answer that is whole")


async def _whole(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one message, then what comes after it: that the client left."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _refused(error: StudioError) -> JSONResponse:
    content = {"error": error.to_json()}
    return JSONResponse(content, error.status, headers={"cache-control": "no-store"})
