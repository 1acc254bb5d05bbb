"""Requests that bring files wait for their turn outside the thread pool: each is answered, and none waits for ever."""

import asyncio
import threading

import pytest
from starlette.requests import Request

from aigc_ui.turns import Turns
from pipelines.errors import Busy


def request(body: bytes, arrives: asyncio.Event | None = None) -> Request:
    async def receive() -> dict:
        if arrives is not None:
            await arrives.wait()
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_sixty_at_once_are_all_answered_and_only_so_many_work_at_a_time() -> None:
    turns, working, most, counting = Turns(at_once=4), 0, 0, threading.Lock()

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
        return await asyncio.gather(*(turns.with_body(request(bytes([i])), work) for i in range(60)))

    assert asyncio.run(all_of_them()) == [bytes([i]) for i in range(60)] and most <= 4


def test_who_waits_too_long_is_told_and_the_others_of_the_thread_pool_go_on() -> None:
    turns, go = Turns(at_once=1, patience=0.2), threading.Event()

    async def crowded() -> None:
        first = asyncio.create_task(turns.run(go.wait))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(turns.with_body(request(b""), len)) for _ in range(60)]
        answered = await asyncio.wait_for(asyncio.to_thread(lambda: "answered"), 10)
        assert answered and all(isinstance(e, Busy) for e in await asyncio.gather(*waiting, return_exceptions=True))
        go.set()
        await first
        assert await turns.with_body(request(b"abc"), len) == 3, "the turn came free"

    asyncio.run(crowded())


def test_a_body_is_read_only_in_its_turn_and_must_arrive_in_time() -> None:
    turns = Turns(at_once=1, body_seconds=0.2)

    async def slow() -> None:
        with pytest.raises(Busy, match="did not arrive"):
            await turns.with_body(request(b"", asyncio.Event()), len)
        assert await turns.with_body(request(b"ab"), len) == 2

    asyncio.run(asyncio.wait_for(slow(), 60))


def test_turns_work_in_one_event_loop_after_another() -> None:
    turns = Turns(at_once=1)
    for _ in range(2):
        asyncio.run(asyncio.wait_for(turns.run(lambda: None), 10))
