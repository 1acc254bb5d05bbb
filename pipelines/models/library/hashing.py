"""SHA-256 of the library's files, one after another in the background, giving way to jobs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from pipelines.errors import BadFile
from pipelines.files import plain
from pipelines.models.library import header
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Entry
from pipelines.models.strangers import MOST_WEIGHT_BYTES

BLOCK = 2**22
REST = 0.5
"""How long it rests after each block, in parts of the time that the block took."""
AGAIN = 0.5
"""Seconds until it looks again whether jobs still run."""


class Hasher:
    """A thread that starts with the first `start` and ends when all is done. `busy` says whether jobs run."""

    def __init__(self, catalogue: Catalogue, busy: Callable[[], bool] = lambda: False) -> None:
        self._catalogue, self._busy = catalogue, busy
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = threading.Event()

    def start(self) -> None:
        with self._starting:
            if self._closed.is_set() or self._thread is not None and self._thread.is_alive() or not self.left():
                return
            self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
            self._thread.start()

    def left(self) -> list[Entry]:
        """Files whose hash is not known yet; the small ones first."""
        entries = self._catalogue.entries()
        files = (e for e in entries if not e.sha256 and e.format == "safetensors" and e.size <= MOST_WEIGHT_BYTES)
        return sorted(files, key=lambda entry: entry.size)

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        tried: set[str] = set()
        while not self._closed.is_set():
            entry = next((e for e in self.left() if e.id not in tried), None)
            if entry is None:
                return
            tried.add(entry.id)
            try:
                self._catalogue.hashed(entry, *self._hashes(entry))
            except (
                OSError,
                BadFile,
            ):  # it went away, is another file by now, or cannot be read: the next scan will say so
                continue

    def _hashes(self, entry: Entry) -> tuple[str, str]:
        """SHA-256 of the file and of what follows its header."""
        whole, payload = hashlib.sha256(), hashlib.sha256()
        with plain.open_regular(entry.path) as file:
            at = header.weights_at(file)
            file.seek(0)
            whole.update(file.read(at))
            while block := file.read(BLOCK):
                began = time.perf_counter()
                whole.update(block)
                payload.update(block)
                self._closed.wait((time.perf_counter() - began) * REST)
                while self._busy() and not self._closed.is_set():
                    self._closed.wait(AGAIN)
                if self._closed.is_set():
                    raise OSError("the studio is closing")
        return whole.hexdigest(), payload.hexdigest()
