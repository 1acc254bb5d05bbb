"""A studio with a real queue and store and a generator that draws without a model, for tests of the frame around it."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvicorn
from fastapi.testclient import TestClient

from aigc_ui import api
from aigc_ui.door import Door
from aigc_ui.guard import Guard, Hosts
from aigc_ui.services import Library, Services, Settings
from aigc_ui.visitors import Visitors, kept_key
from pipelines.device.lanes import Lanes
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.engine.queue import JobQueue
from pipelines.engine.registry import Generator
from pipelines.engine.shares import CLASSROOM
from pipelines.errors import NotFound
from pipelines.events import Event, Frame, Progress, Result, StopEarly
from pipelines.models.library.entry import Root
from pipelines.params import Choice, Picture, Range, Request, Text, param
from pipelines.store.images import ImageStore
from pipelines.store.inputs import InputStore

URL = "http://127.0.0.1:7860"


@dataclass(frozen=True)
class SquareRequest(Request):
    """A grey square."""

    prompt: str = param("", Text(200), "What to draw; 'fail' is a bug.")
    steps: int = param(3, Range(1, 1000), "How many frames.")
    strength: float = param(0.5, Range(0, 1), "A number.")
    shape: str = param("square", Choice(("square", "circle")), "A choice.")
    image: str = param("", Picture(), "A picture, which comes back as it is.")


@dataclass
class Squares:
    """Draws frames of growing light. It waits for `go` after the first, so that tests can look at a running job."""

    name: str = "text-to-image"
    request_type: type[Request] = SquareRequest
    go: threading.Event = field(default_factory=threading.Event)

    def stream(self, request: SquareRequest, devices: DeviceManager) -> Iterator[Event]:
        recipe = {"version": 1, "generator": self.name, "request": request.values()}
        step = 0
        try:
            yield Progress("loading")
            if request.prompt == "fail":
                raise ValueError("a bug with /secret/path in it")
            for step in range(request.steps):
                yield Frame(step, request.steps, 1.0 / (step + 1), _grey(step), _grey(step + 1))
                while not self.go.wait(0.01):
                    yield Progress("denoising", step, request.steps)
            picture = request.picture("image")
            yield Result(_grey(step) if picture is None else picture[None], (recipe,))
        except StopEarly:
            yield Result(_grey(step), (recipe,), unfinished=True, steps_done=step)


@dataclass
class Studio:
    services: Services
    squares: Squares
    app: Guard

    def client(self, name: str = "", **headers: str) -> TestClient:
        """A browser or script of its own; with a name it says who it is in the header."""
        said = {"x-aigc-client": f"client-{name}"} if name else {}
        return TestClient(self.app, URL, raise_server_exceptions=False, headers=said | headers)


def open_studio(
    folder: Path,
    shared: bool = False,
    token: str | None = None,
    roots: Sequence[Root] = (),
    owner_token: str = "",
    allow_training: bool = False,
    generators: Sequence[str] = (),
) -> Studio:
    """`generators`: those of the real registry that are here too."""
    squares = Squares()
    squares.go.set()

    def get(name: str) -> Generator:
        if name in generators:
            return registry.get(name)
        if name != squares.name:
            raise NotFound(f"unknown generator {name!r}; known are {squares.name}.")
        return squares

    devices = DeviceManager("cpu")
    store = ImageStore(folder)
    inputs = InputStore(folder)
    jobs = JobQueue(devices, store, get=get, inputs=inputs, shares=CLASSROOM if shared else None)
    library = Library.over(roots, folder)
    settings = Settings(folder, shared, allow_training=allow_training)
    services = Services(
        jobs, store, Lanes.of(devices), get, lambda: (squares.name, *generators), settings, inputs, library
    )
    door = Door(token, owner_token=owner_token) if token else None
    visitors = Visitors(kept_key(folder), signed=True) if shared else None
    guard = Guard(api.build(services), Hosts(any_address=shared), door, visitors=visitors)
    return Studio(services, squares, guard)


@contextmanager
def serving(studio: Studio) -> Iterator[str]:
    """The studio's address on a real server in a thread, where many requests are open at once."""
    config = uvicorn.Config(studio.app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)


def until(condition, seconds: float = 30.0, every: float = 0.01) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)


def made(client: TestClient, **request) -> dict:
    """A job's snapshot after it is over."""
    answer = client.post("/api/v1/jobs", json={"request": request})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    until(lambda: client.get(f"/api/v1/jobs/{job['id']}").json()["state"] in ("done", "failed", "cancelled"))
    return client.get(f"/api/v1/jobs/{job['id']}").json()


def _grey(level: int) -> np.ndarray:
    return np.full((1, 8, 8, 3), min(level * 20, 255), dtype=np.uint8)
