"""Serving: the HTTP API at once, the page as soon as Gradio is imported and built, then the warming of the model."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc_ui import connections
from aigc_ui.tls import Certificate
from pipelines.files import leftovers

WAITING = (
    "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=1><title>AIGC Studio</title>"
    "<style>body{font:1.1rem system-ui;max-width:30rem;margin:30vh auto;padding:0 1rem}</style>"
    "<p>AIGC Studio is starting. This page opens by itself in a few seconds."
)
TURN = 0.001
"""Seconds that a computing thread holds the interpreter when the event loop wants it; Python's own 5 ms, taken several
times for each answer by each of several threads, make a cancelled job feel slow."""
KEPT_VARIABLES = {"GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR"}
# Gradio's monitoring, which stays shut, else keeps the last 10,000 events and sums them all up after each.
OWN_VARIABLES = {"GRADIO_ANALYTICS_MAX_EVENTS": "100", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000"}
# Said here rather than left to defaults, which follow the environment.
GRADIO: dict[str, Any] = {
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "mcp_server": False,
    "pwa": True,
    "show_error": False,
    "footer_links": [],
    "max_file_size": "30mb",
}


NO_PAGE = (
    "<!doctype html><meta charset=utf-8><title>AIGC Studio</title><p>AIGC Studio was started with --nowebui: it "
    "answers programs at /api/v1, /sdapi/v1 and /v1. Start it without that option to see the page."
)


class Page(Protocol):
    """An ASGI app with a lifespan, as Gradio's mount makes it."""

    router: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def quiet_gradio_environment() -> list[str]:
    """Takes out the GRADIO_* variables, which could share or expose the studio behind its owner's back; names them."""
    kept = KEPT_VARIABLES | set(OWN_VARIABLES)
    taken = sorted(name for name in os.environ if name.startswith("GRADIO_") and name not in kept)
    for name in taken:
        del os.environ[name]
    os.environ.update(OWN_VARIABLES)
    return taken


class Studio:
    """The ASGI app behind the guard: the API's paths go to `api`, all others to the page that `build_page` returns.

    The page is built in a thread after serving has begun; until then its address shows a line that says so.
    `when_ready` is called in a thread of its own once the page is up. What went wrong in building is in `failure`.
    """

    def __init__(self, api: ASGIApp, build_page: Callable[[], Page], when_ready: Callable[[], object]):
        self.failure: BaseException | None = None
        self._api = api
        self._build_page = build_page
        self._when_ready = when_ready
        self._page: Page | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        path = scope["path"]
        if path.startswith(("/api/", "/sdapi/", "/controlnet/", "/v1/")) or path == "/healthz":
            return await self._api(scope, receive, send)
        if self._page is not None:
            return await self._page(scope, receive, send)
        await _say_waiting(path, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        closing = asyncio.Event()
        life = asyncio.create_task(self._live(closing))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        closing.set()
        if self._page is None:
            life.cancel()
        await asyncio.wait([life])
        await send({"type": "lifespan.shutdown.complete"})

    async def _live(self, closing: asyncio.Event) -> None:
        """One task for the page's whole life, because its context must be left where it was entered."""
        page = await self._built()
        if page is None:
            signal.raise_signal(signal.SIGTERM)
            return
        async with page.router.lifespan_context(page):
            self._page = page
            threading.Thread(target=self._when_ready, name="warming", daemon=True).start()
            await closing.wait()

    async def _built(self) -> Page | None:
        """The page, built in a daemon thread: the pool's threads would be waited for at an early Ctrl+C."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        pages: list[Page] = []

        def build() -> None:
            try:
                pages.append(self._build_page())
            except BaseException as failure:
                self.failure = failure  # raised again by `serve`
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=build, name="page", daemon=True).start()
        await done.wait()
        return pages[0] if pages else None


async def _say_waiting(path: str, send: Send) -> None:
    error = {"error": {"code": "starting", "message": "The studio is starting. Try again in a few seconds."}}
    page = path == "/"
    body = (WAITING if page else json.dumps(error)).encode()
    start: Message = {
        "type": "http.response.start",
        "status": 200 if page else 503,
        "headers": [
            (b"content-type", b"text/html; charset=utf-8" if page else b"application/json"),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"2"),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


def no_page() -> Page:
    """What stands at the studio's address when only programs are to use it."""
    page = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    page.add_api_route("/", lambda: HTMLResponse(NO_PAGE))
    return page


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Open streams are cut off from here on, and uvicorn would print a traceback for each.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


def serve(
    app: ASGIApp, listening: socket.socket, ledger: connections.Ledger, certificate: Certificate | None = None
) -> None:
    """Blocks until Ctrl+C or SIGTERM; open streams get half a second to end."""
    sys.setswitchinterval(TURN)
    signal.signal(signal.SIGTERM, _leave)
    config = uvicorn.Config(
        app,
        http=connections.protocol(ledger),
        lifespan="on",
        log_level="warning",
        access_log=False,  # it would hold tokens
        ws="none",
        proxy_headers=False,  # see aigc_ui/proxies.py
        ssl_certfile=certificate.certfile if certificate else None,
        ssl_keyfile=certificate.keyfile if certificate else None,
        server_header=False,
        limit_concurrency=2 * ledger.bounds.total,  # never reached: its answer is 503 to everybody
        timeout_graceful_shutdown=1,
    )
    try:
        _Server(config).run(sockets=[listening])
    except (KeyboardInterrupt, SystemExit):
        pass  # uvicorn raises the signal that ended it once more


def leave(code: int) -> None:
    """Ends the process now. Threads inside torch can not be joined, and unwinding under them may crash."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Where Gradio puts uploads and results for its clients; gone when the studio ends, or the next one starts."""
    with leftovers.uploads_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        yield str(folder)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
