"""The steps of saved pictures, kept in memory within a budget so that branches from them cost no step twice."""

from __future__ import annotations

import threading
from collections import OrderedDict

from pipelines.theory.trajectory import Trajectory

BYTES = 64 * 2**20
"""About 130 pictures of the built-in model in 20 steps, or 50 of Stable Diffusion 1 at 512 x 512."""


class TrajectoryStore:
    """By the picture's id: who may see the picture may branch from it. What was not asked for longest goes first; a
    picture that is not here can be painted again from its recipe."""

    def __init__(self, most_bytes: int = BYTES) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Trajectory] = OrderedDict()

    def add(self, image_id: str, trajectory: Trajectory) -> None:
        """Keep it if it fits at all."""
        if trajectory.nbytes > self._most:
            return
        with self._lock:
            self._kept[image_id] = trajectory
            while self.nbytes > self._most:
                self._kept.popitem(last=False)

    def get(self, image_id: str) -> Trajectory | None:
        with self._lock:
            if image_id in self._kept:
                self._kept.move_to_end(image_id)
            return self._kept.get(image_id)

    @property
    def nbytes(self) -> int:
        return sum(trajectory.nbytes for trajectory in self._kept.values())
