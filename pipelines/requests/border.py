"""The pixels that the canvas is wider and higher than the start picture, on each side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.params import Part, Range, param
from pipelines.requests.limits import SIDE_STEP

Picture = NDArray[np.uint8]  # (H, W, 3)
Mask = NDArray[np.bool_]  # (H, W)
BORDER = ("outpaint_left", "outpaint_right", "outpaint_top", "outpaint_bottom")
"""Its fields, by their flat names."""
_PIXELS = Range(0, 1024, step=SIDE_STEP)


@dataclass(frozen=True)
class Border(Part):
    """Pixels that the canvas is wider and higher than the picture, on each side."""

    left: int = param(
        0,
        _PIXELS,
        "Pixels painted beyond the start picture's left edge.",
        name="outpaint_left",
        infotext="Outpaint left",
        needs=("outpaint_left",),
    )
    right: int = param(
        0,
        _PIXELS,
        "Pixels painted beyond the start picture's right edge.",
        name="outpaint_right",
        infotext="Outpaint right",
        needs=("outpaint_right",),
    )
    top: int = param(
        0,
        _PIXELS,
        "Pixels painted beyond the start picture's upper edge.",
        name="outpaint_top",
        infotext="Outpaint top",
        needs=("outpaint_top",),
    )
    bottom: int = param(
        0,
        _PIXELS,
        "Pixels painted beyond the start picture's lower edge.",
        name="outpaint_bottom",
        infotext="Outpaint bottom",
        needs=("outpaint_bottom",),
    )

    def __bool__(self) -> bool:
        return self != Border()

    def size(self, width: int, height: int) -> tuple[int, int]:
        return self.left + width + self.right, self.top + height + self.bottom

    def around(self, mask: NDArray[Any], value: float) -> NDArray[Any]:
        """A mask of the picture as one of the canvas, `value` in the border."""
        sides = ((self.top, self.bottom), (self.left, self.right))
        return np.pad(mask, sides, constant_values=value)

    def extended(self, picture: Picture) -> Picture:
        """The picture's edges stretched over the border, the softer the farther out; the picture itself untouched."""
        sides = ((self.top, self.bottom), (self.left, self.right), (0, 0))
        stretched = np.pad(picture, sides, mode="edge")
        border = self.around(np.zeros(picture.shape[:2], np.bool_), True)
        soft = Image.fromarray(stretched).filter(ImageFilter.GaussianBlur(max(2, max(self.__dict__.values()) / 8)))
        return np.where(border[..., None], np.asarray(soft), stretched)
