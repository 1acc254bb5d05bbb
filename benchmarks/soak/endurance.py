"""What hours of use do to a studio: a native process that is killed again and again, many jobs in turn, a full class.

SOAK_KILLS, SOAK_JOBS, SOAK_SMALL_JOBS and SOAK_CLIENTS say how many, in place of 100, 300, 1,000 and 50.
"""

import hashlib
import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psutil
from PIL import Image

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio
from pipelines.device.native.session import MODULE

KILLS = int(os.environ.get("SOAK_KILLS", "100"))
JOBS = int(os.environ.get("SOAK_JOBS", "300"))
SMALL_JOBS = int(os.environ.get("SOAK_SMALL_JOBS", "1000"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "50"))
SEEDS = range(4)
STEPS = 12
WARM_JOBS = 60
"""After which caches are full."""
SMALL_STEPS, SMALL_SIDES, WARM_SMALL_JOBS = 2, (64, 96, 128), 100
LOOKS = 10
"""So often is it looked, among many jobs, how much is held: a leak grows at each look, a cache until it is full."""
ASKED, MOST_MISSED = 200, 10


@attack(f"{KILLS} kills of the native process at random moments, while pictures are made")
def native_killed(studio: Studio) -> str:
    """On average one kill in the time of two pictures; a process that is only starting may be hit as well."""
    right = {seed: _painted(studio, _body(seed)) for seed in SEEDS}
    began = time.monotonic()
    _painted(studio, _body(SEEDS[0]))
    longest = 4 * (time.monotonic() - began)
    killer = threading.Thread(target=_kill, args=(studio, longest))
    killer.start()
    endings: Counter[str] = Counter()
    while killer.is_alive():
        for seed in SEEDS:
            endings[_compared(_painted(studio, _body(seed)), right[seed])] += 1
    found = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
    return f"{sum(endings.values())} jobs: {found}"


def _kill(studio: Studio, longest: float) -> None:
    """At most so many seconds apart, until it was done KILLS times, or there is no process any more to kill."""
    source, kills, missed = random.Random(0), 0, 0
    while kills < KILLS and missed < MOST_MISSED:
        time.sleep(source.uniform(0, longest))
        processes = _native(studio)
        missed = 0 if processes else missed + 1
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
                kills += 1


@attack(f"{JOBS} jobs one after the other")
def many_jobs(studio: Studio) -> str:
    return _grown(studio, WARM_JOBS, JOBS, _body)


@attack(f"{SMALL_JOBS} small jobs one after the other, none to branch from", "--branch-memory", "0")
def many_small_jobs(studio: Studio) -> str:
    return _grown(studio, WARM_SMALL_JOBS, SMALL_JOBS, _small_body)


def _grown(studio: Studio, warm: int, jobs: int, body: Callable[[int], dict]) -> str:
    """By how much the studio and its native process hold more than after the first jobs, as more and more are done."""
    for job in range(warm):
        _painted(studio, body(job))
    before, states, looks = _held(studio), Counter[str](), []
    for job in range(jobs):
        states[_painted(studio, body(warm + job))[0]] += 1
        if (job + 1) % max(1, jobs // LOOKS) == 0:
            looks.append([(now - was) / 2**20 for now, was in zip(_held(studio), before, strict=True)])
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    own, native = (" ".join(f"{grown:.0f}" for grown in column) for column in zip(*looks, strict=True))
    return f"{found}; the studio grew by {own} MB, its native process by {native} MB"


@attack(f"{CLIENTS} clients who paint and watch, and one who asks for /healthz")
def healthz(studio: Studio) -> str:
    over = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as clients:
        working = [clients.submit(_work, studio, number, over) for number in range(CLIENTS)]
        try:
            time.sleep(10)  # until all are at work
            times = sorted(_healthz_seconds(studio) for _ in range(ASKED))
        finally:
            over.set()
    made, refused = (sum(column) for column in zip(*(each.result() for each in working), strict=True))
    median, slow = (1000 * times[int(share * ASKED)] for share in (0.5, 0.99))
    return f"median {median:.0f} ms, p99 {slow:.0f} ms; {made} pictures meanwhile, {refused} refusals"


def _healthz_seconds(studio: Studio) -> float:
    began = time.monotonic()
    studio.http.get("/healthz").raise_for_status()
    seconds = time.monotonic() - began
    time.sleep(0.1)
    return seconds


def _work(studio: Studio, number: int, over: threading.Event) -> tuple[int, int]:
    """Pictures that one client saw to their end, and jobs that it was refused."""
    made = refused = 0
    with httpx.Client(base_url=studio.url, headers={"X-AIGC-Client": f"client-{number}"}, timeout=300) as http:
        while not over.is_set():
            answer = http.post("/api/v1/jobs", json=_body(number))
            if answer.status_code != 201:
                refused += 1
                over.wait(1)
                continue
            with http.stream("GET", f"/api/v1/jobs/{answer.json()['id']}/events") as stream:
                for _line in stream.iter_lines():
                    if over.is_set():
                        return made, refused
            made += 1
    return made, refused


def _body(seed: int) -> dict:
    request = {"prompt": "a panda", "seed": seed, "num_inference_steps": STEPS, "upscale": "none"}
    return {"generator": "text-to-image", "request": request}


def _small_body(seed: int) -> dict:
    body = _body(seed)
    width, height = (SMALL_SIDES[(seed // part) % len(SMALL_SIDES)] for part in (1, len(SMALL_SIDES)))
    body["request"] |= {"num_inference_steps": SMALL_STEPS, "width": width, "height": height}
    return body


def _painted(studio: Studio, body: dict) -> tuple[str, ...]:
    """How the job ended, the digest of its picture's pixels, and its notes."""
    answer = studio.http.post("/api/v1/jobs", json=body)
    answer.raise_for_status()
    job = studio.wait(answer.json(), every=0.05)
    if job["state"] != "done":
        return (job["state"],)
    (picture,) = job["image_ids"]
    with Image.open(io.BytesIO(studio.http.get(f"/api/v1/images/{picture}").content)) as pixels:
        return "done", hashlib.sha256(pixels.convert("RGB").tobytes()).hexdigest(), *job["notes"]


def _compared(found: tuple[str, ...], right: tuple[str, ...]) -> str:
    if found[0] != "done":
        return found[0]
    return "bit-equal" if found == right else "other bits or notes"


def _native(studio: Studio) -> list[psutil.Process]:
    """The native processes of a studio."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(studio.process.pid).children():
            with suppress(psutil.Error):
                found += [child] if MODULE in child.cmdline() else []
    return found


def _held(studio: Studio) -> tuple[int, int]:
    """Bytes of RAM of the studio's own process, and of its native ones."""
    return psutil.Process(studio.process.pid).memory_info().rss, sum(p.memory_info().rss for p in _native(studio))
