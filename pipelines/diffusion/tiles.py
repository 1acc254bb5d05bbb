"""A large picture denoised in overlapping tiles whose guesses are averaged (MultiDiffusion, arXiv:2302.08113).

The network never sees more than a tile, so neither its memory nor what it was trained for sets the picture's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pipelines.diffusion.apart import Apart
    from pipelines.diffusion.bundle import Bundle

OVERLAP = 4  # neighbours share at least a quarter of a tile


@dataclass(frozen=True)
class Tiles:
    """Tiles of (height, width) latent pixels over a canvas of (rows, columns) of them."""

    height: int
    width: int
    rows: int
    columns: int

    @classmethod
    def of(cls, side: int, model: Bundle, width: int, height: int) -> Self | None:
        """None where nothing is cut: no side is asked for, or one tile covers all."""
        if not side or side >= max(width, height):
            return None
        _, rows, columns = model.latent_shape(width, height)
        _, high, wide = model.latent_shape(min(side, width), min(side, height))
        return cls(high, wide, rows, columns)

    def places(self) -> Iterator[tuple[slice, slice]]:
        for top in starts(self.rows, self.height):
            for left in starts(self.columns, self.width):
                yield slice(top, top + self.height), slice(left, left + self.width)

    def weight(self) -> Tensor:
        """(height, width) float32: all in the middle, less towards the edges, over the shared quarter."""
        down, across = (_ramp(side) for side in (self.height, self.width))
        return down[:, None] * across


@dataclass(frozen=True, eq=False)
class Tiled:
    """A denoiser of tiles as one of the whole: (n, C, rows, columns)."""

    denoiser: Apart
    tiles: Tiles

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        weight = self.tiles.weight().to(x.device)
        guesses, weights = torch.zeros_like(x), torch.zeros_like(x[0, 0])
        for place in self.tiles.places():
            guesses[..., *place] += weight * self.denoiser(x[..., *place].contiguous(), sigma)
            weights[place] += weight
        return guesses / weights

    def note(self, text: str) -> None:
        self.denoiser.note(text)

    @property
    def notes(self) -> list[str]:
        return self.denoiser.notes


def starts(length: int, side: int) -> list[int]:
    """Where tiles begin, as few as overlap by a quarter, evenly spread from one end to the other."""
    if side >= length:
        return [0]
    step = side - side // OVERLAP
    n = -(-(length - side) // step) + 1
    return [round(i * (length - side) / (n - 1)) for i in range(n)]


def _ramp(side: int) -> Tensor:
    shared = max(1, side // OVERLAP)
    near = torch.minimum(torch.arange(1, side + 1), torch.arange(side, 0, -1))
    return near.clamp(max=shared) / shared
