"""Sixty experiments of the lab at once: do the queue, a new job and its end still answer?"""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio

AT_ONCE = 60
SECONDS = 12.0
"""How long it is kept up; who is told to come back later waits a second and asks again."""
LONGEST = 120.0
EXPERIMENTS = ("reverse", "bound", "points")


@attack("60 default requests of the lab at once, by one client")
def one_client(studio: Studio) -> str:
    return _under(studio, lambda number: "pupil-one")


@attack("60 default requests of the lab at once, each by a client of its own")
def many_clients(studio: Studio) -> str:
    return _under(studio, lambda number: f"pupil-{number:04}")


@attack("60 requests of the lab that are abandoned after half a second")
def abandoned(studio: Studio) -> str:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: _abandon(studio, f"pupil-{number:04}"), range(AT_ONCE)))
    began = time.monotonic()
    studio.http.post("/api/v1/lab/schedule", json={}, timeout=LONGEST)
    return f"the next experiment after {time.monotonic() - began:.1f} s"


def _abandon(studio: Studio, client: str) -> None:
    try:
        httpx.post(f"{studio.url}/api/v1/lab/bound", json={}, headers={"X-AIGC-Client": client}, timeout=0.5)
    except httpx.TimeoutException:
        pass


def _under(studio: Studio, client_of: Callable[[int], str]) -> str:
    """The slowest answers of the control routes while the lab is asked, and what the lab answered."""
    answers: Counter[str] = Counter()
    with _asking(studio, client_of, answers):
        time.sleep(1.0)
        slowest = _probed(studio, SECONDS)
    told = ", ".join(f"{what} {seconds * 1000:.0f} ms" for what, seconds in slowest.items())
    return f"slowest: {told}; the lab: {', '.join(f'{n} × {code}' for code, n in sorted(answers.items()))}"


@contextmanager
def _asking(studio: Studio, client_of: Callable[[int], str], answers: Counter[str]) -> Iterator[None]:
    over = threading.Event()

    def ask(number: int) -> None:
        path, headers = f"/api/v1/lab/{EXPERIMENTS[number % 3]}", {"X-AIGC-Client": client_of(number)}
        while not over.is_set():
            try:
                answers[str(http.post(path, json={}, headers=headers).status_code)] += 1
            except httpx.TimeoutException:
                answers["no answer"] += 1
            over.wait(1.0)

    # One client for all: sixty would each load certificates first, and hold up the probes beside them.
    at_once = httpx.Limits(max_connections=AT_ONCE)
    with (
        httpx.Client(base_url=studio.url, limits=at_once, timeout=2 * SECONDS) as http,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        asked = [pool.submit(ask, number) for number in range(AT_ONCE)]
        try:
            yield
        finally:
            over.set()
            for one in asked:
                one.result()


def _probed(studio: Studio, seconds: float) -> dict[str, float]:
    """Of each control route: the slowest of its answers, and of the cancels the median beside it."""
    took: dict[str, list[float]] = {}

    def timed(what: str, method: str, path: str, **more: Any) -> Any:
        began = time.monotonic()
        answer = studio.http.request(method, path, timeout=LONGEST, **more)
        took.setdefault(what, []).append(time.monotonic() - began)
        return answer.json()

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        timed("GET jobs", "GET", "/api/v1/jobs")
        body = {"request": {"prompt": "a red circle", "seed": 1, "num_inference_steps": 100}}
        job = timed("submit", "POST", "/api/v1/jobs", json=body)
        time.sleep(0.2)
        timed("cancel", "DELETE", f"/api/v1/jobs/{job['id']}")
        timed("GET images", "GET", "/api/v1/images")
        timed("lessons", "GET", "/api/v1/lab/lessons")
    return {what: max(times) for what, times in took.items()} | {"median cancel": statistics.median(took["cancel"])}
