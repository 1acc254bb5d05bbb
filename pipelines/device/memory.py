"""How much memory this machine has, and what running out of it looks like."""

import ctypes
import functools
import gc
import sys
from pathlib import Path

import psutil

from pipelines import libs


def total_memory() -> int:
    """Bytes of RAM that this process may use at most: the machine's, or its container's where that is less."""
    machine = psutil.virtual_memory().total
    return min(machine, _container_limit() or machine)


def free_memory() -> int:
    """Bytes of RAM that can be taken now without swapping."""
    return min(psutil.virtual_memory().available, total_memory())


def give_back_freed(thoroughly: bool = False) -> None:
    """Let the system have what was freed: glibc keeps small blocks for later, hundreds of megabytes after a model.

    Before that what hangs together in circles is let go of, as finished jobs and networks do; Python itself would wait
    until there is a quarter more of everything, two thousand jobs. Not `thoroughly`, it is looked for among what came
    since the last time that was: that takes a few milliseconds and not a third of a second, as libraries stay anyway.
    As `psutil.heap_trim`, which lets no other thread run meanwhile; trimming can take seconds.
    """
    if thoroughly:
        gc.unfreeze()
    gc.collect()
    if thoroughly:
        gc.freeze()
    if sys.platform == "linux" and (trim := getattr(_c_library(), "malloc_trim", None)) is not None:
        trim(0)


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def resident_memory() -> int:
    """Bytes of RAM that this process holds now."""
    return psutil.Process().memory_info().rss


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out; some back ends say it with a bare RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    words = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, libs.torch().OutOfMemoryError) or any(sign in words for sign in signs)


def _container_limit() -> int:
    """Bytes that a container may use, which psutil does not tell; 0 where there is no limit."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(path).read_text())
        except (OSError, ValueError):  # absent, or "max"
            continue
    return 0
