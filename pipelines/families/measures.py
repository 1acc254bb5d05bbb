"""How good a family is, measured the same way for all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pipelines import libs

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pipelines.data.sets import DataSet
    from pipelines.theory.ideal import Distribution

FAIR = 0.25
"""The share of its fair share of samples from which on a mode is covered."""
DRAWS = 10
"""Of the data itself, to say how far two sets of it lie apart by chance."""
QUICK, WHOLE = 64, 256
"""Held-out examples by which the likelihood is measured while learning, and at the end."""


def distance(x: Tensor, exact: Distribution) -> float:
    """Sliced Wasserstein-2 between samples and as many of the data's own."""
    from pipelines.data.points import sliced_distance

    draw = _draw(1)
    real = exact.sample(len(x), draw)
    return round(sliced_distance(x.double().nan_to_num(9.0).clamp(-9, 9), real, draw), 4)


def distance_of_data(count: int, exact: Distribution) -> list[float]:
    """The least and the most of `distance` for ten draws of the data itself: what chance alone does."""
    draw = _draw(3)
    distances = [distance(exact.sample(count, draw), exact) for _ in range(DRAWS)]
    return [min(distances), max(distances)]


def modes(x: Tensor, exact: Distribution) -> dict[str, Any]:
    """How many of a mixture's modes have their samples, and how many samples lie on none; {} where modes touch."""
    from pipelines.data.points import astray
    from pipelines.theory.ideal import Mixture

    if not isinstance(exact, Mixture) or not _apart(exact):
        return {}
    nearest, near = libs.torch().cdist(x.double(), exact.means).argmin(1), ~astray(x, exact)
    found = libs.torch().bincount(nearest[near], minlength=len(exact.means))
    fair = len(x) / len(exact.means)
    return {
        "modes": int((found >= FAIR * fair).sum()),
        "modes_of_data": len(exact.means),
        "astray": round(float((~near).double().mean()), 4),
    }


def _apart(mixture: Any) -> bool:
    from pipelines.data.points import WITHIN

    gaps = libs.torch().cdist(mixture.means, mixture.means)
    gaps.fill_diagonal_(math.inf)
    return bool(gaps.min() > 2 * WITHIN * mixture.deviations.max() * 0.6)


def bits(model: Any, data: DataSet, held_out: tuple[Tensor, Tensor], last: bool = True) -> dict[str, Any]:
    """-log2 p a dimension on held-out examples, or an upper bound of it; for a VAE also what its z is told in nats."""
    count = WHOLE if last else QUICK
    x, labels = held_out[0][:count], held_out[1][:count]
    told: dict[str, Any] = {}
    # What has a network asks it at every t, so it is not asked while it learns.
    if not hasattr(model, "network") or last and not _takes_minutes(model, data):
        likelihood = model.bits_per_dim(x, labels, _draw(2), data.levels)
        if likelihood is not None:
            told["bits"] = round(float(likelihood.mean()), 3)
    if hasattr(model, "posterior"):
        told["kl"] = round(float(model.terms(x, labels, _draw(2))[1].mean()), 3)
    if data.exact is not None:
        nats = -float(data.exact.log_prob(x.double(), 0.0).mean())
        told["bits_of_data"] = round(nats / (x.shape[1] * math.log(2)), 3)
    return {name: value for name, value in told.items() if math.isfinite(value)}


def _takes_minutes(model: Any, data: DataSet) -> bool:
    """Flow matching's of pictures, a Jacobian a step; `evaluate families` measures the shipped one's."""
    from pipelines.families.diffusion import FlowMatching

    return isinstance(model, FlowMatching) and data.exact is None


def told_apart(real: Tensor, made: Tensor) -> float:
    """In how many pairs of a real and a made one the real one is judged higher; half where it cannot be told."""
    gaps = (real[:, None] - made[None, :]).nan_to_num()
    return round(float((gaps.sign().double().mean() + 1) / 2), 4)


def _draw(seed: int) -> torch.Generator:
    return libs.torch().Generator().manual_seed(seed)
