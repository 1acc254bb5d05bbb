"""The studio's end of the process that reads strangers' pictures; it starts with the first one and ends when idle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.confined.worker import Worker
from pipelines.errors import Sentence
from pipelines.store.picture_files.bounds import MOST_KEPT, check_bytes
from pipelines.store.picture_files.roles import PICTURE

MOST_PLAIN_BYTES = 4 * MOST_KEPT  # of an answer: a PNG of noise is larger than its pixels
SECONDS = 30.0
LIFETIME = 500
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**18), "MALLOC_TRIM_THRESHOLD_": str(2**20), "MALLOC_ARENA_MAX": "1"}
"""So that glibc gives back what a picture took."""


@dataclass(frozen=True)
class PlainPicture:
    """A picture with nothing but its pixels, as a PNG. `transparent`: the file was, somewhere."""

    png: bytes
    width: int
    height: int
    transparent: bool


class PictureReader:
    """Reads one picture at a time, whichever thread asks. Every method raises BadFile, and Busy after a long wait."""

    def __init__(self) -> None:
        self._worker = Worker(
            "pipelines.store.picture_files.child",
            Sentence("picture"),
            SECONDS,
            MOST_PLAIN_BYTES,
            lifetime=LIFETIME,
            environment=ALLOCATOR,
        )

    def png(self, data: bytes, role: str = PICTURE, invert: bool = False) -> PlainPicture:
        """Mode L where it was grey, as masks are, else RGB; see `decoding.read`."""
        check_bytes(len(data))
        answer, png = self._worker.call("png", {"role": role, "invert": invert}, data)
        return PlainPicture(png, answer["width"], answer["height"], answer["transparent"])

    def pixels(self, data: bytes) -> NDArray[np.uint8]:
        """(H, W, 3)."""
        check_bytes(len(data))
        answer, pixels = self._worker.call("pixels", {}, data)
        return np.frombuffer(pixels, np.uint8).reshape(answer["shape"])

    def small(self, data: bytes) -> bytes:
        """A small copy for the gallery's grid, WebP."""
        check_bytes(len(data))
        return self._worker.call("small", {}, data)[1]

    def texts(self, data: bytes) -> dict[str, str]:
        """What it carries besides its pixels, by name; see `foreign.carrier`."""
        check_bytes(len(data))
        return self._worker.call("texts", {}, data)[0]

    def hidden_texts(self, data: bytes) -> dict[str, str]:
        """What is hidden in its pixels; see `foreign.stealth`."""
        check_bytes(len(data))
        return self._worker.call("hidden_texts", {}, data)[0]

    def close(self) -> None:
        """End the process; the next picture starts another."""
        self._worker.close()
