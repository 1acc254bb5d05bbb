"""Jobs of a tiny model named "tiny", and a store in memory for what they paint."""

import time
from typing import Any

import numpy as np

from pipelines.engine import registry
from pipelines.engine.job import Job


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.pictures: dict[str, np.ndarray] = {}
        self.steps: dict[str, str] = {}
        self._ids = (f"p{i}" for i in range(1000))

    def new_id(self) -> str:
        return next(self._ids)

    def has(self, image_id: str) -> bool:
        return image_id in self.pictures

    def save(self, image, recipe, client="", unfinished=False, image_id="") -> str:
        self.pictures[image_id], self.steps[image_id] = image, recipe.get("made", {}).get("steps", "")
        return image_id


def asked(**values: Any) -> Any:
    small = {"model": "tiny", "prompt": "a red circle", "width": 64, "height": 64, "upscale": "none", "seed": 3}
    return registry.get("text-to-image").request_type.parse(small | {"num_inference_steps": 8} | values)


def over(*jobs: Job, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not all(job.over for job in jobs):
        assert time.monotonic() < deadline, [job.snapshot() for job in jobs]
        time.sleep(0.01)
