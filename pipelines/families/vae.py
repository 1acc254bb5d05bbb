"""A variational autoencoder whose decoder is a normal distribution with one learned deviation.

The loss is the negative bound of Kingma and Welling (arXiv:1312.6114) in nats an example, sums over all dimensions;
`beta` weighs its KL term (beta-VAE). Learning the deviation finds the balance by itself (arXiv:2006.13202).

With `couplings` the prior of the code is learned, too: p(c) is a flow of base noise (arXiv:1611.02731), and z is what
that flow makes the code of, so that base noise stays N(0, I). Without it the code is z itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.flow import Flow
from pipelines.families.networks import decoder, encoder, one_hot
from pipelines.theory.bound import decoder_nats

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_LOG_DEVIATION = -2.0
"""Small at first: with a large one the code would not be worth its price from the start, and stay unused."""
DRAWS = 4
"""Of the code for each example when the bound is measured."""


class Vae(nn.Module):
    """q(c|x) = N(mean, variance) by the encoder, p(x|c) = N(decoder(c), deviation^2)."""

    heeds: ClassVar = frozenset({"temperature"})
    stages: ClassVar = (("",),)
    learning_rate: ClassVar = 2e-3
    betas: ClassVar = (0.9, 0.99)

    def __init__(
        self,
        shape: Sequence[int],
        classes: int = 0,
        width: int = 64,
        latent: int = 16,
        beta: float = 1.0,
        couplings: int = 0,
    ) -> None:
        """couplings: of the prior's flow, whose perceptrons are as wide as two codes; 0 for N(0, I)."""
        super().__init__()
        self.shape, self.classes, self.latent, self.beta = tuple(shape), classes, latent, beta
        self.encoder = encoder(self.shape, classes, 2 * latent, width)
        self.decoder = decoder(self.shape, latent + classes, width)
        self.prior = Flow((latent,), classes, 2 * latent, couplings) if couplings else None
        self.log_deviation = nn.Parameter(torch.tensor(FIRST_LOG_DEVIATION))

    @property
    def z_shape(self) -> tuple[int, ...]:
        return (self.latent,)

    def posterior(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(c|x), each (N, latent)."""
        mean, log_variance = self.encoder(x, one_hot(labels, self.classes)).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 10)

    def decode(self, code: Tensor, labels: Tensor) -> Tensor:
        return self.decoder(torch.cat([code, one_hot(labels, self.classes)], dim=1))

    def terms(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int = 0) -> tuple[Tensor, Tensor]:
        """-log p(x|c) at one draw of the code, and KL(q(c|x) || p(c)), each (N,) in nats; the divergence from a learned
        prior is that of the same draw."""
        mean, log_variance = self.posterior(x, labels)
        noise = torch.randn(mean.shape, generator=draw).to(mean)
        code = mean + (log_variance / 2).exp() * noise
        log_variance_of_x = 2 * self.log_deviation
        told = decoder_nats(x, self.decode(code, labels), log_variance_of_x, levels or None).flatten(1).sum(1)
        if self.prior is None:
            return told, 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        log_q = -0.5 * (noise.square() + log_variance + math.log(2 * math.pi)).sum(1)
        return told, log_q - self.prior.log_prob(code, labels)

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        told, kl = self.terms(x, labels, draw)
        return (told + self.beta * kl).mean()

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """The decoder's mean: one shot, and without the noise that p(x|c) would add to every pixel."""
        z = z * how.temperature
        x = self.decode(z if self.prior is None else self.prior.inverse(z, labels), labels)
        yield State(x, x)

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """The z of the mean of q(c|x)."""
        mean = self.posterior(x, labels)[0]
        return mean if self.prior is None else self.prior.encode(mean, labels)

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> Tensor:
        """The bound, which is an upper one, over DRAWS draws of the code."""
        bounds = [told + kl for told, kl in (self.terms(x, labels, draw, levels) for _ in range(DRAWS))]
        return torch.stack(bounds).mean(0) / (math.prod(self.shape) * math.log(2))
