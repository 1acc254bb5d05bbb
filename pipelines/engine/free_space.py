"""Whether the disk has room for what a job will save, known before the work begins."""

import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import StorageError
from pipelines.params import Request

BYTES_A_PIXEL = 4
"""More than a PNG of noise takes."""
MARGIN = 8 * 2**20
"""Left for the index, the list of jobs and the recipes."""


class FreeSpace:
    """The free bytes of the disk that `folder` lies on, asked for once in `fresh_seconds` at most."""

    def __init__(
        self,
        folder: Path,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        fresh_seconds: float = 1.0,
    ) -> None:
        self._folder, self._free, self._fresh_seconds = folder, free, fresh_seconds
        self._lock = threading.Lock()
        self._bytes: float = math.inf
        self._until = -math.inf

    def check(self, request: Request) -> None:
        """Raises StorageError where the pictures of this request would not fit."""
        needed = request.saved_pixels() * BYTES_A_PIXEL + MARGIN
        free = self._now()
        if free < needed:
            raise StorageError(
                "the disk is too full for this: {free} MB are free, about {needed} MB are needed. Free some "
                "space and try again.",
                free=_megabytes(free),
                needed=_megabytes(needed),
            )

    def _now(self) -> float:
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._bytes = self._free(self._folder)
                except OSError:
                    self._bytes = math.inf  # nobody can tell; saving will say what is wrong
                self._until = time.monotonic() + self._fresh_seconds
            return self._bytes


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.0f}"
