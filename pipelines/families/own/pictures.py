"""Pictures of models of one's own: one channel is light, as diffusers has it, not ink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines import libs
from pipelines.diffusion.start import fitted
from pipelines.families.pictures import pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def to_pixels(x: Tensor) -> NDArray[np.uint8]:
    """(N, 1 or 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3)."""
    return pixels(x.expand(-1, 3, -1, -1))


def taken(picture: NDArray[np.uint8], channels: int, height: int, width: int) -> Tensor:
    """uint8 (H, W, 3) -> (1, channels, height, width) in [-1, 1]; its middle, where it has another form."""
    small = fitted(picture, width, height).astype(np.float32)
    values = libs.torch().from_numpy(small).permute(2, 0, 1) / 127.5 - 1
    return (values if channels == 3 else values.mean(0, keepdim=True))[None]
