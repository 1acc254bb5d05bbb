"""Which of a drawing's paints are the part that may change its colour: the largest group of one hue.

A drawing is SVG. Its paints are flat colours and gradients; what only tints what lies below (filters, half-transparent
shapes, gradients that fade out) is left out here, so that every pixel has one paint.
"""

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

SEEN_THROUGH = 0.6
"""Below this opacity a shape is a tint of what lies below it."""
DEFAULT_PAINT = "#000"
LEAST_SHARE = 0.08
"""A part smaller than this share of the drawing is not worth a colour."""
SAME_HUE = 26 / 360
COLOURLESS = 0.13
DARK = 62
"""Paints darker than this, of 255, are outlines, eyes, wheels."""

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Paint:
    """One paint of a drawing: its mean colour, the share of the drawing it covers, the mean height of where it lies
    (0 is the top, 1 the bottom)."""

    key: str
    colour: RGB
    share: float
    height: float

    @property
    def hue(self) -> float:
        return colorsys.rgb_to_hsv(*(c / 255 for c in self.colour))[0]

    @property
    def chroma(self) -> float:
        return (max(self.colour) - min(self.colour)) / 255

    @property
    def lightness(self) -> float:
        r, g, b = self.colour
        return 0.299 * r + 0.587 * g + 0.114 * b

    @property
    def saturation(self) -> float:
        return self.chroma * 255 / max(1, *self.colour)

    @property
    def coloured(self) -> bool:
        return self.chroma > COLOURLESS


def parse_colour(text: str) -> RGB:
    """ "#rgb", "#rrggbb" and "white"; anything else is black."""
    digits = text.removeprefix("#")
    if re.fullmatch(r"[0-9a-fA-F]{3}", digits):
        digits = "".join(2 * d for d in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return (255, 255, 255) if text == "white" else (0, 0, 0)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


@dataclass(frozen=True)
class Gradient:
    colour: RGB
    fades: bool


def gradients(root: ElementTree.Element) -> dict[str, Gradient]:
    """Every gradient by its id: the mean of its stops, and whether it fades out."""
    found: dict[str, Gradient] = {}
    links: dict[str, str] = {}
    for element in root.iter():
        if _tag(element) not in ("linearGradient", "radialGradient"):
            continue
        name = element.get("id", "")
        stops = [stop for stop in element if _tag(stop) == "stop"]
        href = element.get("href") or element.get(f"{{{XLINK}}}href")
        if not stops and href:
            links[name] = href.removeprefix("#")
            continue
        colours = np.array([parse_colour(stop.get("stop-color", "#000")) for stop in stops] or [(0, 0, 0)])
        mean = tuple(int(c) for c in colours.mean(0))
        fades = any(float(stop.get("stop-opacity", 1)) < SEEN_THROUGH for stop in stops)
        found[name] = Gradient((mean[0], mean[1], mean[2]), fades)
    return found | {name: found[to] for name, to in links.items() if to in found}


def flatten(body: str, box: float, paint_of: Callable[[str], str]) -> str:
    """The SVG of `body` with every paint replaced by `paint_of(paint)`, and without what only tints."""
    root = ElementTree.fromstring(
        f'<svg xmlns="{SVG}" xmlns:xlink="{XLINK}" viewBox="0 0 {box:g} {box:g}" fill="{DEFAULT_PAINT}">{body}</svg>'
    )
    fading = {name for name, gradient in gradients(root).items() if gradient.fades}

    def tints(element: ElementTree.Element) -> bool:
        opacity = float(element.get("opacity", 1)) * float(element.get("fill-opacity", 1))
        fill = re.match(r"url\(#(.*)\)", element.get("fill", ""))
        return (
            opacity < SEEN_THROUGH or "mix-blend-mode" in element.get("style", "") or bool(fill and fill[1] in fading)
        )

    def visit(element: ElementTree.Element) -> None:
        element.attrib.pop("filter", None)
        for attribute in ("fill", "stroke"):
            paint = element.get(attribute)
            if paint and paint != "none":
                element.set(attribute, paint_of(paint))
        for child in list(element):
            if tints(child):
                element.remove(child)
            elif _tag(child) not in ("mask", "clipPath", "linearGradient", "radialGradient", "filter"):
                visit(child)

    visit(root)
    return ElementTree.tostring(root, encoding="unicode")


def paints(body: str, box: float, render: Callable[[str], NDArray[np.uint8]]) -> list[Paint]:
    """The drawing's paints, the largest first. `render` turns SVG into (H, W, 4) RGBA with hard edges."""
    keys: list[str] = []

    def number(paint: str) -> str:
        if paint not in keys:
            keys.append(paint)
        index = keys.index(paint) + 1
        return f"#{index // 16 % 16 * 16 + 8:02x}{index % 16 * 16 + 8:02x}ff"

    picture = render(flatten(body, box, number))
    rows = np.nonzero(picture[..., 3] == 255)[0]
    solid = picture[picture[..., 3] == 255].astype(int)
    index = solid[:, 0] // 16 * 16 + solid[:, 1] // 16 - 1
    root = ElementTree.fromstring(f'<svg xmlns="{SVG}" xmlns:xlink="{XLINK}">{body}</svg>')
    means = {f"url(#{name})": gradient.colour for name, gradient in gradients(root).items()}
    top, bottom = (rows.min(), rows.max()) if len(rows) else (0, 1)
    found = []
    for i, key in enumerate(keys):
        here = index == i
        if here.any():
            height = (rows[here].mean() - top) / max(1, bottom - top)
            found.append(Paint(key, means.get(key, parse_colour(key)), float(here.mean()), float(height)))
    return sorted(found, key=lambda paint: -paint.share)


def _skin_or_hair(paint: Paint) -> bool:
    return 8 / 360 < paint.hue < 50 / 360 and paint.chroma > 0.1 and paint.saturation < 0.72


def _may_lead(paint: Paint, part: str) -> bool:
    if part == "clothes":
        return paint.height > 0.45 and not _skin_or_hair(paint) and paint.lightness > 25
    if part == "petals":
        return not (60 / 360 < paint.hue < 170 / 360 and paint.coloured)
    if part == "frame":
        return paint.coloured
    return paint.lightness > DARK or paint.share > 0.5


def _belongs(paint: Paint, leader: Paint, part: str) -> bool:
    if part == "clothes" and (_skin_or_hair(paint) or paint.height < 0.4):
        return False
    if leader.coloured != paint.coloured:
        return False
    if not leader.coloured:
        return abs(paint.lightness - leader.lightness) < 80
    apart = abs(paint.hue - leader.hue)
    return min(apart, 1 - apart) < SAME_HUE


def main_part(found: list[Paint], part: str) -> list[Paint]:
    """The paints of the part: the one that covers most once those of its hue are added to it; [] if it is too small."""
    groups = [[p for p in found if _belongs(p, leader, part)] for leader in found if _may_lead(leader, part)]
    best = max(groups, key=lambda group: sum(p.share for p in group), default=[])
    return best if sum(p.share for p in best) >= LEAST_SHARE else []
