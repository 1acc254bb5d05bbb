"""The order of data and all dice: pure functions of the seed and of the place in a training, so nothing need be kept.

A step is made of parts, which processes share among them or one process takes one after another. A part's examples and
dice are the same whoever takes it, so two processes learn what one does with as many parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

ORDER, TORCH, NUMPY = range(3)
"""What a seed is for: no two uses have the same dice."""


@dataclass(frozen=True)
class Moment:
    """The place of one lesson: of which step, in which turn of its players, which part."""

    seed: int
    step: int
    turn: int
    part: int
    parts: int
    batch: int

    def draw(self) -> torch.Generator:
        """The dice, always from their beginning."""
        return torch.Generator().manual_seed(_seed(self.seed, TORCH, self.step, self.turn, self.part))

    def rng(self) -> np.random.Generator:
        """The same for numpy, other numbers."""
        return np.random.default_rng((self.seed, NUMPY, self.step, self.turn, self.part))

    def chosen(self, count: int) -> Tensor:
        """(batch,): which of `count` examples. In an epoch each comes once, in an order of the epoch's own."""
        first = (self.step * self.parts + self.part) * self.batch
        end = first + self.batch
        epochs = range(first // count, (end - 1) // count + 1)
        pieces = [order(self.seed, self.turn, e, count)[max(0, first - e * count) : end - e * count] for e in epochs]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


@lru_cache(maxsize=8)
def order(seed: int, turn: int, epoch: int, count: int) -> Tensor:
    """(count,): the examples of an epoch as they come."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(_seed(seed, ORDER, epoch, turn)))


def _seed(*entropy: int) -> int:
    """63 bits that differ wherever one of the numbers does."""
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
