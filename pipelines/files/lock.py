"""A lock that a process holds on a file for as long as it lives: the system lets go of it however the process ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class FileLock:
    """A lock that is held; take one with `FileLock.take`."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path, self._handle = path, handle

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """The lock, or None while another process holds it. Raises OSError where nothing can be locked."""
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not _lock(handle):
                    os.close(handle)
                    return None
                if _is_still(path, handle):
                    return cls(path, handle)
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)  # its last owner removed it in between

    def release(self, remove: bool = False) -> None:
        """Let go of it; `remove` takes the file away as well."""
        if remove and os.name != "nt":
            self._path.unlink(missing_ok=True)  # while it is held: whoever waits sees that it is gone
        os.close(self._handle)
        if remove and os.name == "nt":
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                pass  # another process has it open


def _lock(handle: int) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
