"""A confined child that stays for the next call: strangers' bytes go in, what could be read of them comes out."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

from pipelines.confined import pipe, process
from pipelines.errors import BadFile, Busy, Sentence

log = logging.getLogger(__name__)

START_SECONDS = 60.0
CPU_TIME_OVER = getattr(signal, "SIGXCPU", 0)


class _Died(BadFile):
    """`by_itself`: what the call brought is the reason, whichever child reads it."""

    def __init__(self, message: Sentence, by_itself: bool) -> None:
        super().__init__(message)
        self.by_itself = by_itself


class Worker:
    """Runs `python -I -m module`, which calls `serving.serve`; started by the first call and again after a death.

    module     -- name of the child's module
    label      -- what is read, for the sentences of errors: "picture", "tokenizer"
    seconds    -- the longest that one call may take; then the child is killed and the call refused
    most_bytes -- of the data of an answer
    patience   -- so long a call waits for the one before it, then it raises Busy
    lifetime   -- calls after which the child is replaced, so that what they left behind goes with it
    idle       -- seconds without a call after which the child ends
    environment -- variables of the child

    A child that dies after it has answered others may have died of what they left, or was killed: the call is made once
    more by another. One call at a time: two strangers' files at once would take twice the memory. Any thread may call.
    """

    def __init__(
        self,
        module: str,
        label: Sentence,
        seconds: float,
        most_bytes: int,
        patience: float = 30.0,
        lifetime: int = 200,
        idle: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._module, self._label = module, label
        self._seconds, self._most_bytes = seconds, most_bytes
        self._patience, self._lifetime, self._idle = patience, lifetime, idle
        self._environment = environment
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._calls = 0
        self._ending: threading.Timer | None = None

    def call(self, name: str, task: dict[str, Any] | None = None, data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """What the child's handler of that name returns.

        Raises the StudioError that the handler raises; BadFile where the child dies, takes too long or too much
        memory; Busy when earlier calls have not ended within `patience`.
        """
        if not self._turn.acquire(timeout=self._patience):
            raise Busy("Other files are being read. Try this {label} again in a few seconds.", label=self._label)
        try:
            self._stop_ending()
            answer, made = self._answered((task or {}) | {"call": name}, data)
            if self._calls >= self._lifetime:
                self._end()
            else:
                self._end_later()
        finally:
            self._turn.release()
        return self._checked(answer), made

    def _answered(self, task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        child = self._started()
        used = self._calls > 0
        self._calls += 1
        try:
            return self._exchange(child, task, data, self._seconds)
        except _Died as death:
            if not used or death.by_itself:
                raise
        child = self._started()
        self._calls += 1
        return self._exchange(child, task, data, self._seconds)

    def close(self) -> None:
        """End the child; a later call starts another."""
        with self._turn:
            self._stop_ending()
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._child, self._calls = process.start(self._module, self._environment), 0
        self._exchange(self._child, None, b"", START_SECONDS)
        return self._child

    def _exchange(
        self, child: subprocess.Popen[bytes], task: dict[str, Any] | None, data: bytes, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Send a task, if there is one, and wait for the message; the child is killed when its time is over."""
        assert child.stdin and child.stdout
        began = time.monotonic()
        clock = threading.Timer(seconds, child.kill)
        clock.daemon = True
        clock.start()
        try:
            if task is not None:
                pipe.write(child.stdin, task, data)
            return pipe.read(child.stdout, self._most_bytes)
        except (OSError, EOFError, ValueError) as error:
            self._end()
            by_itself = isinstance(error, ValueError) or child.returncode == -CPU_TIME_OVER
            if time.monotonic() - began >= seconds:
                raise BadFile(
                    "Reading this {label} took more than {seconds:.0f} s and was stopped.",
                    label=self._label,
                    seconds=seconds,
                ) from None
            raise _Died(
                Sentence("This {label} brought down the process that read it. Do not use it.", label=self._label),
                by_itself,
            ) from None
        finally:
            clock.cancel()

    def _checked(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "made" in answer:
            return answer["made"]
        if answer["error"] == "memory":
            raise BadFile("This {label} takes more memory than any sound one. It was not read.", label=self._label)
        kind = process.KINDS.get(answer["error"])
        if kind is None:
            log.error("a confined child failed by a bug: %s", answer.get("message"))
            raise BadFile("This {label} cannot be read: it is damaged, or of a kind unknown here.", label=self._label)
        raise kind(process.sentence_of(answer))

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not sent any more
                    pass

    def _end_later(self) -> None:
        self._ending = threading.Timer(self._idle, self._end_if_idle)
        self._ending.daemon = True
        self._ending.start()

    def _stop_ending(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end_if_idle(self) -> None:
        if self._turn.acquire(blocking=False):  # else a call has just begun, and ends it later
            try:
                self._end()
            finally:
                self._turn.release()
