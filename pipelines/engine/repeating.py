"""Something that is tried again and again in a thread of its own, for as long as it says that something is left."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Repeating:
    """Calls `attempt` every `seconds` once it was started, until it returns False; then it can be started again."""

    def __init__(self, attempt: Callable[[], bool], seconds: float, name: str) -> None:
        self._attempt, self._seconds, self._name = attempt, seconds, name
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._running = False
        self._wanted = False

    def start(self) -> None:
        """Does nothing while it runs already."""
        with self._lock:
            self._wanted = True
            if self._running or self._closed.is_set():
                return
            self._running = True
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            with self._lock:
                self._wanted = False
            left = self._attempt()
            with self._lock:
                if not (left or self._wanted):
                    self._running = False
                    return
