"""Plain features of a picture of a place: colours by cell, colours over all, and how rough and how speckled it is."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.data.places.paint import SIZE

CELLS = 8
BANDS = 8
LEVELS = 4
SPECK = 22
"""How much brighter than its neighbourhood a pixel of a star, a flake or a drop is, of 255."""
NEIGHBOURHOOD = 5


def features(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of uint8 (SIZE * n, SIZE * n, 3): (F,) about [0, 1]."""
    image = Image.fromarray(picture)
    if image.width != SIZE:
        image = image.resize((SIZE, SIZE), Image.Resampling.BOX)
    pixels = np.asarray(image)
    cells = np.asarray(image.resize((CELLS, CELLS), Image.Resampling.BOX), dtype=np.float32) / 255
    return np.concatenate([cells.ravel(), _colours(pixels), _roughness(image)]).astype(np.float32)


def _colours(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The roots of the shares of each of LEVELS**3 colours in the upper and in the lower half."""
    codes = (pixels >> 6).astype(np.int64) @ np.array([LEVELS * LEVELS, LEVELS, 1])
    halves = (codes[: SIZE // 2], codes[SIZE // 2 :])
    counts = [np.bincount(half.ravel(), minlength=LEVELS**3) for half in halves]
    return np.sqrt(np.concatenate(counts) / (SIZE * SIZE / 2)).astype(np.float32)


def _roughness(image: Image.Image) -> NDArray[np.float32]:
    """By bands of height: how much neighbours differ sideways and upwards, and the shares of bright and dark specks."""
    grey = image.convert("L")
    levels = np.asarray(grey, dtype=np.float32)
    around = np.asarray(_smoothed(grey), dtype=np.float32)
    sideways = np.abs(np.diff(levels, axis=1)).reshape(BANDS, -1).mean(axis=1) / 16
    upwards = np.abs(np.diff(levels, axis=0, append=levels[-1:])).reshape(BANDS, -1).mean(axis=1) / 16
    above = levels - around
    bright = (above > SPECK).reshape(BANDS, -1).mean(axis=1)
    faint = (above > SPECK / 3).reshape(BANDS, -1).mean(axis=1)
    dark = (above < -SPECK).reshape(BANDS, -1).mean(axis=1)
    return np.sqrt(np.concatenate([sideways, upwards, bright, faint, dark]))


def _smoothed(grey: Image.Image) -> Image.Image:
    return grey.filter(ImageFilter.BoxBlur(NEIGHBOURHOOD // 2))
