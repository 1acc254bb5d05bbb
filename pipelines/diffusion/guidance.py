"""Classifier-free guidance: push the prediction away from the unconditional one, in the steps that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """How strongly, and when. start and end are fractions of the run: active for start <= step / n < end.

    A scale of 1 or less means none: only the conditional evaluation is made, as in diffusers.
    """

    scale: float = 1.0
    rescale: float = 0.0
    start: float = 0.0
    end: float = 1.0

    def active(self, step: int, n: int) -> bool:
        """Whether step `step` (from 0) of n needs the unconditional evaluation."""
        return self.scale > 1 and self.start <= step / n < self.end

    def __call__(self, cond: Tensor, uncond: Tensor) -> Tensor:
        return guide(cond, uncond, self.scale, self.rescale)


def guide(cond: Tensor, uncond: Tensor, scale: float, rescale: float = 0.0) -> Tensor:
    """uncond + scale * (cond - uncond) on predictions of one kind, (N, ...) each; then rescaled per picture.

    rescale in [0, 1] draws the spread of each picture back to that of `cond`, against washed-out or burnt colours
    (arXiv:2305.08891 section 3.4; diffusers' guidance_rescale).
    """
    if scale == 1:
        return cond
    guided = uncond + scale * (cond - uncond)
    if not rescale:
        return guided
    dims = tuple(range(1, cond.ndim))
    spread = cond.std(dims, correction=0, keepdim=True)
    guided_spread = guided.std(dims, correction=0, keepdim=True)
    factor = spread / guided_spread.clamp_min(1e-12)
    return guided * (rescale * factor + (1 - rescale))
