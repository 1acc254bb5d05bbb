"""Where the parts of a model lie: all on the device, some of them as visitors, or the network leaf by leaf.

The ways of working are steps of one ladder. Each needs less of the device's memory than the one before and more time.
A visitor's weights stay in main memory and are copied over for one use, so nothing has to be copied back.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.device.memory import is_out_of_memory
from pipelines.errors import Sentence

CPU = torch.device("cpu")


class Way(enum.IntEnum):
    """The steps of the ladder, from the fastest to the smallest."""

    WHOLE = 0
    TILES = 1
    VISITS = 2
    LEAVES = 3
    MAIN_MEMORY = 4


FIRST = {"auto": Way.WHOLE, "balanced": Way.VISITS, "low": Way.LEAVES}
"""Where the ladder begins at each setting of `memory`."""

SAID = {
    Way.TILES: Sentence("To save memory the picture is decoded in tiles."),
    Way.VISITS: Sentence("To save memory the text encoders and the decoder wait in main memory and visit the device."),
    Way.LEAVES: Sentence("To save memory the network's layers wait in main memory and visit the device one by one."),
    Way.MAIN_MEMORY: Sentence("The device has too little memory for this model, so the CPU does its work."),
}


def separate(device: Any) -> bool:
    """Whether the device's memory is another than main memory, so that moving weights away makes room."""
    return torch.device(device).type != "cpu"


def move(tensor: Tensor, device: Any) -> Tensor:
    """A copy on the device, or the same where it is there already."""
    return tensor.to(device)


class Placement:
    """The parts of one model and where they lie. Whoever moves visitors holds the model's lock."""

    def __init__(self, parts: Mapping[str, nn.Module], network: str) -> None:
        self._parts, self._network_name = parts, network
        self.device, self.way = CPU, Way.WHOLE
        self._hooks: list[Any] = []

    @property
    def network(self) -> nn.Module:
        return self._parts[self._network_name]

    @property
    def _visitors(self) -> list[nn.Module]:
        return [part for name, part in self._parts.items() if name != self._network_name]

    def settle(self, device: Any, way: Way = Way.WHOLE) -> None:
        """Put everything where that way of working has it."""
        self._unhook()
        self.device, self.way = torch.device(device), way
        for part in self._visitors:
            _place(part, CPU if way >= Way.VISITS else self.device)
        if way is Way.LEAVES:
            self._leaf_by_leaf()
        elif way is Way.MAIN_MEMORY:
            self._to_main_memory()
        else:
            _place(self.network, self.device)

    @contextmanager
    def visit(self, *names: str) -> Iterator[torch.device]:
        """Those parts on the device while the block runs; yields where they are, the CPU where they found no room."""
        parts = [self._parts[name] for name in names if name in self._parts]
        if self.way < Way.VISITS or self.way is Way.MAIN_MEMORY:
            yield self.device
            return
        homes = [(tensor, tensor.data) for part in parts for tensor in _tensors(part)]
        place = self.device
        try:
            try:
                _over(homes, self.device)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                _back(homes)
                place = CPU
            yield place
        finally:
            _back(homes)

    def send_visitors_away(self) -> bool:
        """Make room: all but the network goes to main memory. False where there is nothing to gain."""
        if self.way >= Way.VISITS or not separate(self.device):
            return False
        for part in self._visitors:
            _place(part, CPU)
        self.way = Way.VISITS
        return True

    def shrink_network(self) -> bool:
        """One step down for the network itself. False at the ladder's end. For the thread that evaluates it."""
        if self.way is Way.MAIN_MEMORY or not separate(self.device):
            return False
        self._unhook()
        if self.way < Way.LEAVES:
            self.way = Way.LEAVES
            self._leaf_by_leaf()
        else:
            self.way = Way.MAIN_MEMORY
            self._to_main_memory()
        return True

    def nbytes(self, way: Way) -> int:
        """What lies on the device in that way of working."""
        if way is Way.MAIN_MEMORY:
            return 0
        if way is Way.LEAVES:
            leaves = [_bytes(leaf, recurse=False) for leaf in _leaves(self.network)]
            return _bytes(self.network) - sum(leaves) + max(leaves, default=0)
        return _bytes(self.network) + (0 if way is Way.VISITS else sum(map(_bytes, self._visitors)))

    def _leaf_by_leaf(self) -> None:
        """Each leaf's weights come for its own forward. What a module uses beside its leaves is small and stays."""
        _place(self.network, CPU)
        leaves = _leaves(self.network)
        inside = {id(tensor) for leaf in leaves for tensor in _tensors(leaf)}
        _over([(t, t.data) for t in _tensors(self.network) if id(t) not in inside], self.device)
        for leaf in leaves:
            self._hooks += _visiting_leaf(leaf, self.device)

    def _to_main_memory(self) -> None:
        """The CPU works in float32: half precision is slow there. Runs that began on the device go on: what the
        network is asked comes over, and its answer goes back."""
        _place(self.network, CPU)
        with torch.inference_mode(False):
            self.network.float()
        asked: list[torch.device] = []

        def come(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
            asked.append(next(t.device for t in (*args, *kwargs.values()) if isinstance(t, Tensor)))
            return _carried((args, kwargs), CPU)

        def go(module: nn.Module, args: tuple, answer: Any) -> Any:
            return _carried(answer, asked.pop())

        self._hooks += [
            self.network.register_forward_pre_hook(come, with_kwargs=True),
            self.network.register_forward_hook(go),
        ]
        self.device = CPU

    def _unhook(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _visiting_leaf(leaf: nn.Module, device: torch.device) -> list[Any]:
    homes = [(tensor, tensor.data) for tensor in _tensors(leaf)]
    come: Callable[..., None] = lambda module, args: _over(homes, device)  # noqa: E731
    go: Callable[..., None] = lambda module, args, answer: _back(homes)  # noqa: E731
    return [leaf.register_forward_pre_hook(come), leaf.register_forward_hook(go, always_call=True)]


def _leaves(module: nn.Module) -> list[nn.Module]:
    return [m for m in module.modules() if not any(True for _ in m.children()) and any(True for _ in _tensors(m))]


def _place(part: nn.Module, device: Any) -> None:
    with torch.inference_mode(False):
        _over([(tensor, tensor.data) for tensor in _tensors(part)], device)


def _over(homes: list[tuple[Tensor, Tensor]], device: Any) -> None:
    with torch.inference_mode(False):  # else the parameters could never be moved outside of it again
        for tensor, home in homes:
            tensor.data = move(home, device)


def _back(homes: list[tuple[Tensor, Tensor]]) -> None:
    with torch.inference_mode(False):
        for tensor, home in homes:
            tensor.data = home


def _carried(value: Any, device: torch.device) -> Any:
    """The same with every tensor in it on the device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _carried(item, device) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_carried(item, device) for item in value)
    return value


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _bytes(module: nn.Module, recurse: bool = True) -> int:
    return sum(t.nbytes for t in (*module.parameters(recurse), *module.buffers(recurse)))
