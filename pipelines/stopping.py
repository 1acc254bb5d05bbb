"""Work that ends early when nobody waits for its answer any more, and that others may have a turn in the midst of: its
loops ask `check` as they go."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pipelines.errors import Superseded

_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)
_pause: ContextVar[Callable[[], None] | None] = ContextVar("pause", default=None)


@contextmanager
def when(stop: threading.Event) -> Iterator[None]:
    """Inside, in this thread, `check` ends the work once `stop` is set."""
    before = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(before)


@contextmanager
def pausing(pause: Callable[[], None]) -> Iterator[None]:
    """Inside, in this thread, `check` calls `pause`, which returns when the work may go on."""
    before = _pause.set(pause)
    try:
        yield
    finally:
        _pause.reset(before)


def wanted() -> bool:
    """Whether the work was stopped."""
    stop = _stop.get()
    return stop is not None and stop.is_set()


def check() -> None:
    """Raises Superseded where the work was stopped."""
    pause = _pause.get()
    if pause is not None:
        pause()
    if wanted():
        raise Superseded("Nobody waits for this answer any more.")
