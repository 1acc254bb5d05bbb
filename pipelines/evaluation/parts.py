"""A picture of things on a plain ground taken apart: what differs from the ground, its box, a part for each of two."""

import numpy as np
from numpy.typing import NDArray

from pipelines.data import styles
from pipelines.data.scenes import SIZE

SEAM = 24
"""How far from the middle, in pixels, the gap between two things may lie."""
CONTRAST = {"pastel": 18, "night": 14}
"""How far a pixel must be from the ground, of 255, to belong to the thing, where a style leaves little contrast."""
USUAL_CONTRAST = 40
INSIDE = 23
"""Half the side of the window that holds what is inside a container."""
MIDDLE = slice(SIZE // 2 - INSIDE, SIZE // 2 + INSIDE)

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]


def split(picture: Picture, relation: str, joint: float) -> list[Picture]:
    """One picture for each of two things, in their order; where one stands on the other, that begins at row `joint`."""
    match relation:
        case "inside":
            return [picture[MIDDLE, MIDDLE], _without_middle(picture)]
        case "left of" | "right of":
            seam = _seam(picture, axis=0)
            parts = [picture[:, :seam], picture[:, seam:]]
        case "on":
            seam = round(joint)
            parts = [picture[:seam], picture[seam:]]
        case _:
            seam = _seam(picture, axis=1)
            parts = [picture[:seam], picture[seam:]]
    return parts if relation in ("left of", "above", "on") else parts[::-1]


def _without_middle(picture: Picture) -> Picture:
    """The container without its content: the middle painted over with the colour at its edge."""
    whole = picture.copy()
    whole[MIDDLE, MIDDLE] = border_colour(picture[MIDDLE, MIDDLE]).astype(np.uint8)
    return whole


def _seam(picture: Picture, axis: int) -> int:
    """The emptiest column (axis 0) or row (axis 1) near the middle."""
    filled = differs(picture).sum(axis=axis)
    near = np.arange(SIZE // 2 - SEAM, SIZE // 2 + SEAM)
    return int(near[np.lexsort((np.abs(near - SIZE // 2), filled[near]))[0]])


def differs(picture: Picture, style: str = "") -> NDArray[np.bool_]:
    """(H, W): what is far enough from the border's colour to belong to a thing."""
    distance = np.abs(picture.astype(int) - border_colour(picture)).max(axis=-1)
    return distance > CONTRAST.get(style, USUAL_CONTRAST)


def border_colour(picture: Picture) -> NDArray[np.float64]:
    """The median colour of the outermost pixels, (3,)."""
    return np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), axis=0)


def bounding_box(picture: Picture, style: str = "") -> Box:
    """Left, top, right, bottom of what differs from the border's colour, specks left out."""
    seen = differs(picture, style)
    columns, rows = np.nonzero(seen.sum(axis=0) >= 2)[0], np.nonzero(seen.sum(axis=1) >= 2)[0]
    if not columns.size or not rows.size:
        return 0, 0, picture.shape[1], picture.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def blockiness(picture: Picture) -> float:
    """The share of all change between neighbouring pixels that lies on the borders of pixel art's blocks."""
    change = np.abs(np.diff(picture.astype(int), axis=1)).sum(axis=(0, 2)).astype(float)
    change += np.abs(np.diff(picture.astype(int), axis=0)).sum(axis=(1, 2))
    return float(change[styles.PIXEL - 1 :: styles.PIXEL].sum() / max(change.sum(), 1.0))
