"""What a picture's steps leave behind, so that another turn can be taken from any of them, exactly.

A sampler follows from the state it began in, what the denoiser answered and the noise that was drawn. So none has to
hand out what it remembers: walked again over the recorded answers it is in the very state in which it was, however
many earlier steps it looks back on, and not one evaluation is needed for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.theory.path import NoisePath

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NoiseSource:
    """From step `step` on, noise is drawn with `seed`, whose first `drawn` draws were made before."""

    step: int
    seed: int
    drawn: int


@dataclass(frozen=True, eq=False)
class Leg:
    """Steps from `first` on that one sampler walked from the state x (C, h, w).

    `answers`: for each step what the denoiser answered in it, (calls, C, h, w).
    """

    first: int
    sampler: str
    eta: float
    x: Tensor
    answers: tuple[Tensor, ...] = ()


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One picture's way along the whole path, as far as it was walked. Its tensors are on the CPU."""

    path: NoisePath
    noise: tuple[NoiseSource, ...]
    legs: tuple[Leg, ...]

    @property
    def steps(self) -> int:
        """How many were walked."""
        return self.legs[-1].first + len(self.legs[-1].answers)

    @property
    def last_branch(self) -> int:
        """The last step from which another turn can be taken: some of the path must be left."""
        return min(self.steps, len(self.path) - 1)

    @property
    def nbytes(self) -> int:
        return sum(leg.x.nbytes + sum(answer.nbytes for answer in leg.answers) for leg in self.legs)

    def until(self, step: int) -> Trajectory:
        """Its first steps, at least one."""
        legs = (replace(leg, answers=leg.answers[: step - leg.first]) for leg in self.legs if leg.first < step)
        return Trajectory(self.path, tuple(source for source in self.noise if source.step < step), tuple(legs))
