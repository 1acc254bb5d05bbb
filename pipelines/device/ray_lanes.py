"""Lanes in a Ray cluster: the networks of each work in an actor on another machine, everything else of a job here.

Ray is an extra (requirements-ray.txt). It executes what it is sent, so a cluster is trusted ground.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import pickle
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.device.evaluations import Network, Rows
from pipelines.device.lost import RAY_LOST
from pipelines.device.manager import DeviceManager, M
from pipelines.device.worker import Worker
from pipelines.errors import BadRequest
from pipelines.places import ROOT

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

REACH_SECONDS, START_SECONDS, CALL_SECONDS = 10.0, 300.0, 120.0
MOST_NETWORKS = 2
"""That an actor holds: a model's own, and one with add-ons."""


class Remote:
    """The actor: networks by name, on the best device of its machine."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1 if not torch.cuda.is_available() else torch.get_num_threads())
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._networks: OrderedDict[str, Network] = OrderedDict()

    def about(self) -> tuple[str, int]:
        """The device, and its process."""
        return self._device, os.getpid()

    def take(self, name: str, network: bytes) -> None:
        import torch

        self._networks[name] = torch.load(io.BytesIO(network), map_location=self._device, weights_only=False)
        while len(self._networks) > MOST_NETWORKS:
            self._networks.popitem(last=False)

    def answer(self, name: str, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        import torch

        self._networks.move_to_end(name)
        there = {key: tensor.to(self._device) for key, tensor in context.items()}
        with torch.inference_mode():
            return self._networks[name](x.to(self._device), timesteps.to(self._device), there).cpu()


class RayWorker(Worker):
    """Asks the networks in an actor. One that cannot be sent, as it was changed in a way that has no written form, is
    asked here."""

    def __init__(self, actor: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self._actor = actor
        self._sent: OrderedDict[str, Network] = OrderedDict()
        self._kept_here: set[str] = set()

    def _ask(self, network: Network, rows: Rows) -> Tensor:
        network = network.in_torch() if hasattr(network, "in_torch") else network  # pyright: ignore
        if not self._send(network):
            return super()._ask(network, rows)
        context = {name: tensor.cpu() for name, tensor in rows.context.items()}
        asked = self._actor.answer.remote(network.key, rows.x.cpu(), rows.timesteps.cpu(), context)
        return answered(asked, CALL_SECONDS).to(rows.x.device)

    def _send(self, network: Network) -> bool:
        """Whether the actor has it, once it was sent. The same key with other weights is sent again."""
        if network.key in self._kept_here:
            return False
        if self._sent.get(network.key) == network:
            self._sent.move_to_end(network.key)
            return True
        written = io.BytesIO()
        try:
            libs.torch().save(network, written)
        except (pickle.PicklingError, AttributeError, TypeError) as fault:
            log.warning("%s cannot be sent to a Ray worker and works here: %s", network.key, fault)
            self._kept_here.add(network.key)
            return False
        answered(self._actor.take.remote(network.key, written.getvalue()), START_SECONDS)
        self._sent.pop(network.key, None)
        self._sent[network.key] = network
        while len(self._sent) > MOST_NETWORKS:
            self._sent.popitem(last=False)
        return True

    def forget(self) -> None:
        """Whose weights would else stay here with it."""
        self._sent.clear()


def answered(asked: Any, seconds: float) -> Any:
    """What an actor answers. Raises what was raised there, and RuntimeError, as of a lost card, where it is gone."""
    ray = _ray()
    try:
        return ray.get(asked, timeout=seconds)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as fault:
        raise RuntimeError(f"{RAY_LOST}: {type(fault).__name__}") from None


class RayLane(DeviceManager):
    """A lane whose networks work in an actor; models are leased from this machine's manager, once for all lanes."""

    elsewhere = True

    def __init__(self, local: DeviceManager, actor: Any, label: str) -> None:
        super().__init__(local.device, graphs=None)
        self._local, self._actor, self._label = local, actor, label
        self._worker = RayWorker(actor, threads=local.worker().threads, turns=self.turns)

    @property
    def label(self) -> str:
        return self._label

    @contextmanager
    def lease(self, key: str, load: Callable[[], M]) -> Iterator[M]:
        with self._local.lease(key, load) as model:
            yield model

    def nbytes_of(self, name: str) -> int:
        return self._local.nbytes_of(name)

    def unleased_bytes(self) -> int:
        return self._local.unleased_bytes()

    def has_room(self, key: str, nbytes: int) -> bool:
        return self._local.has_room(key, nbytes)

    def describe(self) -> dict[str, object]:
        return self._local.describe() | {"device": self._label, "name": "Ray"}

    def drop_idle(self) -> None:
        assert isinstance(self._worker, RayWorker)
        self._worker.forget()

    def close(self) -> None:
        super().close()
        _ray().kill(self._actor)


def address(devices: str | None) -> tuple[str | None, str]:
    """What is asked for on this machine, and the cluster's address, from "cuda:0,ray:host:port"; "" for no cluster.
    Raises BadRequest where Ray is missing or open to everybody, and for an address that is none."""
    named = [name.strip() for name in (devices or "").split(",")]
    clusters = [name.removeprefix("ray:") for name in named if name.startswith("ray:")]
    if not clusters:
        return devices, ""
    host, _, port = clusters[0].rpartition(":")
    if len(clusters) > 1 or not host or not port.isdecimal():
        raise BadRequest("a Ray cluster is named as ray:HOST:PORT, once; got {got!r}.", got=(devices or "")[:60])
    if importlib.util.find_spec("ray") is None:
        raise BadRequest("Ray is not installed. Install it with: pip install -r requirements-ray.txt")
    if os.environ.get("RAY_AUTH_MODE") != "token":
        raise BadRequest("Ray lets everybody in the network run code. Set RAY_AUTH_MODE=token, on all its machines.")
    return ",".join(name for name in named if not name.startswith("ray:")) or None, clusters[0]


def _ray() -> Any:
    """The library, as whoever has it not needs no stubs of it either."""
    return importlib.import_module("ray")


def connect(cluster: str, local: DeviceManager) -> Sequence[DeviceManager]:
    """A lane for each card of the cluster at that address ("host:port"), or for each machine that has none. None, and a
    line in the log, where nobody answers. Ray's reports of its use are off."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    host, _, port = cluster.rpartition(":")
    try:  # Ray itself would try for minutes
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
    except OSError as fault:
        log.warning("no Ray cluster answers at %s, so this machine works alone: %s", cluster, fault)
        return []
    ray, placing = _ray(), importlib.import_module("ray.util.scheduling_strategies")
    try:
        code = {"py_modules": [str(ROOT / "pipelines")]}
        ray.init(cluster, ignore_reinit_error=True, log_to_driver=False, configure_logging=False, runtime_env=code)
        lanes: list[DeviceManager] = []
        for node in ray.nodes():
            cards = int(node["Resources"].get("GPU", 0)) if node["Alive"] else 0
            for number in range(max(1, cards) if node["Alive"] else 0):
                there = placing.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                share = {"num_gpus": 1} if cards else {"num_cpus": 1}
                actor = ray.remote(Remote).options(scheduling_strategy=there, **share).remote()
                lanes.append(RayLane(local, actor, f"ray:{node['NodeManagerAddress']}/{len(lanes)}"))
                log.info("a lane on %s, %d", node["NodeManagerAddress"], number)
        return lanes
    except (ConnectionError, OSError, RuntimeError, ValueError) as fault:
        log.warning("the Ray cluster at %s cannot be used, so this machine works alone: %s", cluster, fault)
        return []
