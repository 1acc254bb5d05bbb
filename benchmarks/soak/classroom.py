"""What one pupil, or one neighbour without the token, can do to a class: sockets, streams, the queue, trainings."""

import http.client
import json
import socket
import time
from collections import Counter
from contextlib import ExitStack

from benchmarks.soak.attack import attack
from benchmarks.studio import PROMPT, Studio

SHARED = ("--listen", "127.0.0.1")
ATTACKER, PUPIL = "127.0.0.1", "127.0.0.2"  # two addresses, as far as the studio knows
IDLE = 1005
STREAMS = 256
INVENTED = 420


class From:
    """Requests from one address, with the class's token and an id that the program declares."""

    def __init__(self, studio: Studio, address: str, name: str) -> None:
        self._port = int(studio.url.rpartition(":")[2])
        self._address = address
        self._headers = {"authorization": f"Bearer {studio.token}", "x-aigc-client": name}

    def open(self, method: str, path: str, body: dict | None = None) -> tuple[int, http.client.HTTPResponse]:
        there = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60, source_address=(self._address, 0))
        there.request(method, path, json.dumps(body) if body is not None else None, self._headers)
        answer = there.getresponse()
        return answer.status, answer

    def ask(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        status, answer = self.open(method, path, body)
        text = answer.read()
        answer.close()
        return status, json.loads(text) if text.startswith(b"{") else {}

    def paint(self) -> str:
        """A picture, and how long it took; or what was answered instead."""
        began = time.monotonic()
        request = {"prompt": PROMPT, "num_inference_steps": 4, "width": 64, "height": 64}
        status, job = self.ask("POST", "/api/v1/jobs", {"generator": "text-to-image", "request": request})
        if status != 201:
            return f"{status} {job['error']['code']}" if job else str(status)
        while (state := self.ask("GET", f"/api/v1/jobs/{job['id']}")[1]["state"]) in ("waiting", "running"):
            time.sleep(0.2)
        return f"{state} after {time.monotonic() - began:.1f} s"


def _idle(studio: Studio, room: ExitStack, count: int) -> list[socket.socket]:
    port = int(studio.url.rpartition(":")[2])
    sockets = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), 10, source_address=(ATTACKER, 0))
        sockets.append(room.enter_context(one))
    return sockets


@attack(f"{IDLE:,} idle sockets without a token, then a pupil opens the page and paints", *SHARED)
def idle_sockets(studio: Studio) -> str:
    with ExitStack() as room:
        sockets = _idle(studio, room, IDLE)
        pupil = From(studio, PUPIL, "a-pupil-1")
        page = pupil.ask("GET", "/")[0]
        painted = pupil.paint()
        end = time.monotonic() + 20
        left = sockets
        while left and time.monotonic() < end:
            time.sleep(1)
            left = [one for one in left if _is_open(one)]
        return f"page {page}, picture {painted}; {len(left)} sockets still open after 20 s"


def _is_open(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@attack(f"{INVENTED} jobs of invented clients at one address, then a newcomer asks for one", *SHARED)
def invented_clients(studio: Studio) -> str:
    request = {"prompt": "x", "num_inference_steps": 30}
    answers: Counter[int] = Counter()
    for i in range(INVENTED):
        body = {"generator": "text-to-image", "request": request}
        answers[From(studio, ATTACKER, f"invented-{i}").ask("POST", "/api/v1/jobs", body)[0]] += 1
    painted = From(studio, PUPIL, "a-pupil-2").paint()
    owner = {"authorization": f"Bearer {studio.owner_token}"}
    jobs = studio.http.get("/api/v1/jobs?all=1", headers=owner).json()["jobs"]
    for job in jobs:
        if job["state"] in ("waiting", "running"):
            studio.http.delete(f"/api/v1/jobs/{job['id']}", headers=owner)
    return f"{dict(answers)}; the newcomer's picture {painted}"


@attack(f"{STREAMS} streams of one client, then another one watches", *SHARED)
def streams_of_one(studio: Studio) -> str:
    held = {"generator": "text-to-image", "request": {"prompt": "x", "num_inference_steps": 30}}
    greedy, pupil = From(studio, ATTACKER, "greedy-one"), From(studio, PUPIL, "a-pupil-3")
    jobs = [who.ask("POST", "/api/v1/jobs", held)[1]["id"] for who in (greedy, pupil)]
    answers: Counter[int] = Counter()
    with ExitStack() as room:
        for _ in range(STREAMS):
            status, stream = greedy.open("GET", f"/api/v1/jobs/{jobs[0]}/events")
            room.callback(stream.close)
            answers[status] += 1
        status, stream = pupil.open("GET", f"/api/v1/jobs/{jobs[1]}/events")
        room.callback(stream.close)
        first = stream.readline().decode().strip()
    for who, job in zip((greedy, pupil), jobs, strict=True):
        who.ask("DELETE", f"/api/v1/jobs/{job}")
    return f"{dict(answers)}; the other's {status} {first!r}"


@attack("a pupil starts trainings, scans and looks at the hub", *SHARED)
def unasked(studio: Studio) -> str:
    pupil = From(studio, PUPIL, "a-pupil-4")
    asked = {
        "family-training": ("/api/v1/jobs", {"generator": "family-training", "request": {}}),
        "points-training": ("/api/v1/jobs", {"generator": "points-training", "request": {}}),
        "download": ("/api/v1/jobs", {"generator": "download", "request": {}}),
        "scan": ("/api/v1/library/scan", {}),
        "hub": ("/api/v1/hub/look", {"repo": "a/b", "file": "c.safetensors"}),
    }
    return ", ".join(f"{name} {pupil.ask('POST', path, body)[0]}" for name, (path, body) in asked.items())
