"""Networks in a child process: numbers go over in shared memory, and a child that dies or hangs is started again."""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.confined import pipe, process
from pipelines.device.native.shared import Shared

log = logging.getLogger(__name__)

MODULE = "pipelines.device.native.child"
START_SECONDS, CALL_SECONDS = 120.0, 30.0
"""A start takes one second, a call a tenth of one; a machine that pages or works for many is a hundred times slower."""
ALIGNMENT = 64
PROCESS_BYTES = 115 * 2**20
"""Of a child before it has a network: Python, numpy, onnxruntime."""
COPIES = 2
"""Of the weights in a child: those that were handed over, and the library's own, in its order."""
MOST_DEATHS = 5
"""Of which none is forgotten yet."""
STARTS_A_CALL = 4
"""Of which the later two are for deaths that come at once, as when somebody ends the process while it starts."""
SOUND_CALLS = 10
"""In a row, after which all deaths before are forgotten: whoever ended the process is gone."""

Arrays = Mapping[str, np.ndarray]


class Refused(Exception):
    """The child lives and says why it cannot."""


class Died(Exception):
    """The child hung twice in one call, ended again and again in it, or too often in all."""


def memory_of(weights: int) -> int:
    """Bytes of a child's memory where its networks have so many bytes of weights, without what a call takes."""
    return PROCESS_BYTES + COPIES * weights


@dataclass(frozen=True)
class Exported:
    """A network as a child needs it.

    graph   -- an ONNX file whose weights are named and not in it
    weights -- float32 arrays by these names, asked for whenever a child starts
    """

    graph: bytes
    weights: Callable[[], Arrays]


class Session:
    """Networks by name, in one process that the first call starts. Any thread may call; calls take turns."""

    def __init__(
        self,
        networks: Mapping[str, Exported],
        threads: Callable[[], int],
        module: str = MODULE,
        start_seconds: float = START_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._networks, self._threads, self._module = dict(networks), threads, module
        self._start_seconds, self._call_seconds = start_seconds, call_seconds
        self._turn = threading.Lock()
        self._child: _Child | None = None
        self.deaths = 0
        self._forgotten = self._sound_calls = 0

    @property
    def pid(self) -> int | None:
        """The child's, where one lives."""
        child = self._child
        return child.pid if child is not None else None

    def run(self, network: str, inputs: Arrays, answer: tuple[int, ...]) -> np.ndarray:
        """What that network says of float32 inputs, float32 of the shape `answer`.

        Raises Refused, Died, and OSError where there is no memory for the numbers.
        """
        with self._turn:
            began = time.monotonic()
            for start in range(STARTS_A_CALL):
                if start >= 2 and time.monotonic() - began > self._call_seconds:
                    break
                try:
                    numbers = self._started().run(network, inputs, answer, self._call_seconds)
                except EOFError:
                    self._bury()
                    continue
                self._sound_calls += 1
                if self._sound_calls >= SOUND_CALLS:
                    self._forgotten = self.deaths
                return numbers
            raise Died("again and again in one call")

    def close(self) -> None:
        """End the child; a later call starts another."""
        with self._turn:
            self._end()

    def rest(self) -> None:
        """The same, unless the child is at work. It never waits."""
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def _started(self) -> _Child:
        if self._child is None:
            if self.deaths - self._forgotten >= MOST_DEATHS:
                raise Died(f"{self.deaths} times")
            self._child = _Child(self._module, self._networks, self._threads(), self._start_seconds)
            weakref.finalize(self, self._child.kill)
        return self._child

    def _bury(self) -> None:
        self.deaths += 1
        self._sound_calls = 0
        log.warning("a native process ended or hung, %d times by now", self.deaths)
        self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()


class _Child:
    """One life of the process. Raises EOFError when it has ended, also because a clock ended it."""

    def __init__(self, module: str, networks: Mapping[str, Exported], threads: int, seconds: float) -> None:
        each = [(name, network.weights()) for name, network in networks.items()]
        weights = {(name, weight): array for name, arrays in each for weight, array in arrays.items()}
        places = _places(weights)
        with closing(Shared(max(ALIGNMENT, _end_of(weights)))) as given:  # once it is up the child has its own mapping
            _fill(given, places, weights)
            self._numbers = Shared(_room(1))
            try:
                self._process = process.start(module, None, (given.handle, self._numbers.handle))
            except OSError:
                self._numbers.close()
                raise
            graphs = [network.graph for network in networks.values()]
            task = {
                "weights": {"handle": given.handle, "size": given.size},
                "arrays": places,
                "graphs": list(zip(networks, map(len, graphs), strict=True)),
                "threads": threads,
            }
            try:
                self._exchange(task, b"".join(graphs), seconds)
            except BaseException:
                self.kill()
                raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, network: str, inputs: Arrays, answer: tuple[int, ...], seconds: float) -> np.ndarray:
        places, at = _places(inputs), _end_of(inputs)
        self._numbers.grow(_room(at + 4 * math.prod(answer)))
        _fill(self._numbers, places, inputs)
        task = {"network": network, "handle": self._numbers.handle, "size": self._numbers.size, "arrays": places}
        self._exchange(task | {"answer": {"shape": answer, "at": at}}, b"", seconds)
        return np.frombuffer(self._numbers.view, np.float32, math.prod(answer), at).reshape(answer).copy()

    def kill(self) -> None:
        """End it, whatever it does. May be called twice."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not sent any more
                    pass
        self._numbers.close()

    def _exchange(self, task: dict[str, Any], data: bytes, seconds: float) -> None:
        """Send a task and wait for the answer; the child is killed when its time is over."""
        assert self._process.stdin and self._process.stdout
        clock = threading.Timer(seconds, self._process.kill)
        clock.daemon = True
        clock.start()
        try:
            pipe.write(self._process.stdin, task, data)
            told, _ = pipe.read(self._process.stdout, 0)
        except (OSError, ValueError):  # it is gone, or says what no child of ours says
            raise EOFError from None
        finally:
            clock.cancel()
        if "error" in told:
            raise Refused(str(told["error"])[:400])


def _room(nbytes: int) -> int:
    """Rounded up to a power of two from 1 MiB on, so that most calls find the memory as the last one left it."""
    return max(2**20, 1 << (nbytes - 1).bit_length())


def _places(arrays: Mapping[Any, np.ndarray]) -> list[dict[str, Any]]:
    """Where each lies, one after another."""
    places, at = [], 0
    for name, array in arrays.items():
        places.append({"name": name, "shape": list(array.shape), "at": at})
        at = _aligned(at + 4 * array.size)
    return places


def _end_of(arrays: Mapping[Any, np.ndarray]) -> int:
    return sum(_aligned(4 * array.size) for array in arrays.values())


def _aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def _fill(region: Shared, places: list[dict[str, Any]], arrays: Mapping[Any, np.ndarray]) -> None:
    for place, array in zip(places, arrays.values(), strict=True):
        there = np.frombuffer(region.view, np.float32, array.size, place["at"]).reshape(array.shape)
        there[...] = array
