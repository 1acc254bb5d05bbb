"""What may be asked of a training that runs, from any thread; it is done between two of its steps."""

from __future__ import annotations

import threading


class Wishes:
    """Pause, go on, stop and keep what there is, save now, sample now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopped = False
        self._once: set[str] = set()

    def pause(self) -> None:
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def stop(self) -> None:
        """The training ends after the step that it is in, saved where it has a folder."""
        self._set(stopped=True)

    def save(self) -> None:
        self._ask("save")

    def sample(self) -> None:
        self._ask("sample")

    @property
    def paused(self) -> bool:
        return self._paused and not self._stopped

    @property
    def stopped(self) -> bool:
        return self._stopped

    def take(self, wish: str) -> bool:
        """Whether `save` or `sample` was asked for since this was last called."""
        if wish not in self._once:
            return False
        self._once.discard(wish)
        return True

    def wait(self, seconds: float) -> None:
        """Until something is asked for, or so long."""
        with self._changed:
            self._changed.wait(seconds)

    def _set(self, paused: bool | None = None, stopped: bool = False) -> None:
        with self._changed:
            self._paused = self._paused if paused is None else paused
            self._stopped = self._stopped or stopped
            self._changed.notify_all()

    def _ask(self, wish: str) -> None:
        with self._changed:
            self._once.add(wish)
            self._changed.notify_all()
