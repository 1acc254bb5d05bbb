"""Names the subject of a picture by its nearest neighbour among all subjects, in plain pixel features.

The features (colours and edges of the cut-out subject, blurred) were not learned, so not with the generator either.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.data import subjects

GRID = 24


def ranking(picture: NDArray[np.uint8]) -> list[str]:
    """All subjects, the likeliest first, for a picture uint8 (64, 64, 3) on a plain background."""
    seen = features(picture)
    distance = {name: float(np.square(seen - known).sum()) for name, known in _known().items()}
    return sorted(distance, key=lambda name: distance[name])


def features(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The subject cut to its bounding box, GRID x GRID: blurred colours, and edge strength in two directions."""
    box = _bounding_box(picture)
    cut = Image.fromarray(picture).crop(box).resize((GRID * 2, GRID * 2), Image.Resampling.BILINEAR)
    soft = cut.filter(ImageFilter.GaussianBlur(1.5)).resize((GRID, GRID), Image.Resampling.BOX)
    colours = np.asarray(soft) / 255.0  # (GRID, GRID, 3)
    light = np.asarray(cut.convert("L").filter(ImageFilter.GaussianBlur(1.0)), dtype=float) / 255.0
    down, right = np.gradient(light)
    edges = np.stack((down, right), axis=-1)
    edges = np.abs(edges).reshape(GRID, 2, GRID, 2, 2).mean(axis=(1, 3))
    return np.concatenate([colours.ravel(), 2.0 * edges.ravel()])


def _bounding_box(picture: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what differs from the border's colour, specks left out."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    differs = np.abs(picture.astype(int) - np.median(border, axis=0)).max(axis=-1) > 40
    columns, rows = np.nonzero(differs.sum(axis=0) >= 2)[0], np.nonzero(differs.sum(axis=1) >= 2)[0]
    if not columns.size or not rows.size:
        return (0, 0, picture.shape[1], picture.shape[0])
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@cache
def _known() -> dict[str, NDArray[np.float64]]:
    return {name: features(subjects.draw(name)) for name in subjects.NAMES}
