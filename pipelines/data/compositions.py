"""Pictures of figures, drawn subjects and shapes, on a plain ground or in a place: what they show, and drawing them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import drawings, recolouring, scenes, styles
from pipelines.data.places import Place, spots
from pipelines.data.places import draw as draw_place
from pipelines.data.places.spots import Spot

SIZE = scenes.SIZE


@dataclass(frozen=True)
class Figure:
    """A shape (with a colour, no artist) or a drawn subject (its artist's colours where `colour` is empty).

    On a plain ground its centre is (x, y) and `radius` half its longer side, in pixels of SIZE x SIZE; in a place it
    stands on `spot`.
    """

    noun: str
    colour: str = ""
    size: str = ""
    artist: str = ""
    mirrored: bool = False
    x: float = 0.0
    y: float = 0.0
    radius: float = 0.0
    spot: Spot | None = None

    @property
    def is_shape(self) -> bool:
        return not self.artist

    @property
    def appearance(self) -> tuple[str, str, str]:
        return self.noun, self.colour, self.size


@dataclass(frozen=True)
class Composition:
    """`ground` is the name of a colour or a place. `relation` places the first of two to the second (scenes.RELATIONS,
    "beside"), or is "row", "column" or "group" for several; it is empty for one, and for several in a place."""

    ground: str | Place
    figures: tuple[Figure, ...]
    relation: str = ""
    style: str = ""

    @property
    def place(self) -> Place | None:
        return self.ground if isinstance(self.ground, Place) else None


def draw(composition: Composition, scale: int = 1) -> NDArray[np.uint8]:
    """uint8 (SIZE * scale, SIZE * scale, 3); the same picture at every scale."""
    place = composition.place
    if place is not None:
        picture = Image.fromarray(draw_place(place, scale))
        for figure in composition.figures:
            assert figure.spot is not None
            spots.put(picture, _cutout(figure).convert("RGBA"), place, figure.spot, figure.size, scale)
    else:
        picture = Image.new("RGB", (SIZE * scale, SIZE * scale), recolouring.COLOURS[str(composition.ground)])
        for figure in reversed(composition.figures):  # the second of two lies below the first: inside it, or under it
            _put(picture, figure, scale)
    return np.asarray(styles.apply(composition.style, picture, scale))


def reach(noun: str, artist: str) -> tuple[float, float]:
    """How far a figure reaches up and down from its centre, in half-widths of its longer side."""
    if not artist:
        heights = [y for _, y in scenes.POLYGONS[noun]()]
        return -min(heights), max(heights)
    half = drawings.aspect(noun, artist)[1]
    return half, half


def _put(picture: Image.Image, figure: Figure, scale: int) -> None:
    x, y, radius = figure.x * scale, figure.y * scale, figure.radius * scale
    if figure.is_shape:
        box = math.ceil(radius) * 2 + 4
        left, top = round(x - box / 2), round(y - box / 2)
        cover = scenes.mask(figure.noun, x - left, y - top, radius, box)
        picture.paste(recolouring.COLOURS[figure.colour], (left, top, left + box, top + box), cover)
        return
    small = _resized(_cutout(figure), max(1, round(2 * radius))).convert("RGBA")
    picture.paste(small, (round(x - small.width / 2), round(y - small.height / 2)), small)


def _cutout(figure: Figure) -> Image.Image:
    """ "RGBa", cut to its outline."""
    if figure.is_shape:
        return _shape(figure)
    picture = drawings.cutout(figure.noun, figure.artist, figure.colour)
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if figure.mirrored else picture


def _shape(figure: Figure) -> Image.Image:
    half = 80
    picture = Image.new("RGBA", (2 * half, 2 * half), (*recolouring.COLOURS[figure.colour], 0))
    picture.putalpha(scenes.mask(figure.noun, half, half, half - 2.0, 2 * half))
    return picture.crop(picture.getchannel("A").getbbox()).convert("RGBa")


def _resized(picture: Image.Image, longest: int) -> Image.Image:
    width, height = (max(1, round(side * longest / max(picture.size))) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
