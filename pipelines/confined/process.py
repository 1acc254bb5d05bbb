"""A child process of ours as a stream of progress: it ends when the child does, and ending it early ends the child."""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Generator, Mapping
from typing import IO, Any

from pipelines.errors import BadFile, BadRequest, Busy, NotAllowed, NotFound, Sentence, StorageError, StudioError
from pipelines.events import Progress
from pipelines.places import ROOT

log = logging.getLogger(__name__)

PASSED_ON = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG")
"""Of our environment; the child gets neither tokens nor settings beside these."""
BOOT = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
EVERY_SECONDS = 0.2
"""So often is there an event, so that a stop is felt soon."""
LONGEST_LINE = 2**16
LONGEST_MESSAGE = 300
KINDS: Mapping[str, type[StudioError]] = {
    kind.code: kind for kind in (BadFile, BadRequest, Busy, NotAllowed, NotFound, StorageError)
}


def run(
    module: str, task: dict[str, Any], timeout: float, environment: Mapping[str, str] | None = None
) -> Generator[Progress, None, dict[str, Any]]:
    """Run `python -I -m module` on a task and return what it made. Closing the stream kills the child.

    Raises the StudioError that the child tells, or BadFile when it dies or takes longer than `timeout` seconds.
    """
    child = start(module, environment)
    try:
        assert child.stdin and child.stdout
        lines: queue.Queue[bytes] = queue.Queue(1000)
        threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
        child.stdin.write(json.dumps(task).encode())
        child.stdin.close()
        return (yield from _follow(lines, time.monotonic() + timeout))
    finally:
        child.kill()
        child.wait()


def start(
    module: str, environment: Mapping[str, str] | None = None, handles: Collection[int] = ()
) -> subprocess.Popen[bytes]:
    """`python -I -m module` with pipes for input and output and nothing of our environment that it does not need.
    `handles`: open files that it has under the same numbers, where the system can do so."""
    return subprocess.Popen(
        [sys.executable, "-I", "-c", BOOT, str(ROOT), module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ}
        | {"OMP_NUM_THREADS": "1"}
        | dict(environment or {}),
        pass_fds=handles,
    )


def _read(stdout: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with stdout:
        while line := stdout.readline(LONGEST_LINE):
            lines.put(line)
    lines.put(b"")


def _follow(lines: queue.Queue[bytes], deadline: float) -> Generator[Progress, None, dict[str, Any]]:
    progress = Progress("starting")
    while True:
        yield progress
        if time.monotonic() > deadline:
            raise BadFile("This took too long and was stopped; nothing was kept. Try a smaller file.")
        said = _next(lines)
        if "error" in said:
            raise _error(said)
        if "made" in said:
            return said["made"]
        if "stage" in said:
            progress = Progress(str(said["stage"]), int(said.get("done", 0)), int(said.get("total", 0)))


def _next(lines: queue.Queue[bytes]) -> dict[str, Any]:
    """The newest of what the child has said, or {} after a while of silence."""
    try:
        line = lines.get(timeout=EVERY_SECONDS)
        while line and not lines.empty() and line.startswith(b'{"stage"'):
            line = lines.get()
    except queue.Empty:
        return {}
    if not line:
        raise BadFile("The file brought down the process that read it; nothing was kept. Do not use this file.")
    return json.loads(line)


def _error(said: dict[str, Any]) -> StudioError:
    kind = KINDS.get(said["error"])
    if kind is None:
        log.error("a child process failed by a bug: %s", said.get("message"))
        return BadFile("The studio made a mistake at this file; the log has the details. Nothing was kept.")
    return kind(sentence_of(said))


def sentence_of(said: Mapping[str, Any]) -> Sentence:
    """What a child says that it refused, within bounds: whatever it read may have taken it over."""
    return Sentence.read({**said, "message": str(said["message"])[:LONGEST_MESSAGE]})
