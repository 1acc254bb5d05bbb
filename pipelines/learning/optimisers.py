"""The optimisers, each over weights of its own and made with its highest rate."""

from collections.abc import Iterable

import torch
from torch import nn

from pipelines.learning import muon


def adamw(
    weights: Iterable[nn.Parameter], rate: float, betas: tuple[float, float] = (0.9, 0.999), weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """AdamW (arXiv:1711.05101), which without weight decay is Adam."""
    return torch.optim.AdamW(weights, rate, betas, weight_decay=weight_decay, fused=True)


def muon_and_adamw(model: nn.Module, rates: tuple[float, float]) -> list[torch.optim.Optimizer]:
    """Muon at the first rate for the inner matrices, AdamW at the second for the rest; weights decay by 0.01 of it."""
    matrices, rest = muon.split(model)
    return [muon.Muon(matrices, rates[0]), adamw(rest, rates[1], (0.9, 0.99), weight_decay=0.01)]
