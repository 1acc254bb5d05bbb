"""The drawn subjects: their names in English and Chinese, and each by several artists, in its own colours or another.

`cutout(name, artist, colour)` reads from a file of small pictures that `python -m pipelines.data.drawing_cache` makes
once. The table and the artists' SVG are in assets/data/drawings/.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.data import drawing_cache, recolouring
from pipelines.data.drawing_table import ARTISTS, HEIGHTS, PLACES, Drawing, names, table

__all__ = [
    "ARTISTS",
    "COLOURS",
    "HEIGHTS",
    "PLACES",
    "Drawing",
    "artists",
    "aspect",
    "cutout",
    "names",
    "outlined",
    "pixels",
    "region",
    "table",
]

COLOURS = tuple(recolouring.COLOURS)
LINE = (34, 30, 34)


@cache
def artists(name: str, colour: str = "") -> tuple[str, ...]:
    """Who drew the subject; with a colour, who drew it so that it can be had in that colour."""
    found = drawing_cache.load()
    fitting = (artist for artist in ARTISTS if (name, artist) in found)
    return tuple(artist for artist in fitting if not colour or found[name, artist].recolourable)


@lru_cache(1024)
def pixels(name: str, artist: str, colour: str = "") -> NDArray[np.uint8]:
    """(H, W, 4) uint8 with premultiplied alpha, cut to its outline, the longer side drawing_cache.SIZE.

    Raises KeyError if the artist has not drawn the subject, ValueError if that drawing has no such colour.
    """
    raster = drawing_cache.load()[name, artist]
    if not colour:
        return raster.rgba
    if not raster.recolourable or colour not in recolouring.COLOURS:
        raise ValueError(f"No drawing of {name} by {artist} in {colour}.")
    return recolouring.recolour(raster.rgba, raster.region, raster.shade, colour)


def cutout(name: str, artist: str, colour: str = "", size: int = 0) -> Image.Image:
    """The subject alone, "RGBa" (premultiplied alpha), cut to its outline; `size` is its longer side, 0 as kept."""
    picture = Image.fromarray(pixels(name, artist, colour), "RGBa")
    return _resize(picture, size)


def region(name: str, artist: str, size: int = 0) -> Image.Image:
    """How much of each pixel is the part that changes its colour, "L", 0 to 255, of the size of the cut-out."""
    return _resize(Image.fromarray(drawing_cache.load()[name, artist].region), size)


def outlined(picture: Image.Image, width: int = 2) -> Image.Image:
    """The cut-out with a dark line of `width` pixels around it, so larger by that on each side."""
    larger = Image.new("RGBa", (picture.width + 2 * width, picture.height + 2 * width))
    larger.paste(picture, (width, width))
    line = larger.getchannel(3).filter(ImageFilter.MaxFilter(2 * width + 1))
    dark = Image.new("RGBA", larger.size, LINE)
    dark.putalpha(line)
    below = np.asarray(dark.convert("RGBa")).astype(np.uint16)
    above = np.asarray(larger).astype(np.uint16)
    return Image.fromarray((above + below * (255 - above[..., 3:]) // 255).astype(np.uint8), "RGBa")


def _resize(picture: Image.Image, size: int) -> Image.Image:
    longest = max(picture.size)
    if size in (0, longest):
        return picture
    width, height = (max(1, round(side * size / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)


def aspect(name: str, artist: str) -> tuple[float, float]:
    """Width and height where the longer of the two is 1."""
    height, width = drawing_cache.load()[name, artist].rgba.shape[:2]
    return width / max(width, height), height / max(width, height)
