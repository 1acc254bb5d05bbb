"""A call that takes a thread of its own and stands still whenever it shows something, until it is answered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Halted(BaseException):
    """Raised where the call stands still, to end it; not an Exception, so that no library takes it for its own."""


@dataclass(frozen=True)
class Finished:
    """What the call returned."""

    value: Any


@dataclass(frozen=True)
class _Failed:
    error: BaseException


class Crossing:
    """`work` begins at the first `next` and goes on only while somebody waits for what it shows: after `next` has
    returned, nothing is computed until `answer`. A context manager, at whose end the thread is gone."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._shown: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)
        self._started = self._closed = False

    def __enter__(self) -> Crossing:
        return self

    def __exit__(self, *error: object) -> None:
        self._closed = True
        if self._started:
            self._answers.put(None)
            self._thread.join()

    # from outside

    def next(self) -> Any:
        """What is shown next, or Finished. Raises what the call raised."""
        if not self._started:
            self._started = True
            self._thread.start()
        shown = self._shown.get()
        if isinstance(shown, _Failed):
            raise shown.error
        return shown

    def answer(self, value: Any = None) -> None:
        self._answers.put(value)

    # from inside

    def show(self, what: Any) -> Any:
        """The answer to it. Raises Halted where nobody wants more."""
        if not self._closed:
            self._shown.put(what)
            answer = self._answers.get()
        if self._closed:
            raise Halted
        return answer

    def alive(self) -> None:
        """Raises Halted where nobody wants more."""
        if self._closed:
            raise Halted

    def _run(self) -> None:
        try:
            self._shown.put(Finished(self._work()))
        except Halted:
            pass
        except BaseException as error:  # it belongs to whoever waits
            self._shown.put(_Failed(error))
