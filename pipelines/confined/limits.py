"""What a child process that reads a stranger's file may not do: start processes, use the network, fill memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

SPARE_BYTES = 2**30
CPU_SECONDS = 3600
OPEN_FILES = 256
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "pty.spawn",
    "ctypes.dlopen",
    "urllib.",
    "http.client.",
    "shutil.rmtree",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.link",
    "os.symlink",
)


def confine(
    memory: int,
    written: int,
    may_write: Path,
    spare: int = SPARE_BYTES,
    cpu_seconds: int | None = CPU_SECONDS,
    starts_threads: bool = False,
) -> str:
    """Confine this process for good, before it reads a stranger's byte; what cannot be limited here is said, or "".

    memory: bytes that it may take beyond what it has. written: bytes of the largest file. may_write: the only folder
    in which files may be made. spare: bytes for libraries that map far more than they use. cpu_seconds: None for one
    that works as long as the studio does. starts_threads: the system counts them as processes.
    """
    sys.addaudithook(_Hook(may_write))
    try:
        import resource
    except ImportError:  # Windows
        return "This system cannot limit the memory of a process; everything else is checked."
    if cpu_seconds is not None:
        _limit(resource, resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource, resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource, resource.RLIMIT_FSIZE, written)
    _limit(resource, resource.RLIMIT_CORE, 0)
    if hasattr(resource, "RLIMIT_NPROC") and not starts_threads:
        _limit(resource, resource.RLIMIT_NPROC, 0)
    taken = _address_space()
    if not taken:
        return "This system does not tell how much memory a process has mapped, so it is not limited."
    _limit(resource, resource.RLIMIT_AS, taken + memory + spare)
    return ""


def _limit(resource: Any, which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _address_space() -> int:
    """Bytes mapped now; 0 where it cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class _Hook:
    """Python's audit hook: called before each of these is done, and cannot be taken away again."""

    def __init__(self, may_write: Path) -> None:
        self._home = str(may_write.resolve()) + os.sep

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(FORBIDDEN):
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and self._writes(arguments):
            raise PermissionError("no file may be written here")

    def _writes(self, arguments: tuple[Any, ...]) -> bool:
        path, mode, flags = arguments
        writes = bool(mode) and any(c in mode for c in "wax+")
        writes = writes or isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if not writes or isinstance(path, int):
            return False
        return not os.path.realpath(os.fsdecode(path)).startswith(self._home)
