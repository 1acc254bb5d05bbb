"""Denoisers that are exact, because the data's distribution is known: beside a learned one they show what it missed.

All in the samplers' form x = x0 + sigma * eps, float64. Each distribution gives the same four answers:
`denoise(x, sigma)` is E[x0 | x], `score(x, sigma)` is the gradient of log p_sigma by Tweedie's formula
(x0 - x) / sigma^2, `log_prob(x, sigma)` is log p_sigma in nats, and `sample(n, generator)` draws data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pipelines.errors import BadRequest

LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)


class Distribution(Protocol):
    def sample(self, n: int, generator: torch.Generator) -> Tensor: ...

    def denoise(self, x: Tensor, sigma: float) -> Tensor: ...

    def score(self, x: Tensor, sigma: float) -> Tensor: ...

    def log_prob(self, x: Tensor, sigma: float = 0.0) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Mixture:
    """Sum of round Gaussians. A deviation of 0 makes a component a point: a finite data set, learned by heart.

    `labels` says which class a component belongs to, for guidance.
    """

    weights: Tensor  # (K,), their sum is 1
    means: Tensor  # (K, D)
    deviations: Tensor  # (K,)
    labels: Tensor  # (K,) whole numbers

    @classmethod
    def of(cls, means: Tensor, deviation: float = 0.0, labels: Tensor | None = None) -> Mixture:
        """Components of equal weight and width at the rows of `means`, (K, D)."""
        means = means.double()
        count = len(means)
        if labels is None:
            labels = torch.zeros(count, dtype=torch.long)
        return cls(means.new_full((count,), 1 / count), means, means.new_full((count,), deviation), labels)

    def part(self, label: int) -> Mixture:
        """The distribution of one class alone."""
        chosen = self.labels == label
        if not chosen.any():
            raise BadRequest(
                "label must be one of {known}; got {got}.", known=sorted(set(self.labels.tolist())), got=label
            )
        weights = self.weights[chosen] / self.weights[chosen].sum()
        return Mixture(weights, self.means[chosen], self.deviations[chosen], self.labels[chosen])

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, D) draws."""
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[chosen] + self.deviations[chosen, None] * noise

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """(N, D) -> (N, D): the components' own answers, weighted by how likely each made x."""
        share = self._log_shares(x, sigma).softmax(dim=1)  # (N, K)
        variance = self.deviations**2 + sigma**2
        return (
            share @ (self.means * (sigma**2 / variance)[:, None])
            + x * (share @ (self.deviations**2 / variance))[:, None]
        )

    def score(self, x: Tensor, sigma: float) -> Tensor:
        variance = self.deviations**2 + sigma**2
        share = self._log_shares(x, sigma).softmax(dim=1) / variance
        return share @ self.means - x * share.sum(1, keepdim=True)

    def log_prob(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """(N, D) -> (N,) nats."""
        return self._log_shares(x, sigma).logsumexp(dim=1)

    def _log_shares(self, x: Tensor, sigma: float) -> Tensor:
        """(N, K): log of weight times density."""
        variance = self.deviations**2 + sigma**2
        gaps = torch.cdist(x, self.means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        return self.weights.log() - 0.5 * (gaps / variance + x.shape[1] * (variance.log() + 2 * LOG_ROOT_TAU))


@dataclass(frozen=True, eq=False)
class Boxes:
    """Equally likely boxes with even density inside, such as the dark fields of a checkerboard."""

    low: Tensor  # (K, D)
    high: Tensor  # (K, D)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(self.low), (n,), generator=generator)
        place = torch.rand(n, self.low.shape[1], generator=generator, dtype=torch.float64)
        return self.low[chosen] + (self.high - self.low)[chosen] * place

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        log_mass = self._log_masses(x, sigma)  # (N, K, D)
        share = log_mass.sum(2).softmax(dim=1)[..., None]
        return (share * self._means(x, sigma, log_mass)).sum(1)

    def score(self, x: Tensor, sigma: float) -> Tensor:
        return (self.denoise(x, sigma) - x) / sigma**2

    def log_prob(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        log_volumes = (self.high - self.low).log().sum(1)  # (K,)
        if sigma == 0:
            point = x[:, None]
            inside = ((point >= self.low) & (point < self.high)).all(2)
            return torch.where(inside, -log_volumes, -math.inf).logsumexp(1) - math.log(len(self.low))
        return (self._log_masses(x, sigma).sum(2) - log_volumes).logsumexp(1) - math.log(len(self.low))

    def _log_masses(self, x: Tensor, sigma: float) -> Tensor:
        """(N, K, D): log of the share of N(x, sigma^2) that lies within each box, side by side."""
        low, high = (self.low - x[:, None]) / sigma, (self.high - x[:, None]) / sigma
        flip = low + high > 0  # the same mass, seen from the tail on which both ends are small
        low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
        log_low, log_high = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
        return log_high + torch.log1p(-(log_low - log_high).exp())

    def _means(self, x: Tensor, sigma: float, log_mass: Tensor) -> Tensor:
        """(N, K, D): the mean of N(x, sigma^2) cut to each box."""
        low, high = (self.low - x[:, None]) / sigma, (self.high - x[:, None]) / sigma
        drop = (-0.5 * low**2 - LOG_ROOT_TAU - log_mass).exp() - (-0.5 * high**2 - LOG_ROOT_TAU - log_mass).exp()
        return torch.minimum(torch.maximum(x[:, None] + sigma * drop, self.low), self.high)
