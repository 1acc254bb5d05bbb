"""All that a training needs to go on as if nothing had happened, as named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from pipelines.learning.task import Player

MODEL, AVERAGED = "model.", "averaged."


def tensors_of(model: nn.Module, averaged: nn.Module, players: Mapping[str, Player]) -> dict[str, Tensor]:
    """Weights, averages and what the optimisers remember; not copied but where their layout is not plain."""
    named = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    if averaged is not model:
        named |= {AVERAGED + name: tensor for name, tensor in averaged.state_dict().items()}
    for prefix, optimiser in _optimisers(players).items():
        for place, weight in enumerate(_weights(optimiser)):
            named |= {f"{prefix}{place}.{key}": value for key, value in optimiser.state.get(weight, {}).items()}
    return {name: tensor.contiguous() for name, tensor in named.items()}


@torch.no_grad()
def restore(
    tensors: Mapping[str, Tensor], model: nn.Module, averaged: nn.Module, players: Mapping[str, Player]
) -> None:
    """The reverse, in place. Raises KeyError or RuntimeError where the tensors are another training's."""
    model.load_state_dict(_part(tensors, MODEL))
    if averaged is not model:
        averaged.load_state_dict(_part(tensors, AVERAGED))
    for prefix, optimiser in _optimisers(players).items():
        optimiser.state.clear()
        kept = _part(tensors, prefix)
        for name, value in kept.items():
            place, key = name.split(".")
            weight = _weights(optimiser)[int(place)]
            optimiser.state[weight][key] = _like(value, weight)


def _optimisers(players: Mapping[str, Player]) -> dict[str, Optimizer]:
    return {
        f"optimiser.{name}.{i}.": optimiser
        for name, player in players.items()
        for i, optimiser in enumerate(player.optimisers)
    }


def _weights(optimiser: Optimizer) -> list[Tensor]:
    return [weight for group in optimiser.param_groups for weight in group["params"]]


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _like(value: Tensor, weight: Tensor) -> Tensor:
    """A copy with the weight's layout in memory, which fused optimisers take for granted; and aligned as torch does."""
    if value.shape == weight.shape:
        return torch.empty_like(weight, dtype=value.dtype).copy_(value)
    return torch.empty_like(value, device=weight.device).copy_(value)
