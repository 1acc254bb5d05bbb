"""What an attack is: a function that is handed a studio and says what was answered; its cost is measured around it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from benchmarks.studio import Studio

T = TypeVar("T")
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
    own = psutil.Process(studio.process.pid)
    before, own_before, cpu = resident(studio), _resident(own), studio.cpu_seconds()
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
    kept = _resident(own) - own_before
    return answer, Cost(seconds, studio.cpu_seconds() - cpu, (peak - before) / 2**20, kept / 2**20)


def resident(studio: Studio) -> int:
    """Bytes of RAM of the studio and everything it started (Linux)."""
    own = psutil.Process(studio.process.pid)
    started = [child for child in own.children(recursive=True) if _told(child.cmdline, []) != own.cmdline()]
    return sum(map(_resident, (own, *started)))  # before exec a child is still the parent


def _resident(process: psutil.Process) -> int:
    return _told(lambda: process.memory_info().rss, 0)


def _told(ask: Callable[[], T], gone: T) -> T:
    """What a process tells of itself; `gone` where it has ended meanwhile."""
    try:
        return ask()
    except psutil.Error:
        return gone
