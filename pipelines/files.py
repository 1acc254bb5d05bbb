"""Files that are written whole or not at all, and the words for a disk that does not let them.

A write goes to a temporary file beside the final one, is flushed, renamed, and the folder is flushed too.
"""

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import StorageError

_STALE_SECONDS = 3600
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def write_whole(path: Path, data: bytes) -> None:
    """All of `data` under `path`, or nothing there; on the disk when this returns.

    The file's folder and the one above it are made where they are missing. Raises OSError.
    """
    root = path.parent.parent
    root.mkdir(exist_ok=True)
    if not path.parent.exists():
        path.parent.mkdir(exist_ok=True)
        _flush_folder(root)
    part = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def sha256_of(files: Iterable[Path], start: Callable[[BinaryIO], object] = lambda file: None) -> str:
    """Hex digits of the SHA-256 of all of them, one behind the other; `start` moves to where each is read from."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            start(file)
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def sweep(parts: Iterable[Path]) -> None:
    """Removes the temporary files of writes that were cut off, and leaves those alone that may be going on."""
    for part in parts:
        try:
            if time.time() - part.lstat().st_mtime > _STALE_SECONDS:
                part.unlink(missing_ok=True)
        except (FileNotFoundError, PermissionError):
            continue


def storage_error(error: OSError, done: str) -> StorageError:
    """What the disk said, for a person; `done` is what could not be done: saved, opened, deleted."""
    if error.errno in _FULL:
        return StorageError(f"the disk is full: the picture could not be {done}. Free some space and try again.")
    if error.errno in _READ_ONLY:
        return StorageError(f"the picture folder is read-only: nothing could be {done}. Allow writing to it.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StorageError(f"the picture folder is gone: nothing could be {done}. Put it back and try again.")
    return StorageError(f"the picture could not be {done}: {error.strerror}. Check the disk and try again.")


def _flush_folder(folder: Path) -> None:
    """Makes names in a folder last through a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
