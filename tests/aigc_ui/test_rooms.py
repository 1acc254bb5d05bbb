"""Heavy work waits outside the server's thread pool: whatever else is asked for, jobs are listed, made and ended."""

import asyncio
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from aigc_ui import api, bodies, lab_api
from aigc_ui.room import Room
from aigc_ui.services import Settings
from pipelines import lab, stopping
from pipelines.params import Request
from tests.aigc_ui.small_studio import Studio, open_studio, serving, until

SIXTY = 60
GENEROUS = 10.0
"""Seconds; whoever waits for the blocked experiments waits until the test ends."""


@dataclass
class Blocking:
    """An experiment that runs until it is let go or stopped."""

    go: threading.Event = field(default_factory=threading.Event)
    begun: list[str] = field(default_factory=list)
    stopped: int = 0

    def answer(self, request: Request, devices: object) -> dict[str, Any]:
        self.begun.append(threading.current_thread().name)
        try:
            while not self.go.wait(0.01):
                stopping.check()
        except stopping.Superseded:
            self.stopped += 1
            raise
        return {"answer": 42}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * SIXTY) as pool:
        yield pool


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor) -> Iterator[Blocking]:
    """Let go before the pool is closed, also where a test fails."""
    blocking = Blocking()
    monkeypatch.setattr(lab, "get", lambda name: lab.Experiment(name, Request, blocking.answer))
    yield blocking
    blocking.go.set()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = open_studio(tmp_path)
    yield studio
    studio.services.close()


@pytest.fixture
def url(studio: Studio) -> Iterator[str]:
    with serving(studio) as url:
        yield url


def client(number: int) -> dict[str, str]:
    return {"x-aigc-client": f"client-{number:04}"}


def ask(url: str, number: int = 0, bench: str = "", timeout: float = 60.0) -> httpx.Response:
    headers = client(number) | ({"x-aigc-bench": bench} if bench else {})
    return httpx.post(f"{url}/api/v1/lab/schedule", json={}, headers=headers, timeout=timeout)


@pytest.mark.slow
def test_sixty_experiments_keep_nobody_from_the_queue(
    experiment: Blocking, url: str, studio: Studio, pool: ThreadPoolExecutor
) -> None:
    asked = [pool.submit(ask, url, number) for number in range(SIXTY)]
    room = studio.services.rooms.experiments
    until(lambda: room.waiting() == SIXTY - 2)
    with httpx.Client(base_url=url, headers=client(1000), timeout=GENEROUS) as http:
        studio.squares.go.clear()
        job = http.post("/api/v1/jobs", json={}).json()
        assert [one["id"] for one in http.get("/api/v1/jobs").json()["jobs"]] == [job["id"]]
        assert http.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
        studio.squares.go.set()
        for path in ("healthz", "api/v1/stats", "api/v1/images", "api/v1/lab/lessons", "api/v1/generators"):
            assert http.get(f"/{path}").status_code == 200, path
    assert len(experiment.begun) == 2, "and none of them has been answered"
    experiment.go.set()
    assert {one.result().status_code for one in asked} == {200}


@pytest.mark.slow
def test_sixty_films_and_sixty_slow_estimates_neither(
    studio: Studio, url: str, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(lab_api.lab_film, "make", lambda kind, asked, read: go.wait() and b"film")
    monkeypatch.setattr(api.models, "find", lambda name: go.wait() and Path(name))
    monkeypatch.setattr(api, "suited", lambda info: {})
    monkeypatch.setattr(api.models, "inspect", lambda path: SimpleNamespace())
    rooms = studio.services.rooms
    asked: list[Future[httpx.Response]] = []
    for number in range(SIXTY):
        for path in ("lab/film.webp", "suited"):
            asked.append(pool.submit(httpx.post, f"{url}/api/v1/{path}", json={}, headers=client(number), timeout=60.0))
    until(lambda: rooms.films.waiting() == 8 and rooms.estimates.waiting() == SIXTY - 2)
    try:
        assert httpx.get(f"{url}/api/v1/jobs", headers=client(1000), timeout=GENEROUS).status_code == 200
    finally:
        go.set()
    assert {one.result().status_code for one in asked} == {200, 429}


@pytest.mark.slow
def test_who_waits_too_often_is_told_when_to_come_back(
    experiment: Blocking, url: str, studio: Studio, pool: ThreadPoolExecutor
) -> None:
    asked = [pool.submit(ask, url) for _ in range(17)]
    until(lambda: studio.services.rooms.experiments.waiting() == 16)
    refused = ask(url)
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "too_many_requests"
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 60 and f"Try again in {seconds} s." in refused.json()["error"]["message"]
    other = pool.submit(ask, url, 1)
    until(lambda: len(experiment.begun) == 2)
    assert studio.services.rooms.experiments.waiting() == 16, "one client never holds the last place"
    experiment.go.set()
    assert {one.result().status_code for one in [*asked, other]} == {200}


@pytest.mark.slow
def test_who_has_gone_leaves_the_line_and_their_experiment_ends(
    experiment: Blocking, url: str, studio: Studio, pool: ThreadPoolExecutor
) -> None:
    def abandon(number: int) -> None:
        with pytest.raises(httpx.TimeoutException):
            ask(url, number, timeout=1.0)

    for one in [pool.submit(abandon, number) for number in range(SIXTY)]:
        one.result()
    room = studio.services.rooms.experiments
    until(lambda: room.waiting() == 0 and room.inside() == 0)
    assert len(experiment.begun) == experiment.stopped, "nothing runs on for nobody"


def test_a_newer_question_of_a_bench_takes_the_place_of_the_one_that_waits(
    experiment: Blocking, url: str, studio: Studio, pool: ThreadPoolExecutor
) -> None:
    room = studio.services.rooms.experiments
    running = pool.submit(ask, url, 0, "tab-1 points")
    until(lambda: room.inside() == 1)
    older, other_tab = pool.submit(ask, url, 0, "tab-1 points"), pool.submit(ask, url, 0, "tab-2 points")
    until(lambda: room.waiting() == 2)
    newer = pool.submit(ask, url, 0, "tab-1 points")
    assert older.result().status_code == 409 and older.result().json()["error"]["code"] == "superseded"
    assert room.waiting() == 2 and not newer.done()
    experiment.go.set()
    assert [one.result().status_code for one in (running, newer, other_tab)] == [200] * 3


def test_clients_take_turns(experiment: Blocking, url: str, studio: Studio, pool: ThreadPoolExecutor) -> None:
    room = studio.services.rooms.experiments
    order: list[int] = []

    def answered(number: int) -> None:
        ask(url, number)
        order.append(number)

    for number in (0, 9, 0, 0, 0, 1, 2):  # both places, three more of the first, then two others
        before = room.waiting() + room.inside()
        pool.submit(answered, number)
        until(lambda: room.waiting() + room.inside() == before + 1)  # noqa: B023 -- called at once
    experiment.go.set()
    until(lambda: len(order) == 7)
    assert order.index(2) < 6, "whoever comes last is not behind all of one client's"


def test_who_was_served_goes_to_the_end_of_the_turns() -> None:
    """However many of one client came first."""
    room, go, served = Room("one", 1), threading.Event(), []

    async def crowd() -> None:
        waiting = [asyncio.create_task(room.run("first", go.wait))]
        for client in "aaabbc":
            waiting.append(asyncio.create_task(room.run(client, lambda client=client: served.append(client))))
            await asyncio.sleep(0)  # so that they enter in this order
        go.set()
        await asyncio.gather(*waiting)

    asyncio.run(asyncio.wait_for(crowd(), 60))
    assert served == list("abcaba")


def test_a_long_body_is_read_beside_the_event_loop(
    url: str, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, names = threading.Event(), []
    real = bodies.bounded_json.loads

    def slow(raw: bytes) -> Any:
        names.append(threading.current_thread().name)
        go.wait()
        return real(raw)

    monkeypatch.setattr(bodies.bounded_json, "loads", slow)
    text = b'{"prompt": "' + b"x" * 200_000 + b'"}'
    long = pool.submit(httpx.post, f"{url}/api/v1/prompt/tokens", content=text, timeout=60.0)
    until(lambda: names)
    try:
        assert httpx.get(f"{url}/healthz", timeout=GENEROUS).status_code == 200
    finally:
        go.set()
    assert long.result().status_code == 422 and names[0].startswith("room-parsing")


AT_ONCE = {
    *("GET /api/v1/jobs", "GET /api/v1/jobs/{job_id}"),
    *("GET /api/v1/inputs/{picture_id}.png", "GET /api/v1/lab/lessons", "GET /sdapi/v1/{name}"),
}
"""What may use the shared pool: it answers from memory, or sends a file. All else is a coroutine with a room."""


def test_only_what_answers_at_once_uses_the_shared_pool(studio: Studio) -> None:
    services = studio.services
    object.__setattr__(services, "settings", Settings(services.settings.outputs, api=True))
    pooled = {
        f"{method} {route.path}"
        for route in iter_route_contexts(api.build(services).routes)
        if not inspect.iscoroutinefunction(route.endpoint)
        for method in route.methods or ()
    }
    assert pooled == AT_ONCE


def test_no_handler_hands_work_to_the_shared_pool() -> None:
    folder = Path(api.__file__).parent
    users = {file.name for file in folder.glob("*.py") if "run_in_threadpool" in file.read_text(encoding="utf-8")}
    assert users == set()


def test_the_page_s_handlers_have_threads_of_their_own(studio: Studio) -> None:
    from aigc_ui import page

    built = page.build(studio.services)
    built.create_limiter()  # as Gradio does when it is served
    assert built.limiter is not None and built.limiter.total_tokens == page.OWN_THREADS


def test_time_to_come_back_grows_with_the_line_and_has_a_bound(studio: Studio) -> None:
    room = studio.services.rooms.experiments
    room._mean_seconds = 1000.0
    assert room._too_many(16).retry_after == 60
    room._mean_seconds = 0.001
    assert room._too_many(16).retry_after == 1
