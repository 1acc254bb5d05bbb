"""Files that others put there: only regular ones are opened, none is waited for, and no more than a bound is read.

A pipe, a device or a socket under a file's name would block its reader for ever or never end; a link may lead anywhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_JOINERS = "\u200c\u200d"
"""They shape letters of Persian and join emoji."""
_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def is_regular(path: Path) -> bool:
    """Whether a regular file lies there, or a link to one; False where nobody can tell."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder lies there, or a link to one; False where nobody can tell."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def children(folder: Path, most: int = 100_000) -> list[Path]:
    """What lies in a folder, in order; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry, _ in zip(entries, range(most), strict=False))
    except OSError:
        return []


def open_regular(path: Path, no_link: bool = False) -> BinaryIO:
    """The file, opened for reading without waiting. Raises OSError, also for what is no regular file."""
    _refuse_others(os.lstat(path) if no_link else os.stat(path), path)  # opening a device may already do something
    handle = os.open(path, _READ | (_NO_LINK if no_link else 0))
    try:
        _refuse_others(os.fstat(handle), path)  # it may have been replaced meanwhile
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def open_inside(path: Path, homes: Iterable[Path]) -> BinaryIO:
    """The same for a file that, all links followed, lies in one of these resolved folders. Raises OSError."""
    try:
        real = path.resolve(strict=True)
    except RuntimeError:
        raise OSError(errno.ELOOP, "its links lead in a circle") from None
    if not any(real.is_relative_to(home) for home in homes):
        raise OSError(errno.EACCES, "it leads out of the folders")
    return open_regular(real, no_link=True)


def read(path: Path, most: int) -> bytes:
    """All of a regular file. Raises OSError, also for one of more than `most` bytes."""
    with open_regular(path) as file:
        return read_all(file, most)


def read_all(file: BinaryIO, most: int) -> bytes:
    """What is left of an open file. Raises OSError where that is more than `most` bytes."""
    data = file.read(most + 1) or b""
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes")
    return data


def printable(name: str) -> str:
    """A file's name as it can be shown and sent: what is no character, or none that can be seen, becomes U+FFFD."""
    return "".join(c if c.isprintable() or c in _JOINERS or unicodedata.category(c) == "Zs" else "\ufffd" for c in name)


@dataclass
class Folder:
    """What lies in a folder. Names taken out of `folders` are not entered; `names` are all else: files, links, pipes.

    `regular` are those of `names` that are regular files by themselves. `error` is why it cannot be read, or "".
    """

    path: Path
    depth: int = 0
    folders: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    regular: frozenset[str] = frozenset()
    error: str = ""

    def has(self, name: str) -> bool:
        """Whether a regular file of that name lies there, or a link to one."""
        return name in self.regular or name in self.names and is_regular(self.path / name)


def contents(path: Path, most: int) -> Folder:
    """One folder, of at most so many names, in order."""
    folder, regular = Folder(path), []
    try:
        with os.scandir(path) as entries:
            for entry, _ in zip(entries, range(most), strict=False):
                own = _is_own_folder(entry)
                (folder.folders if own else folder.names).append(entry.name)
                if not own and _is_own_file(entry):
                    regular.append(entry.name)
    except OSError as error:
        folder.error = error.strerror or "unknown reason"
    folder.folders.sort()
    folder.names.sort()
    folder.regular = frozenset(regular)
    return folder


def walk(root: Path, deepest: int, most: int, read: Callable[[Path, int], Folder] = contents) -> Iterator[Folder]:
    """The folders at and below `root`, links not followed, in order, until `most` names were read altogether."""
    waiting = [(root, 0)]
    while waiting and most > 0:
        path, depth = waiting.pop()
        folder = read(path, most)
        folder.depth = depth
        most -= len(folder.folders) + len(folder.names)
        yield folder
        if folder.depth < deepest:
            waiting += [(folder.path / name, folder.depth + 1) for name in reversed(folder.folders)]


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False


def _is_own_file(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        return entry.is_file(follow_symlinks=False)
    return False


def _refuse_others(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "it is a link")
        raise OSError(errno.EINVAL, f"{kind}, no regular file", str(path))
