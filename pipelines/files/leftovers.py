"""What killed processes leave behind: temporary files and folders by our own exact names, once their writer is gone.

A file of `write_whole` and the folder for uploads are locked by their process; the system unlocks them when it ends,
however it ends. What is not locked by its kind goes by age. Links are never followed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines import places
from pipelines.files import plain

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

WHOLE = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.part", re.DOTALL)
"""Of `write_whole`: locked while it is written."""
CONVERTED = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)
"""Of a conversion, a file or a folder, and of older studios."""
WAITING = re.compile(r"waiting-\d{1,5}\.json\.[\w-]{1,60}\.tmp")
COPIED = re.compile(r".+\.safetensors", re.DOTALL)
FETCHED = re.compile(r"[\w.-]+--[\w.-]+")
UPLOADS = "aigc-studio-"
_UPLOADS = re.compile(re.escape(UPLOADS) + r"\d+-\w{8}")
STALE_SECONDS, WAITING_SECONDS, FETCHED_SECONDS = 3600, 60, 14 * 86400
"""Longer than anything goes unchanged that is still written; a list of jobs is written at once. What was fetched in
part can be resumed for two weeks."""
MOST_NAMES = 100_000
_CAREFULLY = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def sweep_parts(folder: Path) -> None:
    """The temporary files of writes and conversions that were cut off, in this folder alone."""
    for path in _named(folder, WHOLE):
        if _is_file(path):
            _delete_unlocked(path)
    for path in _named(folder, CONVERTED):
        if _older(path, STALE_SECONDS):
            _delete(path)


def sweep_waiting(folder: Path) -> None:
    """Lists of waiting jobs that were not written to their end."""
    _sweep_old(folder, WAITING, WAITING_SECONDS)


def sweep_models(roots: Iterable[Path]) -> None:
    """What conversions, copies and downloads left in folders of models that are ours."""
    for root in roots:
        names = (name for of_kind in places.FOLDERS.values() for name in of_kind if not name.startswith(".."))
        for name in dict.fromkeys(names):
            sweep_parts(root / name)
        partial = root / ".partial"
        sweep_parts(partial)
        _sweep_old(partial, COPIED, STALE_SECONDS)
        for folder in _named(partial, FETCHED):
            if _older(folder, FETCHED_SECONDS):
                _delete(folder)


@contextlib.contextmanager
def uploads_folder() -> Iterator[Path]:
    """A temporary folder that goes when this ends, or, after a kill, when the next one is made."""
    home = Path(tempfile.gettempdir()).resolve()
    for path in _named(home, _UPLOADS):
        with contextlib.suppress(OSError):
            if fcntl is not None and path.lstat().st_uid == os.getuid() and stat.S_ISDIR(path.lstat().st_mode):
                _delete_unlocked(path)
    folder, handle = _locked_folder(home)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _locked_folder(home: Path) -> tuple[Path, int | None]:
    """A new folder, locked while the handle is open."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{UPLOADS}{os.getpid()}-", dir=home))
        if fcntl is None:
            return folder, None
        with contextlib.suppress(FileNotFoundError):  # another studio took it for a leftover before it was locked
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _delete_unlocked(path: Path) -> None:
    """Deletes it while holding its lock, so that nobody begins to write it; leaves what is locked by its writer.

    Where the file system has no locks it goes when it is old.
    """
    if fcntl is None:
        return _delete(path) if _older(path, STALE_SECONDS) else None
    try:
        handle = os.open(path, (os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR) | _CAREFULLY)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _delete(path)
    except BlockingIOError:
        pass
    except OSError:
        if _older(path, STALE_SECONDS):
            _delete(path)
    finally:
        os.close(handle)


def _sweep_old(folder: Path, pattern: re.Pattern[str], seconds: float) -> None:
    for path in _named(folder, pattern):
        if _is_file(path) and _older(path, seconds):
            _delete(path)


def _named(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """What lies in the folder under such a name; nothing where it cannot be read, or is a link."""
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(folder.lstat().st_mode):
            with os.scandir(folder) as entries:
                names = [entry.name for entry, _ in zip(entries, range(MOST_NAMES), strict=False)]
            return [folder / name for name in names if pattern.fullmatch(name)]
    return []


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _older(path: Path, seconds: float) -> bool:
    """Whether it, and all that lies in it, was last changed before that."""
    times = [0.0]
    with contextlib.suppress(OSError):
        times.append(path.lstat().st_mtime)
        for folder in plain.walk(path, 8, 10_000) if stat.S_ISDIR(path.lstat().st_mode) else ():
            times += [(folder.path / name).lstat().st_mtime for name in (*folder.names, *folder.folders)]
        return time.time() - max(times) > seconds
    return False


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
