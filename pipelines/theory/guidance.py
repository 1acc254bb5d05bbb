"""Classifier-free guidance: push the prediction away from the unconditional one, in the steps that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """How strongly, and when. start and end are fractions of the run: active for start <= step / n < end.

    A scale of 1 means none: only the conditional evaluation is made. Below it the prompt is followed less, down to 0,
    the unconditional prediction (arXiv:2207.12598 eq. 6 with w = scale - 1; diffusers' pipelines take all below 1 as
    1). A curve of points (position in the run from 0 to 1, scale) takes the place of the one scale; between them it is
    straight.
    """

    scale: float = 1.0
    rescale: float = 0.0
    start: float = 0.0
    end: float = 1.0
    curve: tuple[tuple[float, float], ...] = ()

    def at(self, step: int, n: int) -> float:
        """The scale in step `step` (from 0) of n; 1 where there is none, and no unconditional evaluation is needed."""
        if not self.start <= step / n < self.end:
            return 1.0
        if not self.curve:
            return self.scale
        places, scales = zip(*self.curve, strict=True)
        return float(np.interp(step / max(1, n - 1), places, scales))


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
