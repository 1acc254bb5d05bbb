"""How much memory this machine has, and what running out of it looks like."""

import ctypes
import functools
import os
import sys
from pathlib import Path

from pipelines import libs

_UNKNOWN = 4 * 2**30
"""Assumed where the system does not tell: the smallest machine on which the studio is useful."""


def total_memory() -> int:
    """Bytes of RAM that this process may use at most: the machine's, or its container's where that is less."""
    machine = _windows_memory()[0] if sys.platform == "win32" else _physical_memory()
    return min(machine or _UNKNOWN, _container_limit() or machine or _UNKNOWN)


def free_memory() -> int:
    """Bytes of RAM that can be taken now without swapping; half of all where the system does not tell."""
    total = total_memory()
    free = _windows_memory()[1] if sys.platform == "win32" else _linux_available()
    return min(free or total // 2, total)


def give_back_freed() -> None:
    """Let the system have what was freed: glibc keeps small blocks for later, hundreds of megabytes after a model."""
    if sys.platform == "linux" and (trim := getattr(_c_library(), "malloc_trim", None)) is not None:
        trim(0)


@functools.cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def resident_memory() -> int:
    """Bytes of RAM that this process holds now; 0 where the system does not tell it in a file."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out; some back ends say it with a bare RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    words = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, libs.torch().OutOfMemoryError) or any(sign in words for sign in signs)


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _linux_available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)


def _container_limit() -> int:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(path).read_text())
        except (OSError, ValueError):  # absent, or "max"
            continue
    return 0


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = [
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "free", "total_page", "free_page", "total_virtual")),
        ("free_virtual", ctypes.c_ulonglong),
        ("free_extended", ctypes.c_ulonglong),
    ]


def _windows_memory() -> tuple[int, int]:
    """(total, free), or zeros where Windows does not answer."""
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    answered = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return (status.total, status.free) if answered else (0, 0)
