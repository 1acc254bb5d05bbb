"""A studio that is killed again and again while it paints: which acknowledged jobs are found again, and as what."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from benchmarks.soak.attack import attack
from benchmarks.studio import OVER, ROOT, Studio, free_port

KILLS = 10
JOBS_A_LIFE = 3
_SECONDS = 120.0


@attack(f"{KILLS} kills while jobs run and wait, each followed by a start")
def killed(studio: Studio) -> str:
    """The kills go to a studio of its own beside the one that is measured."""
    with tempfile.TemporaryDirectory() as folder:
        acknowledged: list[str] = []
        port = free_port()
        for life in range(KILLS):
            process, http = _start(Path(folder), port)
            acknowledged += [_submit(http, life * JOBS_A_LIFE + job) for job in range(JOBS_A_LIFE)]
            time.sleep(0.2 + 0.3 * life)  # from the first step to the second job
            process.kill()
            process.wait()
        return _counts(Path(folder), port, acknowledged)


@attack("a studio that is stopped while a job runs, and started again")
def stopped(studio: Studio) -> str:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process, http = _start(Path(folder), port)
        acknowledged = [_submit(http, job) for job in range(JOBS_A_LIFE)]
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        return _counts(Path(folder), port, acknowledged)


def _counts(folder: Path, port: int, acknowledged: list[str]) -> str:
    process, http = _start(folder, port)
    try:
        states = Counter(_settled(http, job) for job in acknowledged)
        pictures = http.get("/api/v1/images?limit=500").json()["images"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    seeds = Counter(picture["recipe"]["request"]["seed"] for picture in pictures)
    twice = sum(count - 1 for count in seeds.values())
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    lost = states["lost"] + states["done"] - len(seeds)
    return f"{len(acknowledged)} acknowledged: {found}; {len(seeds)} pictures, {lost} lost, {twice} saved twice"


def _settled(http: httpx.Client, job_id: str) -> str:
    """The state in which a job ends, or "lost" where its id is unknown."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        answer = http.get(f"/api/v1/jobs/{job_id}")
        if answer.status_code == 404:
            return "lost"
        job = answer.json()
        if job["state"] in OVER and not job["stopping"]:
            return job["error"]["code"] if job["error"] else job["state"]
        time.sleep(0.1)
    return "not settled"


def _submit(http: httpx.Client, seed: int) -> str:
    request = {"prompt": "a panda", "seed": seed, "num_inference_steps": 30}
    answer = http.post("/api/v1/jobs", json={"request": request})
    answer.raise_for_status()
    return answer.json()["id"]


def _start(folder: Path, port: int) -> tuple[subprocess.Popen, httpx.Client]:
    command = [sys.executable, "app.py", "--nowebui", "--no-warm", "--port", str(port), "--outputs", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ.copy())
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-AIGC-Client": "benchmark"}, timeout=30)
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        try:
            if http.get("/healthz").status_code == 200:
                return process, http
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("the studio did not answer")
