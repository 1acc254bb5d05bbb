"""A drawing's main part in another colour: its shading is kept as lighter and darker tones of the named one.

The part's lightness is stored as `shade`, where MIDDLE is its median, so that the median of the recoloured part is the
named colour itself.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import scenes

COLOURS: dict[str, tuple[int, int, int]] = {**scenes.COLOURS, "beige": (236, 214, 172), "navy": (24, 34, 104)}
"""The colours of scenes, and two more that people ask for."""
DRAWN_AS = {**COLOURS, "black": (36, 36, 40), "white": (246, 247, 250)}
"""What a part is painted in: black and white leave room for its shading."""
MIDDLE = 128
SPAN = 110.0
"""This much darker than the median, of 255, is the darkest tone."""
DARKEST, LIGHTEST = 0.68, 0.6
LIGHTEST_BLACK = 0.28
REGION = 128
"""From this coverage on a pixel counts as one of the part."""


def luminance(colours: NDArray[np.generic]) -> NDArray[np.float32]:
    """Perceived lightness of (..., 3) RGB in 0 to 255, in the same range."""
    return colours[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def shade(drawing: NDArray[np.uint8], region: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How light each pixel of (H, W, 4), with premultiplied alpha, is next to the part's median; `region` (H, W) is how
    much of it is the part."""
    alpha = drawing[..., 3].astype(np.float32)
    lightness = np.minimum(255, luminance(drawing) * 255 / np.maximum(alpha, 1))
    inside = (region >= REGION) & (alpha == 255)
    if not inside.any():
        inside = region >= REGION
    middle = np.median(lightness[inside]) if inside.any() else 0.0
    tones = MIDDLE + (MIDDLE - 1) * (lightness - middle) / SPAN
    return np.clip(np.rint(tones), 1, 255).astype(np.uint8)


@cache
def tones(colour: str) -> NDArray[np.uint8]:
    """The colour of every shade, (256, 4) RGBA: darker ones towards black, lighter ones towards white."""
    base = np.array(DRAWN_AS[colour], np.float32)
    t = (np.arange(256, dtype=np.float32)[:, None] - MIDDLE) / (MIDDLE - 1)
    dark = base * (1 + DARKEST * np.minimum(t, 0))
    light = (255 - base) * (LIGHTEST_BLACK if colour == "black" else LIGHTEST) * np.clip(t, 0, 1)
    opaque = np.full((256, 1), 255, np.float32)
    return np.clip(np.rint(np.hstack([dark + light, opaque])), 0, 255).astype(np.uint8)


def recolour(
    drawing: NDArray[np.uint8], region: NDArray[np.uint8], shades: NDArray[np.uint8], colour: str
) -> NDArray[np.uint8]:
    """`drawing` (H, W, 4) with premultiplied alpha, its part in the named colour; bit for bit the same elsewhere."""
    packed = tones(colour).view(np.uint32)[:, 0]  # one number a colour: four times as fast to look up
    painted = packed[shades].view(np.uint8).reshape(*shades.shape, 4)
    painted[..., 3] = drawing[..., 3]
    result = Image.fromarray(drawing, "RGBa")
    result.paste(Image.fromarray(painted, "RGBA").convert("RGBa"), mask=Image.fromarray(region))
    return np.asarray(result)


def nearest(colour: NDArray[np.generic]) -> str:
    """The name of the colour that lies nearest to this RGB."""
    given = np.asarray(colour, np.float64)[:3]
    return min(COLOURS, key=lambda name: float(np.sum((given - COLOURS[name]) ** 2)))
