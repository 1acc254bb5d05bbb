"""The one place that knows a device: counted leases of models within a memory budget, and the device's worker."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

from pipelines import libs
from pipelines.device import hardware
from pipelines.device.memory import give_back_freed, is_out_of_memory
from pipelines.device.turns import Turns
from pipelines.device.worker import Worker
from pipelines.errors import BadRequest, Busy, NoRoom, OutOfMemory

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

SHARE = {"cuda": 0.8, "xpu": 0.8, "mps": 0.6, "cpu": 0.5}
"""How much of what is free at the first lease models may take; the rest is for their work and for other programs."""


MEMORY = ("auto", "balanced", "low")


class Model(Protocol):
    """Weights that can be put on a device. `to` moves them in place."""

    @property
    def nbytes(self) -> int: ...
    def to(self, device: str, /) -> object: ...


@runtime_checkable
class Frugal(Protocol):
    """A model that can work in several ways, from the fastest to the one that needs least of the device."""

    def ways(self, device: str, memory: str) -> tuple[Any, ...]: ...
    def nbytes_on_device(self, way: Any) -> int: ...
    def nbytes_beside(self, device: str) -> int: ...
    def do_without_beside(self) -> None: ...
    def to(self, device: str, way: Any, /) -> object: ...
    def make_room(self) -> None: ...
    def shrink(self, key: str) -> str: ...


class Graphs(Protocol):
    """Who finds native ways for models that are used again; `room` takes bytes of the budget, where it has them."""

    def used(self, model: Any, info: Any, room: Callable[[int], bool], /) -> None: ...
    def describe(self) -> Mapping[str, int]: ...
    def close(self) -> None: ...


M = TypeVar("M", bound=Model)
T = TypeVar("T")


@dataclass
class _Held:
    """A model on the device, how many lease it, and when it was last given back."""

    model: Model
    nbytes: int
    leases: int = 0
    used: float = 0.0


class DeviceManager:
    """One for each device, shared by all generators. Nothing is looked up and torch not imported before it is needed.

    device       -- "cuda", "cuda:1", "xpu", "mps", "cpu"; None or "auto" takes the best that torch can use. Of several,
                    as `hardware.choose` tells them, the first: for the others see pipelines/device/lanes.py
    sharing      -- so many managers share the memory that is free at the first lease
    budget_bytes -- most bytes of weights on the device; None takes a share of what is free
    full_precision -- compute in float32 on every device
    patience     -- seconds to wait for others to give a model back before saying that there is no room
    turns        -- the shares of the device's time that clients have
    graphs       -- where users' models get native networks; None: they stay in torch
    lost         -- set by whoever saw that the device's context is lost: no job can use it any more
    memory       -- "auto" takes the first way of working that fits the budget (see pipelines/device/placement.py);
                    "balanced" and "low" begin with smaller ones

    elsewhere    -- whether its networks work on another machine (see pipelines/device/ray_lanes.py)

    One order of locks: a load holds `_loading` from its first byte to its last, inside it the libraries' door, then
    `_changed` for a moment or the model's own lock, as a move does. Nobody who holds one of these takes an earlier
    one; who frees memory while a model is at work leaves that model alone instead of waiting for it.
    """

    elsewhere = False

    def __init__(
        self,
        device: str | None = None,
        budget_bytes: int | None = None,
        threads: int | None = None,
        patience: float = 60.0,
        memory: str = "auto",
        full_precision: bool = False,
        probe: hardware.Probe = hardware.probe,
        turns: Turns | None = None,
        graphs: Graphs | None = None,
        sharing: int = 1,
    ) -> None:
        if memory not in MEMORY:
            raise BadRequest("memory must be one of {known}; got {got!r}.", known=", ".join(MEMORY), got=memory[:40])
        if budget_bytes is not None and budget_bytes <= 0:
            raise BadRequest("the memory budget must be more than 0 bytes; got {got}.", got=budget_bytes)
        self.memory, self.graphs = memory, graphs
        self.lost = False
        self._full_precision = full_precision
        self._wanted = device
        self._wanted_budget = budget_bytes
        self._patience = patience
        self._probe, self._sharing = probe, sharing
        self._held: dict[str, _Held] = {}
        self._changed = threading.Condition()
        self._loading = threading.Lock()
        self._looking = threading.RLock()
        self.turns = turns or Turns()
        self._worker = Worker(threads, relieve=self.make_room, shrink=self._shrink, turns=self.turns)

    @property
    def device(self) -> str:
        return self.devices[0]

    @property
    def label(self) -> str:
        """What people are told that it is called."""
        return self.device

    @property
    def devices(self) -> tuple[str, ...]:
        """All that were asked for, this one first. Raises BadRequest for what is not here."""
        with self._looking:  # two threads must not look at the machine twice
            return self._devices

    @cached_property
    def _devices(self) -> tuple[str, ...]:
        return hardware.choose(self._machine, self._wanted)

    @cached_property
    def _machine(self) -> hardware.Machine:
        return self._probe()

    @cached_property
    def dtype(self) -> "torch.dtype":
        """float32 on the CPU, half precision on cards that are fast and safe with it."""
        return libs.torch().float32 if self._full_precision else hardware.dtype_of(self.device)

    @cached_property
    def budget_bytes(self) -> int:
        if self._wanted_budget is not None:
            return self._wanted_budget
        free, _total = hardware.memory_of(self.device)
        kind = self.device.split(":")[0]
        return int(free * SHARE[kind] / (max(self._sharing, len(self.devices)) if kind == "cpu" else 1))

    def describe(self) -> dict[str, object]:
        """What the page, `info` and /stats show, JSON-able. `hint` is a sentence where a card lies idle, else ""."""
        free, total = hardware.memory_of(self.device)
        return {
            "device": self.device,
            "name": hardware.name_of(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "torch": str(libs.torch().__version__),
            "memory_total": total,
            "memory_free": free,
            "budget": self.budget_bytes,
            "used": sum(held.nbytes for held in list(self._held.values())),
            "threads": self._worker.threads,
            "hint": hardware.hint(self._machine) if self._wanted in (None, "auto") else "",
        }

    def worker(self) -> Worker:
        """The device's one worker."""
        return self._worker

    @contextmanager
    def lease(self, key: str, load: Callable[[], M]) -> Iterator[M]:
        """The model `key`, on the device and kept there while the block runs; loaded by `load` if it is not there.

        However many ask, it is loaded once, and loads go one after another. To make room, models that nobody leases
        are dropped, the longest unused first. Raises OutOfMemory if it cannot fit, NoRoom if it cannot now; errors of
        `load` come through.
        """
        # Every thread of a job computes with the same number of threads from its first operation on: another number
        # gives other last bits, and the first job after a start would differ from all later ones.
        libs.torch().set_num_threads(self._worker.threads)
        held = self._take(key) or self._load(key, load)
        try:
            yield cast(M, held.model)
        finally:
            with self._changed:
                held.leases -= 1
                held.used = time.monotonic()
                self._changed.notify_all()

    def loaded(self) -> list[dict[str, object]]:
        """What is on the device now, the most recently used first."""
        with self._changed:
            by_use = sorted(self._held.items(), key=lambda item: item[1].used, reverse=True)
            return [{"key": key, "bytes": held.nbytes, "leases": held.leases} for key, held in by_use]

    def more(self, key: str, nbytes: int) -> bool:
        """Whether the model `key`, which the caller alone leases, may have so many bytes more; then it has them."""
        with self._changed:
            held = self._held.get(key)
            if held is None or held.leases != 1:
                return False
            if sum(each.nbytes for each in self._held.values()) + nbytes > self.budget_bytes:
                return False
            held.nbytes += nbytes
            return True

    def has_room(self, key: str, nbytes: int) -> bool:
        """Whether the model `key` of so many bytes is here, or would be without waiting for a job to give one back."""
        with self._changed:
            leased = sum(held.nbytes for held in self._held.values() if held.leases)
            return key in self._held or leased + nbytes <= self.budget_bytes

    def nbytes_of(self, name: str) -> int:
        """Of the models of that name that are here; 0 where there is none."""
        with self._changed:
            return sum(held.nbytes for key, held in self._held.items() if name_of(key) == name)

    def unleased_bytes(self) -> int:
        """So much of the budget no job holds now."""
        with self._changed:
            return self.budget_bytes - sum(held.nbytes for held in self._held.values() if held.leases)

    def drop_idle(self) -> None:
        """Let go of every model that nobody leases, and of memory that torch keeps for later."""
        with self._changed:
            for key in [key for key, held in self._held.items() if not held.leases]:
                log.info("dropping the idle model %s", key)
                del self._held[key]
        self._return_memory()

    def drop(self, name: str) -> int:
        """Let go of the models of that name; how many. Raises Busy where a job still uses one."""
        with self._changed:
            keys = [key for key in self._held if name_of(key) == name]
            if any(self._held[key].leases for key in keys):
                raise Busy("{name} is in use by a job. Stop the job or wait for its end.", name=name[:60])
            for key in keys:
                del self._held[key]
        self._return_memory()
        return len(keys)

    def make_room(self) -> None:
        """Drop what is idle, and let leased models send away what is not at work."""
        self.drop_idle()
        for model in self._frugal():
            model.make_room()
        self._return_memory()

    def _shrink(self, key: str) -> str:
        """The first answer of a model whose network has that key and can work in a smaller way."""
        told = next((words for model in self._frugal() if (words := model.shrink(key))), "")
        self._return_memory()
        return told

    def _frugal(self) -> list[Frugal]:
        with self._changed:
            return [held.model for held in self._held.values() if isinstance(held.model, Frugal)]

    def close(self) -> None:
        """Stop the worker and drop what nobody leases. May be called twice."""
        if self.graphs is not None:
            self.graphs.close()
        self._worker.close()
        with self._changed:
            self._held = {key: held for key, held in self._held.items() if held.leases}

    def _take(self, key: str) -> _Held | None:
        with self._changed:
            held = self._held.get(key)
            if held is not None:
                held.leases += 1
            return held

    def _load(self, key: str, load: Callable[[], Model]) -> _Held:
        with self._loading:
            held = self._take(key)  # another thread may have loaded it while this one waited
            if held is not None:
                return held
            log.info("loading %s", key)
            with libs.door:
                model = self._with_relief(load, key)
            nbytes = self._settle(key, model)
            held = _Held(model, nbytes, leases=1, used=time.monotonic())
            with self._changed:
                self._held[key] = held
            return held

    def _settle(self, key: str, model: Model) -> int:
        """Put the model on the device in the first way of working that finds room; the bytes that it takes there."""
        if not isinstance(model, Frugal):
            self._make_room(key, nbytes := model.nbytes)
            self._with_relief(lambda: model.to(self.device), key)
            return nbytes
        frugal = cast(Frugal, model)
        ways = frugal.ways(self.device, self.memory)
        needed = {way: frugal.nbytes_on_device(way) + frugal.nbytes_beside(self.device) for way in ways}
        if min(needed.values()) > self.budget_bytes:
            frugal.do_without_beside()
            needed = {way: frugal.nbytes_on_device(way) for way in ways}
        fitting = [way for way in ways if needed[way] <= self.budget_bytes] or ways[-1:]
        for way in fitting:
            self._make_room(key, nbytes := needed[way])
            try:
                self._with_relief(lambda way=way: frugal.to(self.device, way), key)
                return nbytes
            except OutOfMemory:
                if way == fitting[-1]:
                    raise
        raise AssertionError("a ladder has at least one way")

    def _with_relief(self, work: Callable[[], T], key: str) -> T:
        """work(), tried again with all idle models dropped if memory ran out."""
        for _attempt in range(2):
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self.drop_idle()
        raise OutOfMemory(
            "The model {key} does not fit into the memory of {device}. Choose a smaller model.",
            key=key[:60],
            device=self.device,
        )

    def _make_room(self, key: str, nbytes: int) -> None:
        """Drop the least recently used idle models until `nbytes` more fit; wait for leased ones to come back."""
        budget = self.budget_bytes
        if nbytes > budget:
            raise OutOfMemory(
                "The model {key} needs {needed}; {device} has {room} for models. Choose a smaller model or raise "
                "the memory budget.",
                key=key[:60],
                needed=_mib(nbytes),
                device=self.device,
                room=_mib(budget),
            )
        dropped = False
        deadline = time.monotonic() + self._patience
        with self._changed:
            while sum(held.nbytes for held in self._held.values()) + nbytes > budget:
                idle = [(held.used, name) for name, held in self._held.items() if not held.leases]
                if idle:
                    del self._held[min(idle)[1]]
                    dropped = True
                elif not self._changed.wait(deadline - time.monotonic()):
                    raise NoRoom(
                        "No room for the model {key} ({needed}): running jobs hold the others. Try again when they are "
                        "done, or raise the memory budget.",
                        key=key[:60],
                        needed=_mib(nbytes),
                    )
        if dropped:
            self._return_memory()

    def _return_memory(self) -> None:
        give_back_freed(thoroughly=True)  # a network that was here the last time may be gone
        kind = self.device.split(":")[0]
        if kind != "cpu":
            getattr(libs.torch(), kind).empty_cache()


def name_of(key: str) -> str:
    """Of the model that was leased under a key."""
    return key.rpartition("@")[0]


def _mib(nbytes: int) -> str:
    return f"{nbytes / 2**20:.0f} MiB"
