"""A canvas in pixels of a 128 x 128 picture, painted finer than it is shown."""

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 128
FINENESS = {1: 3, 2: 2}
"""Painted pixels a side for each shown one, by scale; 2 where a scale is not listed."""

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """From the first colour (share 0) to the second (share 1)."""
    return (
        int(first[0] + (second[0] - first[0]) * share),
        int(first[1] + (second[1] - first[1]) * share),
        int(first[2] + (second[2] - first[2]) * share),
    )


def lighter(colour: Colour, share: float) -> Colour:
    return mix(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float) -> Colour:
    return mix(colour, (0, 0, 0), share)


class Canvas:
    """RGB; x to the right and y down, both from 0 to SIZE, whatever the scale."""

    def __init__(self, scale: int) -> None:
        self.fineness = FINENESS.get(scale, 2)
        self.unit = scale * self.fineness
        self.side = SIZE * self.unit
        self.image = Image.new("RGB", (self.side, self.side))
        self.pen = ImageDraw.Draw(self.image)

    def shown(self) -> NDArray[np.uint8]:
        """uint8 (SIZE * scale, SIZE * scale, 3)."""
        return np.asarray(self.image.reduce(self.fineness))

    def polygon(self, points: Iterable[Point], colour: Colour) -> None:
        unit = self.unit
        self.pen.polygon([(x * unit, y * unit) for x, y in points], fill=colour)

    def ground(self, line: Sequence[Point], colour: Colour, bottom: float = SIZE) -> None:
        """Everything from a line, given from left to right, down to `bottom`."""
        self.polygon([(line[0][0], bottom), *line, (line[-1][0], bottom)], colour)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """By its centre and its half-axes."""
        unit = self.unit
        self.pen.ellipse(((x - across) * unit, (y - down) * unit, (x + across) * unit, (y + down) * unit), fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.ellipse(x, y, radius, radius, colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, round_by: float = 0) -> None:
        unit = self.unit
        corners = (left * unit, top * unit, right * unit - 1, bottom * unit - 1)
        if corners[2] < corners[0] or corners[3] < corners[1]:
            return
        if round_by:
            self.pen.rounded_rectangle(corners, round_by * unit, fill=colour)
        else:
            self.pen.rectangle(corners, fill=colour)

    def line(self, points: Iterable[Point], colour: Colour, width: float = 1.0) -> None:
        unit = self.unit
        self.pen.line([(x * unit, y * unit) for x, y in points], fill=colour, width=max(1, round(width * unit)))

    def rows(self, top: float, bottom: float, colours: Sequence[Colour]) -> None:
        """Fills the whole width from `top` to `bottom` with a gradient through the colours."""
        first, last = round(top * self.unit), round(bottom * self.unit)
        if last <= first:
            return
        at = np.linspace(0, len(colours) - 1, last - first)
        stops = np.array(colours, dtype=np.float64)
        column = np.stack([np.interp(at, range(len(colours)), stops[:, c]) for c in range(3)], axis=-1)
        strip = Image.fromarray(column[:, None].astype(np.uint8))
        self.image.paste(strip.resize((self.side, last - first), Image.Resampling.NEAREST), (0, first))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """A soft light that fades to nothing at `radius`; strength from 0 to 1."""
        mask = _glow(round(radius * self.unit), round(strength * 20))
        left, top = round(x * self.unit) - mask.width // 2, round(y * self.unit) - mask.height // 2
        self.image.paste(colour, (left, top, left + mask.width, top + mask.height), mask)

    def blend(self, mask: Image.Image, colour: Colour, top: float, bottom: float) -> None:
        """Mixes a colour over the whole width by a small mask ("L"), stretched smoothly from `top` to `bottom`."""
        first, last = round(top * self.unit), round(bottom * self.unit)
        stretched = mask.resize((self.side, last - first), Image.Resampling.BICUBIC)
        self.image.paste(colour, (0, first, self.side, last), stretched)

    def veil(self, top: float, bottom: float, colour: Colour, first: float, last: float) -> None:
        """Mixes a colour over the whole width: by the share `first` at the top up to `last` at the bottom."""
        start, end = max(0, round(top * self.unit)), min(self.side, round(bottom * self.unit))
        shares = np.linspace(first * 255, last * 255, max(1, end - start)).astype(np.uint8)
        mask = Image.fromarray(shares[:, None]).resize((self.side, max(1, end - start)), Image.Resampling.NEAREST)
        self.image.paste(colour, (0, start, self.side, start + mask.height), mask)


@cache
def _glow(radius: int, twentieths: int) -> Image.Image:
    along = np.linspace(-1, 1, 2 * radius)
    far = np.hypot(along[:, None], along[None, :])
    return Image.fromarray((np.clip(1 - far, 0, 1) ** 2 * 255 * twentieths / 20).astype(np.uint8))
