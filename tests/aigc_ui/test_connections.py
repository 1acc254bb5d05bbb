"""Sockets of a real server: idle ones are closed, and those of one address never take the places of others."""

import asyncio
import contextlib
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse

from aigc_ui import connections
from aigc_ui.connections import Bounds, Ledger
from aigc_ui.door import Door
from aigc_ui.guard import Guard, Hosts
from tests.aigc_ui.small_studio import until

TOKEN = "the-token-of-the-class"
HEADERS = f"host: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\n"
LIMITED = Bounds(total=60, of_address=20, strangers=40, head=1.0, body=1.0, least_body=10, reading=1.0)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes all of 127.0.0.0/8 as its own")


async def app(scope, receive, send):
    """Echoes the size of a body; under /api/v1/jobs/stream/events it sends until it is left."""
    if scope["path"].endswith("/events"):

        async def endless():
            while True:
                yield b": x" * 20_000
                await asyncio.sleep(0.01)

        return await StreamingResponse(endless())(scope, receive, send)
    body = await Request(scope, receive).body()
    await JSONResponse({"bytes": len(body)})(scope, receive, send)


@contextlib.contextmanager
def serving(bounds: Bounds) -> Iterator[tuple[int, Ledger]]:
    """A port, and the ledger of the server there, behind the guard of a shared studio."""
    ledger = Ledger(bounds)
    guard = Guard(app, Hosts(any_address=True), Door(TOKEN))
    http = connections.protocol(ledger)
    config = uvicorn.Config(guard, http=http, lifespan="off", log_level="critical", ws="none", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        try:
            yield listening.getsockname()[1], ledger
        finally:
            server.should_exit = server.force_exit = True
            thread.join(30)


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 30, source_address=(address, 0))


def answer(one: socket.socket, text: str = f"GET /api/v1/me HTTP/1.1\r\n{HEADERS}\r\n") -> str:
    """The first line of the answer, which is read to its end; "" where the connection is closed instead."""
    received = b""
    try:
        one.sendall(text.encode())
        while not (complete := re.fullmatch(rb"(.*?)\r\n\r\n(.*)", received, re.DOTALL)):
            if not (more := one.recv(65536)):
                return ""
            received += more
        head, body = complete.groups()
        length = re.search(rb"content-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += one.recv(65536)
    except OSError:
        return ""
    return head.decode().partition("\r\n")[0]


def is_closed(one: socket.socket) -> bool:
    one.settimeout(0.01)
    try:
        return one.recv(65536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


@needs_linux
def test_idle_sockets_of_one_address_leave_room_for_everybody_else_and_for_their_own():
    with serving(LIMITED) as (port, ledger), contextlib.ExitStack() as room:
        idle = [room.enter_context(connect(port)) for _ in range(150)]
        assert answer(room.enter_context(connect(port, "127.0.0.2"))).endswith("200 OK")
        assert answer(room.enter_context(connect(port))).endswith("200 OK"), "also from the same address"
        assert len(ledger) <= LIMITED.of_address + 1
        until(lambda: all(is_closed(one) for one in idle))


@needs_linux
def test_strangers_at_many_addresses_leave_places_for_those_who_came_in():
    bounds = Bounds(total=60, of_address=20, strangers=40, head=60)
    with serving(bounds) as (port, ledger), contextlib.ExitStack() as room:
        pupils = [room.enter_context(connect(port, "127.0.1.1")) for _ in range(10)]
        assert all(answer(one).endswith("200 OK") for one in pupils)
        for i in range(100):
            room.enter_context(connect(port, f"127.0.2.{i % 10}"))
        until(lambda: len(ledger) >= 50)
        assert all(answer(one).endswith("200 OK") for one in pupils), "none of them had to give way"
        assert answer(room.enter_context(connect(port, "127.0.3.1"))).endswith("200 OK")
        assert len(ledger) <= 60


@needs_linux
def test_a_connection_that_is_being_answered_gives_way_to_nobody():
    bounds = Bounds(total=60, of_address=3, strangers=40, head=60, reading=60)
    events = f"GET /api/v1/jobs/stream/events HTTP/1.1\r\n{HEADERS}\r\n"
    with serving(bounds) as (port, ledger), contextlib.ExitStack() as room:
        streams = [room.enter_context(connect(port)) for _ in range(3)]
        assert all(answer(one, events).endswith("200 OK") for one in streams)
        assert answer(room.enter_context(connect(port))) == "", "the address has all that it may have"
        assert not any(is_closed(one) for one in streams)
        assert answer(room.enter_context(connect(port, "127.0.0.2"))).endswith("200 OK")


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", ["", "GET / HT", f"POST /api/v1/jobs HTTP/1.1\r\n{HEADERS}content-length: 99\r\n\r\n"]
)
def test_a_byte_now_and_then_keeps_no_place(start):
    with serving(LIMITED) as (port, ledger), connect(port) as one:
        one.sendall(start.encode())
        began = time.monotonic()
        while not is_closed(one):
            assert time.monotonic() - began < 30, "it stays open"
            with contextlib.suppress(OSError):
                one.sendall(b"x")
            time.sleep(0.2)
        until(lambda: len(ledger) == 0)


def test_a_refused_request_whose_body_drips_on_keeps_no_place():
    with serving(LIMITED) as (port, ledger), connect(port) as one:
        assert answer(one, "POST /api/v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9999\r\n\r\n").endswith(
            "401 Unauthorized"
        )
        began = time.monotonic()
        while not is_closed(one):
            assert time.monotonic() - began < 30, "it stays open"
            with contextlib.suppress(OSError):
                one.sendall(b"x")
            time.sleep(0.2)


@pytest.mark.slow
def test_a_slow_body_that_comes_on_is_waited_for():
    with serving(LIMITED) as (port, _), connect(port) as one:
        one.sendall(f"POST /api/v1/jobs HTTP/1.1\r\n{HEADERS}content-length: 200\r\n\r\n".encode())
        for _ in range(10):
            time.sleep(0.3)
            one.sendall(b"x" * 20)
        assert one.recv(65536).startswith(b"HTTP/1.1 200")


def test_who_does_not_read_an_answer_is_left():
    events = f"GET /api/v1/jobs/stream/events HTTP/1.1\r\n{HEADERS}\r\n"
    with serving(LIMITED) as (port, ledger), connect(port) as one:
        one.sendall(events.encode())
        until(lambda: len(ledger) == 1)
        until(lambda: len(ledger) == 0, seconds=60)


def test_many_requests_on_one_connection_are_answered():
    with serving(LIMITED) as (port, ledger), connect(port) as one:
        for _ in range(30):
            assert answer(one).endswith("200 OK")
        assert len(ledger) == 1


def test_bounds_follow_how_many_files_may_be_open():
    assert Bounds().within(100_000) == Bounds()
    small = connections.CLASSROOM.within(connections.DESCRIPTORS_FOR_OTHERS + 90)
    assert (small.total, small.of_address, small.strangers) == (90, 30, 70)
    assert connections.open_file_limit() > 0
