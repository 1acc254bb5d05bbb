"""The pixels that the canvas is wider and higher than the start picture, on each side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]  # (H, W, 3)
Mask = NDArray[np.bool_]  # (H, W)


@dataclass(frozen=True)
class Border:
    """Pixels that the canvas is wider and higher than the picture, on each side."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    @classmethod
    def of(cls, request: object) -> Self:
        """That of a request with the fields outpaint_left, _right, _top and _bottom."""
        return cls(*(getattr(request, f"outpaint_{side}") for side in ("left", "right", "top", "bottom")))

    def __bool__(self) -> bool:
        return self != Border()

    def size(self, width: int, height: int) -> tuple[int, int]:
        return self.left + width + self.right, self.top + height + self.bottom

    def around(self, mask: Mask, value: bool) -> Mask:
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
