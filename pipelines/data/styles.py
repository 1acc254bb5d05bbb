"""Styles: what turns a flat picture into a line drawing, pixel art, pastel or night, exactly and cheaply."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageFilter

STYLES = ("outline", "pixel", "pastel", "night")
PIXEL = 4
"""The side of a pixel-art pixel, in pixels of a 128-pixel picture."""


def apply(style: str, picture: Image.Image, scale: int = 1) -> Image.Image:
    """The RGB picture, drawn at `scale` times its size, in a style; "" leaves it as it is."""
    return _STYLES[style](picture, scale) if style else picture


def _outline(picture: Image.Image, scale: int) -> Image.Image:
    """Dark lines on white, where neighbouring pixels differ in any channel."""
    widest = picture.filter(ImageFilter.MaxFilter(2 * scale + 1))
    narrowest = picture.filter(ImageFilter.MinFilter(2 * scale + 1))
    steps = ImageChops.difference(widest, narrowest).split()
    edge = ImageChops.lighter(ImageChops.lighter(steps[0], steps[1]), steps[2])
    ink = edge.point([min(255, max(0, 2 * level - 80)) for level in range(256)])
    return Image.composite(Image.new("RGB", picture.size, (30, 32, 48)), Image.new("RGB", picture.size, "white"), ink)


def _pixel(picture: Image.Image, scale: int) -> Image.Image:
    side = PIXEL * scale
    small = picture.resize((picture.width // side, picture.height // side), Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.NEAREST)


def _pastel(picture: Image.Image, scale: int) -> Image.Image:
    """Half-way to white, and a little greyer."""
    return Image.blend(Image.blend(picture, picture.convert("L").convert("RGB"), 0.15), _plain(picture, 255), 0.5)


def _night(picture: Image.Image, scale: int) -> Image.Image:
    """Dark and blue, as under the moon."""
    light = np.asarray(picture, dtype=np.float32) * (0.34, 0.40, 0.62) + (6, 8, 26)
    return Image.fromarray(light.astype(np.uint8))


def _plain(picture: Image.Image, level: int) -> Image.Image:
    return Image.new("RGB", picture.size, (level, level, level))


_STYLES: dict[str, Callable[[Image.Image, int], Image.Image]] = {
    "outline": _outline,
    "pixel": _pixel,
    "pastel": _pastel,
    "night": _night,
}
