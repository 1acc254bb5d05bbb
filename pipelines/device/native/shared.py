"""Memory that two processes see. It has no name, so nothing is left behind, and is taken whole before it is used.

Where the system has memfd it does not count towards /dev/shm, which is 64 MB in many containers.
"""

from __future__ import annotations

import mmap
import os
import tempfile


class Shared:
    """`size` bytes that grow when asked. A page that cannot be had would end whoever touches it by a signal, so all
    are taken at once. Raises OSError where there are not so many."""

    def __init__(self, size: int) -> None:
        self._handle = _anonymous()
        self.size = 0
        self._map: mmap.mmap | None = None
        try:
            self.grow(size)
        except OSError:
            self.close()
            raise

    @property
    def handle(self) -> int:
        """The file descriptor, for a child to inherit."""
        return self._handle

    @property
    def view(self) -> memoryview:
        assert self._map is not None
        return memoryview(self._map)

    def grow(self, size: int) -> None:
        """At least so many bytes; what a `view` shows must not be in use."""
        if size <= self.size:
            return
        _take(self._handle, size)
        if self._map is not None:
            self._map.close()
        self._map, self.size = mmap.mmap(self._handle, size), size

    def close(self) -> None:
        """Give it back; the other process keeps it while it needs it."""
        if self._map is not None:
            self._map.close()
            self._map = None
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _anonymous() -> int:
    """A file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("aigc-studio")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _take(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:  # macOS: a file with bytes in it has its place on the disk
        os.lseek(handle, 0, os.SEEK_SET)
        for start in range(0, size, 2**20):
            os.write(handle, bytes(min(2**20, size - start)))
