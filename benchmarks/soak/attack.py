"""What an attack is: a function that is handed a studio and says what was answered; its cost is measured around it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.studio import Studio

Attack = Callable[[Studio], str]
ATTACKS: dict[str, tuple[tuple[str, ...], Attack]] = {}


def attack(name: str, *options: str) -> Callable[[Attack], Attack]:
    """Registers an attack under the sentence that says what is done; the studio is started with `options`."""

    def register(function: Attack) -> Attack:
        ATTACKS[name] = options, function
        return function

    return register


@dataclass(frozen=True)
class Cost:
    """Of the studio and its child processes together, from the attack's first byte to its last answer.

    peak_mb: the most above what it held before. kept_mb: what the studio's own process holds more afterwards.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    kept_mb: float


def measured(attack: Attack, studio: Studio) -> tuple[str, Cost]:
    before, own_before, cpu = resident(studio), _resident(studio.process.pid), studio.cpu_seconds()
    peak = before
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, resident(studio))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.monotonic()
    try:
        answer = attack(studio)
    finally:
        seconds = time.monotonic() - began
        over.set()
        watcher.join()
    kept = _resident(studio.process.pid) - own_before
    return answer, Cost(seconds, studio.cpu_seconds() - cpu, (peak - before) / 2**20, kept / 2**20)


def resident(studio: Studio) -> int:
    """Bytes of RAM of the studio and everything it started (Linux)."""
    own = studio.process.pid
    started = [pid for pid in _children(own) if _command(pid) != _command(own)]  # before exec it is still the parent
    return sum(map(_resident, (own, *started)))


def _children(pid: int) -> list[int]:
    direct = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct += [int(word) for word in tasks.read_text().split()]
        except OSError:
            continue
    return direct + [grandchild for child in direct for grandchild in _children(child)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
