"""Work that ends early when nobody waits for its answer any more: its loops ask `check` as they go."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pipelines.errors import Superseded

_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


@contextmanager
def when(stop: threading.Event) -> Iterator[None]:
    """Inside, in this thread, `check` ends the work once `stop` is set."""
    before = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(before)


def check() -> None:
    """Raises Superseded where the work was stopped."""
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise Superseded("Nobody waits for this answer any more.")
