"""Files that are written whole or not at all, and the words for a disk that does not let them.

A write goes to a temporary file beside the final one, is flushed, renamed, and the folder is flushed too. Those of
writes that were cut off are swept by pipelines.files.leftovers.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import Sentence, StorageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def write_whole(path: Path, data: bytes, private: bool = False) -> None:
    """All of `data` under `path`, or nothing there; on the disk when this returns.

    The file's folder and the one above it are made where they are missing. What is private, only its owner can read,
    also where the folder is made for it. Raises OSError.
    """
    root = path.parent.parent
    root.mkdir(exist_ok=True)
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
        flush_folder(root)
    part, file = _new_part(path, 0o600 if private else 0o666)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # renamed while it is locked: unlocked it would be a leftover
                part.replace(path)
        if fcntl is None:
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def _new_part(path: Path, mode: int) -> tuple[Path, BinaryIO]:
    """A temporary file beside `path`, locked for as long as it is open, which tells it from a leftover."""
    while True:
        part = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.part")
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), mode)
        file = os.fdopen(handle, "wb")
        _lock(handle)
        if os.fstat(handle).st_nlink or fcntl is None:
            return part, file
        file.close()  # another studio took it for a leftover before it was locked


def _lock(handle: int) -> None:
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks: there leftovers go by age
            fcntl.flock(handle, fcntl.LOCK_EX)


def make_private(path: Path) -> None:
    """A file that only its owner can read: made where it is missing, changed where it is ours. Raises OSError."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        status = path.lstat()
        own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if own and stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            path.chmod(0o600)


def sha256_of(files: Iterable[Path], start: Callable[[BinaryIO], object] = lambda file: None) -> str:
    """Hex digits of the SHA-256 of all of them, one behind the other; `start` moves to where each is read from."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            start(file)
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def storage_error(error: OSError, done: Sentence) -> StorageError:
    """What the disk said, for a person; `done` is what could not be done: saved, opened, deleted."""
    if error.errno in _FULL:
        return StorageError(
            "the disk is full: the picture could not be {done}. Free some space and try again.", done=done
        )
    if error.errno in _READ_ONLY:
        return StorageError("the picture folder is read-only: nothing could be {done}. Allow writing to it.", done=done)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StorageError(
            "the picture folder is gone: nothing could be {done}. Put it back and try again.", done=done
        )
    return StorageError(
        "the picture could not be {done}: {problem}. Check the disk and try again.", done=done, problem=error.strerror
    )


def flush_folder(folder: Path) -> None:
    """Makes names in a folder last through a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
