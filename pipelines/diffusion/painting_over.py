"""Paint on the guess of a step: it takes the guess's place there, under the very noise that lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines import libs
from pipelines.device.evaluations import unheard
from pipelines.diffusion.start import fitted, masked, pooled

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle
    from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True, eq=False)
class PaintOver:
    """A picture, uint8 (H, W, 3), and how much of it covers the guess, (H, W) in [0, 1]."""

    model: Bundle
    picture: NDArray[np.uint8]
    cover: NDArray[np.float64]

    @classmethod
    def of(cls, request: TextToImageRequest, model: Bundle) -> PaintOver | None:
        """What the request's branch is painted over with; None for nothing. Raises BadRequest, NotFound."""
        paint, mask = request.picture("branch_paint"), request.picture("branch_mask")
        if paint is None:
            return None
        canvas = request.canvas()
        size = (canvas.width, canvas.height)
        cover = np.ones(size[::-1]) if mask is None else masked(mask, *size, "branch_mask")[1]
        return cls(model, fitted(paint, *size), cover)

    def __call__(self, x0_pred: Tensor) -> Tensor:
        """The guesses (n, C, h, w) with the paint on them. What lies beyond the paint keeps every bit, and under it
        what decoding and encoding again lose is taken off, so that paint of the guess's own colours changes nothing."""
        return libs.torch().stack([self._over(guess) for guess in x0_pred])

    def _over(self, guess: Tensor) -> Tensor:
        before = self.model.decode(guess, unheard)
        cover = self.cover[..., None]
        after = (before + cover * (self.picture.astype(np.float64) - before)).round().astype(np.uint8)
        change = self.model.encode_picture(after) - self.model.encode_picture(before)
        where = libs.torch().from_numpy(pooled(self.cover > 0, *guess.shape[1:])).to(guess.device)
        return libs.torch().where(where, guess + change, guess)
