"""Turns for work on strangers' files: so many requests at once, and the others wait outside the thread pool."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

import anyio.to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from pipelines.errors import Busy

AT_ONCE = 8
PATIENCE = 30.0
BODY_SECONDS = 120.0
DRAIN_SECONDS = 5.0

T = TypeVar("T")


class Turns:
    """A request that waits holds neither a thread nor its body; after `patience` seconds it gets Busy.

    Who has a turn has `body_seconds` to send the body.
    """

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE, body_seconds: float = BODY_SECONDS) -> None:
        self._at_once, self._patience, self._body_seconds = at_once, patience, body_seconds
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Room] = WeakKeyDictionary()

    async def with_body(self, request: Request, work: Callable[[bytes], T]) -> T:
        """`work` on the request's body, in a thread. Raises Busy, and what `work` raises."""
        try:
            async with self._turn() as threads:
                data = await self._body(request)
                return await anyio.to_thread.run_sync(work, data, limiter=threads)
        except Busy:
            await _drain(request)
            raise

    async def run(self, work: Callable[[], T]) -> T:
        """`work` in a thread. Raises Busy, and what `work` raises."""
        async with self._turn() as threads:
            return await anyio.to_thread.run_sync(work, limiter=threads)

    async def _body(self, request: Request) -> bytes:
        try:
            return await asyncio.wait_for(request.body(), self._body_seconds)
        except TimeoutError:
            raise Busy(f"The file did not arrive within {self._body_seconds:.0f} s. Send a smaller one.") from None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[anyio.CapacityLimiter]:
        loop = asyncio.get_running_loop()
        room = self._loops.get(loop)
        if room is None:
            room = self._loops[loop] = _Room(self._at_once)
        try:
            await asyncio.wait_for(room.turns.acquire(), self._patience)
        except TimeoutError:
            raise Busy("Many files are being read just now. Try again in a minute.") from None
        try:
            yield room.threads
        finally:
            room.turns.release()


class _Room:
    """Of one event loop."""

    def __init__(self, at_once: int) -> None:
        self.turns = asyncio.Semaphore(at_once)
        self.threads = anyio.CapacityLimiter(at_once)


async def _drain(request: Request) -> None:
    """Read what is still being sent, and keep nothing: a client that is cut off while it sends sees no answer."""

    async def read() -> None:
        async for _ in request.stream():
            pass

    try:
        await asyncio.wait_for(read(), DRAIN_SECONDS)
    except (TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: it was read whole
        pass
