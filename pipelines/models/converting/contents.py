"""The tensors that a loaded checkpoint is about, under their own names: no optimiser, no wrapping, no tools' notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor

INNER = ("state_dict", "model_state_dict", "params_ema", "params", "model", "module", "weights")
"""Under which trainers keep the weights; the first that is there."""
DROPPED = ("optimizer", "lr_scheduler", "callbacks", "loops", "scaler", "rng_state", "hyper_parameters", "epoch")
WRAPPED = "module."
MOST_TENSORS = 50_000
MOST_ENTRIES = 4 * MOST_TENSORS
"""Of all dicts on the way to the tensors, as often as they are come upon: dicts that share dicts multiply."""
MOST_DEPTH = 8
MOST_NAME = 400


class Inert:
    """Stands for an object of a class that is not wanted; keeps its state as data."""

    def __init__(self, *_: object, **__: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def tensors_of(loaded: Any, label: str) -> dict[str, Tensor]:
    """Raises BadFile where there are none, or too many."""
    loaded = _data(loaded)
    if isinstance(loaded, Mapping) and "string_to_param" in loaded:
        return {"emb_params": _embedding(loaded["string_to_param"], label)}
    found: dict[str, Tensor] = {}
    for name, tensor in _walk(_inner(loaded), label):
        found[name] = tensor
        if len(found) > MOST_TENSORS:
            raise BadFile(
                "{label} holds more than {most} tensors, more than any real model.", label=label, most=MOST_TENSORS
            )
    if not found:
        raise BadFile("{label} holds no weights. Take the model's file itself.", label=label)
    return _learned_words(_unwrapped(found))


def _learned_words(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' textual inversion, {"<word>": vector}, as others name it."""
    ((name, tensor), *more) = found.items()
    if more or tensor.ndim > 2 or not name.startswith("<"):
        return found
    return {"emb_params": tensor.reshape(-1, tensor.shape[-1])}


def _embedding(params: Any, label: str) -> Tensor:
    found = [tensor for _, tensor in _walk(_data(params), label)]
    if len(found) != 1 or found[0].ndim != 2:
        raise BadFile(
            "{label} is a textual inversion of {number} words; one of one word can be converted.",
            label=label,
            number=len(found),
        )
    return found[0]


def _data(value: Any) -> Any:
    """A container of torch.nn as the plain dict of its tensors."""
    if isinstance(value, Inert) and isinstance(value.state, Mapping):
        parameters = value.state.get("_parameters")
        return parameters if isinstance(parameters, Mapping) and parameters else value.state
    return value


def _inner(loaded: Any) -> Any:
    for _ in range(MOST_DEPTH):
        if not isinstance(loaded, Mapping):
            return loaded
        inner = next((loaded[name] for name in INNER if isinstance(loaded.get(name), Mapping) and loaded[name]), None)
        if inner is None:
            return loaded
        loaded = inner
    return loaded


def _walk(value: Any, label: str) -> Iterator[tuple[str, Tensor]]:
    """Every tensor with its name, in their order."""
    waiting, entries = [("", value, 0)], 0
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, libs.torch().Tensor):
            if len(name) > MOST_NAME or not name.isprintable():
                raise BadFile("{label} has a tensor whose name is no name. Do not use it.", label=label)
            yield name, value
        elif isinstance(value, Mapping):
            if depth >= MOST_DEPTH:
                raise BadFile("{label} is nested deeper than any real model. Do not use it.", label=label)
            entries += len(value)
            if entries > MOST_ENTRIES:
                raise BadFile(
                    "{label} is more tangled than any real model ({entries} entries). Do not use it.",
                    label=label,
                    entries=entries,
                )
            inner = [(_joined(name, key), one, depth + 1) for key, one in value.items() if _wanted(key)]
            waiting.extend(reversed(inner))


def _wanted(key: object) -> bool:
    return isinstance(key, str) and not key.startswith(DROPPED)


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _unwrapped(found: dict[str, Tensor]) -> dict[str, Tensor]:
    while all(name.startswith(WRAPPED) and len(name) > len(WRAPPED) for name in found):
        found = {name.removeprefix(WRAPPED): tensor for name, tensor in found.items()}
    return found
