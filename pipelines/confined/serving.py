"""The child's side of a `Worker`: it confines itself, then answers calls until its input ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.confined import limits, pipe
from pipelines.errors import StudioError

Handler = Callable[[dict[str, Any], bytes], "tuple[dict[str, Any], bytes | memoryview]"]


def serve(
    handlers: Mapping[str, Handler],
    memory: int,
    cpu_seconds: int,
    most_bytes: int,
    spare: int = limits.SPARE_BYTES,
) -> int:
    """Answer calls by name. Import what the handlers need first: afterwards no library can be loaded by ctypes.

    memory      -- bytes that all calls together may take beyond what the process has now
    cpu_seconds -- of one call; a call that takes more ends this process
    most_bytes  -- of the data of one call
    spare       -- bytes beyond `memory` for libraries that map more than they use
    """
    answers, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr  # a library that prints cannot break the messages
    calls = sys.stdin.buffer
    note = limits.confine(memory, 0, Path(os.devnull), spare)
    pipe.write(answers, {"ready": True, "note": note})
    while True:
        try:
            task, data = pipe.read(calls, most_bytes)
        except EOFError:
            return 0
        _allow_seconds(cpu_seconds)
        message, made = _answer(handlers, task, data)
        del data
        pipe.write(answers, message, made)
        del made


def _answer(handlers: Mapping[str, Handler], task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], Any]:
    try:
        message, made = handlers[task["call"]](task, data)
        return {"made": message}, made
    except StudioError as error:
        return {"error": error.code, **error.sentence.to_json()}, b""
    except MemoryError:
        return {"error": "memory"}, b""
    except Exception as bug:  # its last words: the parent logs them and shows a sentence
        return {"error": "bug", "message": f"{type(bug).__name__}: {bug}"[:400]}, b""


def _allow_seconds(seconds: int) -> None:
    """From now on so many seconds of CPU; what earlier calls took does not count."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock ends a call
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
