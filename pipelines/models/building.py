"""What a stranger's config asks for, known before anything is built: its module on the meta device, within bounds.

The class itself is built, as any loading does it, but its weights take no memory there. So the count is true for every
class of diffusers and transformers, whatever its keys are called; it ends as soon as the config has asked for more than
its file of weights can hold.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from pipelines.errors import BadFile, Sentence
from pipelines.models import strangers
from pipelines.models.faults import as_bad_file

MOST_SECONDS = 30.0
"""Of computing for one part; the largest real ones take two."""
SPARE_NUMBERS = 2**26
"""Beside its weights a network may hold tables of positions and the like: 256 MiB in float32."""
SPARE_TENSORS, TENSORS_EACH = 2048, 4
"""Tensors that building may make, and more for each in the file: blocks take time, be they ever so small."""
SHARED = 2
"""So often may a config ask for what the file holds once: weights that two layers share are counted twice at first."""
MOST_KNOWN = 64
ONE_HALF = 2**26
"""Numbers that a file may leave out which holds one half of an autoencoder."""
KEYS = 3
"""Of a config that an error names."""

_passed: dict[str, None] = {}
_change = threading.Lock()


def check(kind: Any, config: Mapping[str, Any], part: str, files: Iterable[Path], unsaid: int = 0) -> None:
    """Raises BadFile where the module that `config` asks for holds more numbers than the weights in `files`.

    part -- what the sentences call it. unsaid -- so many numbers the file may leave out. Once passed, the same config
    and weights are not built again.
    """
    files = tuple(files)
    stats = [(str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files]
    mark = json.dumps([kind.__module__, kind.__name__, config, stats], sort_keys=True, default=str)
    if mark in _passed:
        return
    held: dict[str, tuple[int, ...]] = {}
    for path in files:
        held |= strangers.check_safetensors(path)
    _check(kind, config, part, held, unsaid)
    with _change:
        _passed[mark] = None
        while len(_passed) > MOST_KNOWN:
            del _passed[next(iter(_passed))]


def _check(kind: Any, config: Mapping[str, Any], part: str, held: strangers.Shapes, unsaid: int) -> None:
    numbers = sum(map(_count, held.values())) + unsaid
    sentence = Sentence(
        "the weights of {part} do not fit its config.json, of which no {kind} can be made.",
        part=part,
        kind=kind.__name__,
    )
    with as_bad_file(sentence, f"{part}/config.json", config, kind):
        try:
            most_tensors = SPARE_TENSORS + TENSORS_EACH * len(held)
            module = empty(kind, config, SHARED * numbers + SPARE_NUMBERS, most_tensors)
        except _TooMuch as excess:
            raise _refusal(part, config, held, excess.numbers, numbers, excess.shape) from None
    tied = getattr(module, "_tied_weights_keys", None) or ()  # a file may leave these out: they stand elsewhere in it
    wanted = sum(parameter.numel() for name, parameter in module.named_parameters() if name not in tied)
    tables = sum(buffer.numel() for buffer in module.buffers())
    if wanted > numbers and (missing := _missing(module, held)):
        raise BadFile(
            "{part} lacks {number} of its weights ({missing}, ...). Copy the folder again.",
            part=part,
            number=len(missing),
            missing=missing[0][:60],
        )
    if wanted > numbers:
        raise _refusal(part, config, held, wanted, numbers, _largest_alien(module, held))
    if tables > numbers + SPARE_NUMBERS:
        raise _refusal(part, config, held, wanted + tables, numbers, ())


def empty(kind: Any, config: Mapping[str, Any], most_numbers: int, most_tensors: int) -> Any:
    """A module of that class as its config says, without memory for its weights. Raises what the library raises."""
    with torch.device("meta"), _Ledger(most_numbers, most_tensors):
        if hasattr(kind, "from_config"):  # diffusers
            return kind.from_config(dict(config))
        module = kind._from_config(kind.config_class.from_dict(dict(config)))
        module.tie_weights()
        return module


def _refusal(
    part: str, config: Mapping[str, Any], held: strangers.Shapes, wanted: int, numbers: int, shape: tuple[int, ...]
) -> BadFile:
    known = {size for each in held.values() for size in each}
    alien = [size for size in shape if size not in known]
    keys = _keys_with(config, alien) or _largest(config)
    named = ", ".join(f"{key[:40]} = {value}" for key, value in keys[:KEYS])
    if wanted <= numbers:
        return BadFile(
            "{part}/config.json asks for far more blocks than its file of weights has ({named}): one of the two is not "
            "its own. Copy both again.",
            part=part,
            named=named,
        )
    return BadFile(
        "{part}/config.json asks for {wanted:,} weights or more, its file holds {held:,} ({named}): one of the two is "
        "not its own. Copy both again.",
        part=part,
        wanted=wanted,
        held=numbers,
        named=named,
    )


def _keys_with(config: Mapping[str, Any], sizes: list[int]) -> list[tuple[str, int]]:
    """The numbers of a config that a size comes from: the size itself, or what divides it."""
    numbers = list(_numbers(config))
    exact = [(key, value) for key, value in numbers if value in sizes]
    return exact or [(k, v) for k, v in _largest(config) if v > 1 and any(size % v == 0 for size in sizes)]


def _largest(config: Mapping[str, Any]) -> list[tuple[str, int]]:
    bounded = {key for key in strangers.BOUNDS if key not in ("num_train_timesteps", "sample_size")}
    return sorted(((k, v) for k, v in _numbers(config) if k in bounded), key=lambda pair: -pair[1])


def _numbers(config: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _numbers(value)
            continue
        for item in value if isinstance(value, list) else [value]:
            if type(item) is int:
                yield key, item


def _missing(module: Any, held: strangers.Shapes) -> list[str]:
    """The weights that are not in the file, where most are and have the right shape; else none: it is another's."""
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    missing = sorted(name for name in shapes if name not in held)
    fits = all(held.get(name, shape) == shape for name, shape in shapes.items())
    return missing if fits and len(missing) <= (len(shapes) + 1) // 2 else []


def _largest_alien(module: Any, held: strangers.Shapes) -> tuple[int, ...]:
    """The largest shape of the module's that no tensor in the file has."""
    known = set(held.values())
    shapes = (tuple(parameter.shape) for parameter in module.parameters())
    return max((shape for shape in shapes if shape not in known), key=_count, default=())


def _count(shape: tuple[int, ...]) -> int:
    return functools.reduce(lambda a, b: a * b, shape, 1)


class _TooMuch(BadFile):
    """`numbers` so far, and the shape of the tensor that was one too many."""

    def __init__(self, numbers: int, shape: tuple[int, ...]) -> None:
        super().__init__(
            "a config asks for {numbers:,} numbers, more than its weights hold. Copy both again.", numbers=numbers
        )
        self.numbers, self.shape = numbers, shape


class _Ledger(TorchDispatchMode):
    """Every operation of this thread, counted before it takes memory or too much time."""

    def __init__(self, most_numbers: int, most_tensors: int) -> None:
        super().__init__()
        self._most, self._made = most_numbers, 0
        self._left = most_tensors
        self._until = time.thread_time() + MOST_SECONDS

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if time.thread_time() > self._until:
            raise BadFile(
                "the model's config asks for more than can be laid out in {most:.0f} s: it is no real one's.",
                most=MOST_SECONDS,
            )
        makes = not any(isinstance(arg, torch.Tensor) for arg in tree_leaves((args, kwargs)))
        if not _on_meta(args, kwargs, makes):
            self._allow(_shapes_of(func, args, kwargs), makes)
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        self._allow(result, makes)
        return result

    def _allow(self, result: Any, makes: bool) -> None:
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._made += tensor.numel() if makes else 0
                self._left -= makes
                if max(self._made, tensor.numel()) > self._most or self._left < 0:
                    raise _TooMuch(max(self._made, tensor.numel()), tuple(tensor.shape))


def _on_meta(args: Any, kwargs: Mapping[str, Any], makes: bool) -> bool:
    if makes:
        return str(kwargs.get("device")) == "meta"
    return all(arg.is_meta for arg in tree_leaves((args, kwargs)) if isinstance(arg, torch.Tensor))


def _shapes_of(func: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    """What an operation would give, without its memory; what cannot be told so makes nothing large."""

    def moved(arg: Any) -> Any:
        return arg.to("meta") if isinstance(arg, torch.Tensor) else arg

    try:
        with torch._C._DisableTorchDispatch():
            more = {**kwargs, **({"device": torch.device("meta")} if "device" in kwargs else {})}
            return func(*tree_map(moved, args), **tree_map(moved, more))
    except (RuntimeError, NotImplementedError, TypeError):  # it reads values, as .item() does
        return ()
