"""What a start picture's canvas becomes before anything is painted: wider, filled where it is empty, or cut around its
mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.requests.border import Mask, Picture


def filled(picture: Picture, painted: Mask) -> Picture:
    """The colours around the mask flowing into it: means over ever larger surroundings, the nearest that knows any."""
    known = (~painted)[..., None].astype(np.float64)
    if not known.any():
        return picture
    result, missing = picture.astype(np.float64), painted.copy()
    colours, shares = picture * known, known
    while missing.any():
        colours, shares = _halved(colours), _halved(shares)
        level = _stretched(colours, picture.shape[:2]), _stretched(shares, picture.shape[:2])
        found = missing & (level[1][..., 0] > 0)
        result[found] = (level[0] / np.maximum(level[1], 1e-9))[found]
        missing &= ~found
    soft = np.asarray(Image.fromarray(result.round().astype(np.uint8)).filter(ImageFilter.GaussianBlur(4)))
    return np.where(painted[..., None], soft, picture)


def _halved(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = levels.shape[:2]
    even = np.pad(levels, ((0, height % 2), (0, width % 2), (0, 0)))
    return even.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, -1).sum(axis=(1, 3))


def _stretched(levels: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    rows = np.minimum(np.arange(shape[0]) * levels.shape[0] // shape[0], levels.shape[0] - 1)
    columns = np.minimum(np.arange(shape[1]) * levels.shape[1] // shape[1], levels.shape[1] - 1)
    return levels[rows[:, None], columns]


def box_around(painted: Mask, padding: int, width: int, height: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what the mask covers with `padding` around it, in the shape of width x height.

    Where the picture is too small for it, the padding gives way; where even the mask is too long for that shape, the
    box reaches beyond the picture (see `cut`).
    """
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    covered = (int(columns[-1] + 1 - columns[0]), int(rows[-1] + 1 - rows[0]))
    wide, high = _shaped(covered[0] + 2 * padding, covered[1] + 2 * padding, width, height)
    fits = min(1.0, painted.shape[1] / wide, painted.shape[0] / high)
    wide, high = _shaped(max(int(wide * fits), covered[0]), max(int(high * fits), covered[1]), width, height)
    left, right = _span(int(columns[0] + columns[-1] + 1), wide, painted.shape[1])
    top, bottom = _span(int(rows[0] + rows[-1] + 1), high, painted.shape[0])
    return left, top, right, bottom


def cut(picture: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """What lies in the box; beyond the edges of the picture they go on."""
    left, top, right, bottom = box
    rows, columns = (
        np.arange(low, high).clip(0, side - 1)
        for low, high, side in zip((top, left), (bottom, right), picture.shape[:2], strict=True)
    )
    return picture[rows[:, None], columns]


def put_back(picture: NDArray[np.uint8], part: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A copy of the picture with the part in the box, as far as that lies in the picture."""
    left, top, right, bottom = box
    height, width = picture.shape[:2]
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    placed = picture.copy()
    placed[rows, columns] = part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return placed


def _shaped(wide: int, high: int, width: int, height: int) -> tuple[int, int]:
    """The smallest size that holds wide x high and is shaped as width x height."""
    return max(wide, -(-high * width // height)), max(high, -(-wide * height // width))


def _span(twice_middle: int, length: int, most: int) -> tuple[int, int]:
    """`length` around the middle, moved into 0 ... most where it fits there."""
    start = (twice_middle - length) // 2
    if length <= most:
        start = min(max(start, 0), most - length)
    return start, start + length
