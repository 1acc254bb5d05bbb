"""What a family makes, as pictures to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


def pixels(x: Tensor) -> NDArray[np.uint8]:
    """(N, C, H, W) in [-1, 1] -> uint8 (N, H, W, 3); of one channel, which is ink, black on white."""
    x = x.detach().float().clamp(-1, 1).nan_to_num(-1.0)
    if x.shape[1] == 1:
        x = (-x).expand(-1, 3, -1, -1)
    return ((x + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def row_of(x: Tensor) -> NDArray[np.uint8]:
    """(N, C, H, W) in [-1, 1] -> uint8 (H, N * W, 3): side by side."""
    import numpy

    return numpy.concatenate(list(pixels(x)), axis=1)
