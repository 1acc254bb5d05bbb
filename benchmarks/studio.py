"""A real studio in a process of its own, for measuring it from outside as its users meet it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

ROOT = Path(__file__).parents[1]
PROMPT = "a large red circle left of a small blue star on a yellow background"
OVER = ("done", "failed", "cancelled")
LIMITS = httpx.Limits(keepalive_expiry=1.0)
"""A machine that is busy elsewhere may come back to a connection that the studio closed after five seconds."""


@dataclass(frozen=True)
class Studio:
    """A running `python app.py` and a client of its HTTP API; a shared one has tokens, which the client gives."""

    process: subprocess.Popen
    url: str
    http: httpx.Client
    served_after: float
    token: str = ""
    owner_token: str = ""

    def submit(self, **request: Any) -> dict:
        body = {"generator": "text-to-image", "request": {"prompt": PROMPT, "seed": 1} | request}
        answer = self.http.post("/api/v1/jobs", json=body)
        answer.raise_for_status()
        return answer.json()

    def wait(self, job: dict, every: float = 0.02) -> dict:
        """The job's snapshot once it is over; asked for each `every` seconds."""
        while (seen := self.http.get(f"/api/v1/jobs/{job['id']}").json())["state"] not in OVER:
            time.sleep(every)
        return seen

    def events(self, job: dict) -> Iterator[tuple[str, dict]]:
        """The job's server-sent events as (name, data), until the stream ends."""
        name = ""
        with self.http.stream("GET", f"/api/v1/jobs/{job['id']}/events", timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    yield name, json.loads(line[5:])

    def cpu_seconds(self) -> float:
        """CPU time of the studio's process and of its ended children so far."""
        spent = psutil.Process(self.process.pid).cpu_times()
        return spent.user + spent.system + spent.children_user + spent.children_system


@contextmanager
def running(*options: str, warm: bool = True) -> Iterator[Studio]:
    """A studio on a free port with an output folder of its own; warm means that the model is loaded."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as printed:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), "--outputs", folder, *options],
            cwd=ROOT,
            stdout=printed,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            token, owner_token = _tokens(process, printed)
            headers = {"X-AIGC-Client": "benchmark"} | ({"authorization": f"Bearer {token}"} if token else {})
            with httpx.Client(base_url=url, headers=headers, timeout=30, limits=LIMITS) as http:
                wait_for_page(http, "gradio")
                served = time.monotonic() - started
                while warm and not _is_warm(http):
                    time.sleep(0.1)
                yield Studio(process, url, http, served, token, owner_token)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _is_warm(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").json()["ready"]
    except httpx.TransportError:
        return False


def _tokens(process: subprocess.Popen, printed: IO[bytes], seconds: float = 120) -> tuple[str, str]:
    """The pupils' and the owner's token as the studio prints them at its start, empty where it is not shared."""
    end = time.monotonic() + seconds
    text = ""
    while "Press Ctrl+C" not in text and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
        text = os.pread(printed.fileno(), 1 << 16, 0).decode(errors="replace")
    found = re.findall(r"\?token=([\w-]+)", text)
    return (found[0], found[-1]) if found else ("", "")


def wait_for_page(http: httpx.Client, holds: str, seconds: float = 120) -> None:
    """Until the page at / is the real one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            answer = http.get("/")
            if answer.status_code == 200 and holds in answer.text:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the page was not served")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
