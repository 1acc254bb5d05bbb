"""A body is read in its sender's turn only: who waits for a room holds neither a thread nor memory."""

import asyncio
import threading

import pytest
from starlette.requests import Request

from aigc_ui import room
from aigc_ui.room import Room
from pipelines.errors import Busy, TooMany


def request(body: bytes, arrives: asyncio.Event | None = None, client: str = "") -> Request:
    async def receive() -> dict:
        if arrives is not None:
            await arrives.wait()
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"x-aigc-client", client.encode())]}, receive)


def test_sixty_at_once_are_all_answered_and_only_so_many_work_at_a_time() -> None:
    pictures, working, most, counting = Room("pictures", 4, 60, 60), 0, 0, threading.Lock()

    def work(data: bytes) -> bytes:
        nonlocal working, most
        with counting:
            working += 1
            most = max(most, working)
        threading.Event().wait(0.01)
        with counting:
            working -= 1
        return data

    async def all_of_them() -> list[bytes]:
        sent = (request(bytes([i]), client=f"client-{i % 3}") for i in range(60))
        return await asyncio.gather(*(pictures.with_body(one, work) for one in sent))

    assert asyncio.run(all_of_them()) == [bytes([i]) for i in range(60)] and 1 < most <= 4


def test_who_finds_no_place_is_told_at_once_and_waiting_bodies_are_not_read() -> None:
    pictures, go = Room("pictures", 1, 2, 2), threading.Event()

    async def crowded() -> None:
        first = asyncio.create_task(pictures.run("first", go.wait))
        await asyncio.sleep(0.05)
        unread = [request(b"abc") for _ in range(2)]
        waiting = [asyncio.create_task(pictures.with_body(one, len)) for one in unread]
        await asyncio.sleep(0.05)
        with pytest.raises(TooMany):
            await pictures.with_body(request(b"abc"), len)
        assert not any(one._stream_consumed for one in unread)
        go.set()
        await first
        assert await asyncio.gather(*waiting) == [3, 3]

    asyncio.run(asyncio.wait_for(crowded(), 60))


def test_a_body_that_does_not_arrive_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(room, "DRAIN_SECONDS", 0.2)
    pictures = Room("pictures", 1)

    async def slow() -> None:
        with pytest.raises(Busy, match="did not arrive"):
            await pictures.with_body(request(b"", asyncio.Event()), len)
        assert await pictures.with_body(request(b"ab"), len) == 2

    asyncio.run(asyncio.wait_for(slow(), 60))
