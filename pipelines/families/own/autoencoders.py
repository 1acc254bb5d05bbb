"""AutoencoderKL and VQModel of one's own: a picture into latents or a map of codes, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from pipelines.families import Sampling, State

if TYPE_CHECKING:
    from pipelines.families.own import OwnInfo

SHOWN = 3
"""Directions of the codebook that become red, green and blue."""


class _Autoencoder(nn.Module):
    """What both share. Latents and pictures, (N, C, H, W) in [-1, 1], may be of any size that `factor` divides."""

    def __init__(self, network: Any, info: OwnInfo) -> None:
        super().__init__()
        self.network, self.shape, self.classes = network, info.shape, 0
        self.factor = 2 ** (len(info.config.get("block_out_channels") or [64]) - 1)

    @property
    def nbytes(self) -> int:
        return sum(weight.nbytes for weight in self.network.state_dict().values())

    @property
    def device(self) -> torch.device:
        return self.network.device

    def z_shape_of(self, height: int, width: int) -> tuple[int, int, int]:
        return self.network.config.latent_channels, height // self.factor, width // self.factor

    @property
    def z_shape(self) -> tuple[int, ...]:
        return self.z_shape_of(*self.shape[1:])


class OwnVae(_Autoencoder):
    """The latents are the encoder's own, before the scale that a diffusion over them would use: their prior is N(0, I).

    How far from it they are is told by their deviation: an autoencoder of Stable Diffusion was hardly held to it.
    """

    heeds: ClassVar = frozenset({"temperature"})

    def encode(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The mean of q(z|x)."""
        return self.network.encode(x.to(self.network.dtype)).latent_dist.mean.float()

    def decode(self, z: Tensor) -> Tensor:
        return self.network.decode(z.to(self.network.dtype), return_dict=False)[0].float()

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """One shot, from the prior."""
        x = self.decode(z * how.temperature)
        yield State(x, x)


class OwnVq(_Autoencoder):
    """A map of codes and what it stands for. Without a model of the codes there is nothing to draw samples from."""

    heeds: ClassVar = frozenset()

    def encode(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Features, each of which is replaced by the nearest code."""
        return self.network.encode(x.to(self.network.dtype)).latents

    def codes(self, features: Tensor) -> Tensor:
        """(N, h, w): the number of the nearest code at every place."""
        n, _, h, w = features.shape
        return self.network.quantize(features)[2][2].view(n, h, w)

    def decode(self, z: Tensor) -> Tensor:
        return self.network.decode(z, return_dict=False)[0].float()

    @property
    def codebook(self) -> Tensor:
        """(codes, dimensions)"""
        return self.network.quantize.embedding.weight

    def colours(self) -> Tensor:
        """(codes, 3) in [-1, 1]: codes that lie near one another have similar colours, by the widest directions."""
        centred = (self.codebook - self.codebook.mean(0)).float()
        _, _, directions = torch.linalg.svd(centred, full_matrices=False)
        along = centred @ directions[:SHOWN].T
        along = torch.cat([along, along.new_zeros(len(along), SHOWN - along.shape[1])], dim=1)
        return (along / (2 * along.std(0, correction=0)).clamp(min=1e-12)).clamp(-1, 1)
