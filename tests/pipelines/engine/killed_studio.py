"""Queues in processes of their own that are killed at named moments, forked from one that has imported all.

It reads plans, a line of JSON each: {"folder", "moment", "jobs": ["NAME:COUNT", ...], "kill_after": [jobs that it
acknowledged, pictures in its folder], or null}. For each it answers one line: {"status", "ids": of acknowledged jobs,
"jobs": snapshots by id once nothing runs, or null}.
A job's k-th picture has k in its recipe, so that pictures can be told apart.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.engine.queue import JobQueue
from pipelines.events import Event, Frame, Progress, Result
from pipelines.params import Range, Request, Text, param
from pipelines.store.images import ImageStore

MOMENTS = ("submitted", "loading", "step", "result", "before_save", "after_save", "second_save", "done")


@dataclass(frozen=True)
class Series(Request):
    name: str = param("", Text(100), "what the recipe says")
    count: int = param(1, Range(1, 16), "how many")


class Killer:
    """Ends the process the first time that its moment comes for a job whose name begins with 'x'."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.saves = 0

    def at(self, moment: str, name: str = "x") -> None:
        if moment == self.moment and name.startswith("x"):
            os.kill(os.getpid(), signal.SIGKILL)


class Painter:
    """Two frames and as many results of one picture as are asked for."""

    name, request_type = "series", Series

    def __init__(self, killer: Killer) -> None:
        self.go = threading.Event()
        self._killer = killer

    def stream(self, request: Series, devices: DeviceManager) -> Iterator[Event]:
        self.go.wait()
        self._killer.at("loading", request.name)
        yield Progress("loading")
        for number in range(request.count):
            self._killer.at("step", request.name)
            yield Frame(0, 1, 1.0, _grey(0), _grey(number))
            self._killer.at("result", request.name)
            yield Result(_grey(number), ({"name": request.name, "number": number},))


class KillingStore(ImageStore):
    """A real store; the process may die right before and right after a picture is on the disk."""

    killer: Killer

    def save(self, image, recipe, client="", unfinished=False, image_id="") -> str:
        name = str(recipe["name"])
        self.killer.at("before_save", name)
        super().save(image, recipe, client, unfinished, image_id)
        self.killer.at("after_save", name)
        self.killer.saves += name.startswith("x")
        if self.killer.saves == 2:
            self.killer.at("second_save", name)
        return image_id


def studio(folder: Path, moment: str, jobs: list[str], say: Callable[[object], None]) -> None:
    """One life of a studio: submit, paint, close."""
    killer = Killer(moment)
    store = KillingStore(folder)
    store.killer = killer
    painter = Painter(killer)
    devices = DeviceManager("cpu", threads=1, probe=Machine)
    queue = JobQueue(devices, store, 1, path=folder / "waiting-1.json", get=lambda name: painter)
    for job in jobs:
        name, _, count = job.partition(":")
        say(queue.submit("series", Series(name, int(count)), "me").id)
    killer.at("submitted")
    painter.go.set()
    while any(not job.over for job in queue.list()) and moment != "stopped":
        if moment == "done" and any(job.image_ids and job.request.values()["name"] == "x" for job in queue.list()):
            killer.at("done")  # whether or not the file says so yet
        time.sleep(0.002)
    queue.close()
    say({job.id: job.snapshot() for job in queue.list()})


def lived(plan: dict[str, Any]) -> dict[str, Any]:
    """What came of one life in a process of its own."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        studio(Path(plan["folder"]), plan["moment"], plan["jobs"], lambda said: _say(write, said))
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as lines:
        heard: list[str] = []
        if plan["kill_after"] is not None:
            acknowledged, pictures = plan["kill_after"]
            heard += [lines.readline() for _ in range(acknowledged)]
            while sum(1 for _ in Path(plan["folder"]).glob("*/*.png")) < pictures:
                time.sleep(0.001)
            os.kill(child, signal.SIGKILL)
        heard += lines.readlines()
    said = [json.loads(line) for line in heard if line.endswith("\n")]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    jobs = next((word for word in said if isinstance(word, dict)), None)
    return {"status": status, "ids": [word for word in said if isinstance(word, str)], "jobs": jobs}


def _say(pipe: int, said: object) -> None:
    data = (json.dumps(said) + "\n").encode()
    while data:
        data = data[os.write(pipe, data) :]


def _grey(level: int) -> np.ndarray:
    return np.full((1, 8, 8, 3), level, np.uint8)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(lived(json.loads(line))), flush=True)
