"""Room for work that blocks: so many at a time in threads of their own, and who waits holds no thread.

The server's shared pool has 40 threads, which also send files and list jobs. Whatever waits in it for a lock, a
semaphore or a model makes all of that wait; so heavy work never enters the pool, and queues on the event loop instead.
"""

import asyncio
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from aigc_ui.visitors import visitor_of
from pipelines import stopping
from pipelines.errors import Busy, Superseded, TooMany

BENCH_HEADER = "x-aigc-bench"
"""Names what a page asks about, such as one bench of one tab: a newer question replaces the one that still waits."""
LONGEST_RETRY = 60
BODY_SECONDS, DRAIN_SECONDS = 60.0, 10.0
_RECENT = 0.3  # the weight of the latest work in the mean of how long one takes

T = TypeVar("T")


@dataclass(eq=False)
class _Place:
    """One who waits in line, or has been let in: then `ready` is done."""

    client: str
    bench: str
    ready: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop
    inside: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    since: float = 0.0

    def resolve(self, error: Exception | None = None) -> bool:
        """Wakes who waits, from any thread. False where their event loop is closed."""
        try:
            self.loop.call_soon_threadsafe(self._resolve, error)
        except RuntimeError:
            return False
        return True

    def _resolve(self, error: Exception | None) -> None:
        if self.ready.done():
            return
        if error is None:
            self.ready.set_result(None)
        else:
            self.ready.set_exception(error)


class Room:
    """`at_once` works run; more wait, clients in turns, at most `waiting` of all and `per_client` of one client.

    One client holds all places but one at most, so that somebody else's work always finds a place soon.
    """

    def __init__(self, name: str, at_once: int, waiting: int = 64, per_client: int = 16) -> None:
        self.name = name
        self._at_once, self._most_waiting, self._most_of_one = at_once, waiting, per_client
        self._lock = threading.Lock()  # held for moments only: tests serve one studio from several event loops
        self._inside: Counter[str] = Counter()
        self._waiting: dict[str, deque[_Place]] = {}  # by client, whose turn it is first
        self._mean_seconds = 0.1
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"room-{name}")

    def waiting(self) -> int:
        with self._lock:
            return self._in_line()

    def inside(self) -> int:
        with self._lock:
            return self._inside.total()

    async def answer(self, request: Request, work: Callable[[], T]) -> T:
        """work() for who sent the request; when they go, they leave the line, and `stopping.check` ends their work.

        For what somebody reads. What somebody sends, such as a job, is done by `run` even when they have gone.
        Raises TooMany, and Superseded where a newer request of the same bench has taken this one's place.
        """
        bench = request.headers.get(BENCH_HEADER, "")[:100]
        answered = asyncio.ensure_future(self.run(client_of(request), work, bench))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            raise Superseded("Nobody waits for this answer any more.")
        finally:
            gone.cancel()
            answered.cancel()

    async def with_body(self, request: Request, work: Callable[[bytes], T]) -> T:
        """work(body), where the body is read once it is the client's turn: who waits holds no memory either.

        Raises TooMany, and Busy for a body that does not come.
        """

        async def prepared() -> Callable[[], T]:
            return partial(work, await _body(request))

        try:
            return await self._run(client_of(request), prepared)
        except (Busy, TooMany):
            await _drain(request)
            raise

    async def run(self, client: str, work: Callable[[], T], bench: str = "") -> T:
        """work() in a thread of this room, once it is the client's turn. Raises TooMany, Superseded."""

        async def prepared() -> Callable[[], T]:
            return work

        return await self._run(client, prepared, bench)

    async def _run(self, client: str, prepared: Callable[[], Awaitable[Callable[[], T]]], bench: str = "") -> T:
        place = self._enter(client, bench)
        try:
            await place.ready
            work = await prepared()
            place.since = time.monotonic()
            running = self._threads.submit(copy_context().run, _work, work, place.stop)
        except BaseException:  # cancelled, or the interpreter ends: the place must not stay taken
            self._give_up(place)
            raise
        running.add_done_callback(lambda done: self._leave(place, done))
        try:
            return await asyncio.wrap_future(running)
        finally:
            place.stop.set()

    def _enter(self, client: str, bench: str) -> _Place:
        loop = asyncio.get_running_loop()
        place = _Place(client, bench, loop.create_future(), loop)
        with self._lock:
            if self._replaced(place):
                return place
            own = len(self._waiting.get(client, ()))
            full = own >= self._most_of_one or self._in_line() >= self._most_waiting
            if full and not self._has_room(client):
                raise self._too_many(own)
            self._waiting.setdefault(client, deque()).append(place)
            self._admit()
        return place

    def _replaced(self, place: _Place) -> bool:
        """Whether it has taken the place in line of an older one of the same bench."""
        line = self._waiting.get(place.client, deque())
        for position, older in enumerate(line):
            if place.bench and older.bench == place.bench:
                line[position] = place
                older.resolve(Superseded("A newer request of this bench has taken the place of this one."))
                return True
        return False

    def _too_many(self, own: int) -> TooMany:
        seconds = math.ceil(self._mean_seconds * (self._in_line() + 1) / self._at_once)
        wait = min(max(1, seconds), LONGEST_RETRY)
        if own >= self._most_of_one:
            return TooMany(
                "{own} of your requests of this kind wait already. Try again in {wait} s.", wait, own=own, wait=wait
            )
        line = self._in_line()
        return TooMany("{line} requests of this kind wait already. Try again in {wait} s.", wait, line=line, wait=wait)

    def _admit(self) -> None:
        """Lets in who may; the client that was served goes to the end of the turns."""
        while (client := next((name for name in self._waiting if self._has_room(name)), None)) is not None:
            line = self._waiting.pop(client)
            place = line.popleft()
            if line:
                self._waiting[client] = line
            if place.resolve():
                place.inside = True
                self._inside[client] += 1

    def _has_room(self, client: str) -> bool:
        return self._inside.total() < self._at_once and self._inside[client] < max(1, self._at_once - 1)

    def _give_up(self, place: _Place) -> None:
        with self._lock:
            line = self._waiting.get(place.client, deque())
            if place in line:
                line.remove(place)
                if not line:
                    del self._waiting[place.client]
            elif place.inside:
                self._free(place)

    def _leave(self, place: _Place, done: "Future[Any]") -> None:
        with self._lock:
            if not done.cancelled():
                self._mean_seconds += _RECENT * (time.monotonic() - place.since - self._mean_seconds)
            self._free(place)

    def _free(self, place: _Place) -> None:
        place.inside = False
        self._inside[place.client] -= 1
        self._inside += Counter()  # forgets those with none
        self._admit()

    def _in_line(self) -> int:
        return sum(len(line) for line in self._waiting.values())


def _work(work: Callable[[], T], stop: threading.Event) -> T:
    with stopping.when(stop):
        return work()


def client_of(request: Request) -> str:
    """The id of who asks, as the guard has set it; "" when there is no guard."""
    return visitor_of(request).client


async def _body(request: Request) -> bytes:
    """Not kept by the request, as `request.body()` would be for as long as it is answered."""

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in request.stream()])

    try:
        return await asyncio.wait_for(whole(), BODY_SECONDS)
    except TimeoutError:
        raise Busy(
            "The file did not arrive within {seconds:.0f} s. Send a smaller one.", seconds=BODY_SECONDS
        ) from None


async def _drain(request: Request) -> None:
    """Read what is still being sent, and keep nothing: a client that is cut off while it sends sees no answer."""

    async def read() -> None:
        async for _ in request.stream():
            pass

    try:
        await asyncio.wait_for(read(), DRAIN_SECONDS)
    except (TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: it was read whole
        pass


async def _gone(request: Request) -> None:
    """Returns when the client has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
