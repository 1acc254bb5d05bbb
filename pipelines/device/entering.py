"""Waiting for a slow beginning, as a stream of progress: whoever closes the stream waits no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

from pipelines.events import Progress

EVERY_SECONDS = 0.2
"""So often is there an event, so that a stop is felt soon."""


class Entering:
    """Enters what `make` returns, a lease of a model, in a thread of its own, and holds it for the block's time.

    Left before it is entered, the thread goes on to the end of entering and leaves at once: the model is then loaded
    for the next who asks.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make = make
        self._entered: Future[None] = Future()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="loading", daemon=True)

    def __enter__(self) -> Entering:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._leave.set()
        if self._entered.done():
            self._thread.join()

    def progress(self, stage: str) -> Iterator[Progress]:
        """An event now and then until it is entered. Raises what entering raised."""
        while not self._is_over():
            yield Progress(stage)
        self._entered.result()

    def _is_over(self) -> bool:
        try:
            self._entered.exception(EVERY_SECONDS)
        except TimeoutError:
            return False
        return True

    def _hold(self) -> None:
        try:
            with self._make():
                self._entered.set_result(None)
                self._leave.wait()
        except BaseException as error:  # it belongs to whoever waits
            if self._entered.done():
                raise
            self._entered.set_exception(error)
