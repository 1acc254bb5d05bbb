"""Where things can stand, swim or fly in a place, how large they look there, and how the light falls on them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.data.places import indoors, land, town, water
from pipelines.data.places.paint import SIZE
from pipelines.data.places.place import INDOORS, Place

SIZES = {"small": 0.6, "": 1.0, "large": 1.45, "huge": 1.9}
"""How much higher or lower than usual a thing is, by its size word; "" is the usual size."""
FROM_HORIZON = {
    "mountains": 20.0, "hill": 26.0, "meadow": 16.0, "farm": 22.0, "forest": 16.0, "park": 18.0, "garden": 24.0,
    "beach": 42.0, "desert": 28.0, "snow": 28.0, "volcano": 20.0, "road": 14.0, "village": 28.0, "street": 12.0,
    "city": 10.0, "room": 12.0, "bedroom": 32.0, "kitchen": 9.0,
    "river": 14.0,
}  # fmt: skip
"""How far below the horizon the ground begins on which things stand, in pixels."""
LOWEST = 123.0
AFLOAT = 0.88
"""What of a thing on water is seen; the rest is under water."""


@dataclass(frozen=True)
class Spot:
    """A thing's feet are at (x, foot); there a thing of the usual size is `height` pixels high.

    `where` is "ground", "floor", "table", "bed", "top" (of a hill or mountain), "water", "sky" or "within" (in space,
    under water).
    """

    where: str
    x: float
    foot: float
    height: float

    def high(self, size: str = "") -> float:
        """The height in pixels of a small, large or huge thing, cut to the room above the foot."""
        return min(self.height * SIZES[size], self.foot - 2)


def where(place: Place) -> tuple[str, ...]:
    """Every `where` that the place has; the most natural one first."""
    match place.kind:
        case "space" | "underwater":
            return ("within",)
        case "room" | "kitchen":
            return ("floor", "table")
        case "bedroom":
            return ("floor", "bed")
        case "sky":
            return ("sky",)
        case "sea" | "waterfall":
            return ("water", "sky")
        case "hill":
            return ("top", "ground", "sky")
        case "mountains":
            return ("ground", "top", "sky")
        case "beach" | "island" | "lake" | "river":
            return ("ground", "water", "sky")
        case "city":
            return ("water" if town.has_river(place) else "ground", "sky")
    return ("ground", "sky")


def spots(place: Place, count: int, rng: np.random.Generator, at: str | None = None) -> list[Spot]:
    """`count` spots beside each other, the farthest first. Raises ValueError where the place has no such `where`."""
    known = where(place)
    at = at or known[0]
    if at not in known:
        raise ValueError(f"{place.kind} has no {at}; it has {', '.join(known)}")
    width = SIZE / count
    order = rng.permutation(count)
    free = 0.18 * width
    found = [_spot(place, at, width * (i + 0.5) + rng.uniform(-free, free), count, rng) for i in order]
    return sorted(found, key=lambda spot: spot.foot)


def _spot(place: Place, at: str, x: float, count: int, rng: np.random.Generator) -> Spot:
    crowd = {1: 1.0, 2: 0.82}.get(count, 0.62)
    if at == "sky":
        height = rng.uniform(26, 42) * crowd
        lowest = max(height + 8, min(place.horizon, 96.0) * 0.66)
        return Spot(at, x, rng.uniform(height + 4, lowest), height)
    if at == "within":
        height = rng.uniform(36, 56) * crowd
        return Spot(at, x, rng.uniform(44, 76) + height / 2, height)
    if at == "top":
        return _top(place, rng)
    if at == "table":
        left, right, top = indoors.table_top(place)
        share = x / SIZE
        return Spot(at, left + 6 + (right - left - 12) * share, top - 0.5, rng.uniform(20, 28) * crowd)
    if at == "bed":
        left, right, top = indoors.bed(place)
        return Spot(at, left + 12 + (right - left - 24) * x / SIZE, top + 6, rng.uniform(26, 36) * crowd)
    if at == "water":
        return _on_water(place, x, crowd, rng)
    return _on_ground(place, at, x, crowd, rng)


def _top(place: Place, rng: np.random.Generator) -> Spot:
    if place.kind == "hill":
        return Spot("top", place.focus, place.horizon - 31, rng.uniform(30, 42))
    x, y, _ = land.peaks(place)[-1]
    return Spot("top", x, y + 2, rng.uniform(18, 26))


def _on_ground(place: Place, at: str, x: float, crowd: float, rng: np.random.Generator) -> Spot:
    if place.kind == "island":
        return Spot(at, place.focus + (x - SIZE / 2) * 0.3, place.horizon + rng.uniform(22, 25), 26 * crowd)
    if place.kind == "lake":
        return Spot(at, SIZE / 2 + (x - SIZE / 2) * 0.9, rng.uniform(119, LOWEST), 46 * crowd)
    first = place.horizon + FROM_HORIZON[place.kind]
    foot = rng.uniform(min(first + 0.35 * (LOWEST - first), LOWEST), LOWEST)
    if place.kind == "river":
        middle, width = river_at(place, foot)
        side = -1 if middle > SIZE / 2 else 1
        x = middle + side * (width + 16)
        x = min(SIZE - 16.0, max(16.0, x))
    return Spot(at, x, foot, _seen_at(place, foot) * crowd)


def _on_water(place: Place, x: float, crowd: float, rng: np.random.Generator) -> Spot:
    if place.kind == "river":
        foot = rng.uniform(110, LOWEST)
        middle, width = river_at(place, foot)
        return Spot("water", middle, foot, min(1.7 * width, 40) * crowd)
    if place.kind == "beach":
        return Spot("water", x, place.horizon + rng.uniform(9, 14), rng.uniform(18, 24) * crowd)
    if place.kind == "lake":
        return Spot("water", x, place.horizon + rng.uniform(20, 34), rng.uniform(26, 34) * crowd)
    if place.kind == "island":
        return Spot("water", x, rng.uniform(place.horizon + 42, 122), 34 * crowd)
    if place.kind in ("city", "waterfall"):
        return Spot("water", x, rng.uniform(place.horizon + 14, LOWEST), 32 * crowd)
    foot = rng.uniform(place.horizon + 22, 118)
    return Spot("water", x, foot, _seen_at(place, foot) * crowd)


def _seen_at(place: Place, foot: float) -> float:
    """How high a thing of the usual size is in perspective, in pixels."""
    horizon = min(place.horizon, 84.0)
    return 18 + 40 * min(1.0, (foot - horizon) / (SIZE - horizon))


def river_at(place: Place, foot: float) -> tuple[float, float]:
    """The middle of the river and half its width at height y = `foot`."""
    middles, heights, widths = zip(*water.river_line(place), strict=True)
    return float(np.interp(foot, heights, middles)), float(np.interp(foot, heights, widths))


TINTS: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0), "sunrise": (1.0, 0.96, 0.94), "sunset": (1.0, 0.88, 0.82), "night": (0.72, 0.77, 0.94),
}  # fmt: skip
DARKS = {"rain": 0.93, "storm": 0.86}


def shade(place: Place) -> tuple[float, float, float]:
    """What the colours of a thing that stands there are multiplied by; weak, so that it stays readable."""
    if place.kind in ("space", "underwater"):
        return (1.0, 1.0, 1.0) if place.kind == "space" else (0.9, 0.97, 1.0)
    if place.kind in INDOORS and place.time == "night":
        return (0.96, 0.9, 0.84)
    dark = DARKS.get(place.weather, 1.0)
    red, green, blue = TINTS[place.time]
    return red * dark, green * dark, blue * dark


def shaded(drawing: Image.Image, place: Place) -> Image.Image:
    """An RGBA drawing in the light of the place."""
    red, green, blue, alpha = drawing.split()
    lit = zip((red, green, blue), shade(place), strict=True)
    bands = [band.point([int(level * times) for level in range(256)]) for band, times in lit]
    return Image.merge("RGBA", (*bands, alpha))


def put(picture: Image.Image, drawing: Image.Image, place: Place, spot: Spot, size: str = "", scale: int = 1) -> None:
    """Stands an RGBA drawing, cut to its outline, on the spot of a picture drawn at `scale`, in the place's light.

    What is wider than high is as wide as it would be high, so that long things do not become huge.
    """
    high = spot.high(size) * scale
    if drawing.width > drawing.height:
        high *= drawing.height / drawing.width
    across = max(1, round(high * drawing.width / drawing.height))
    small = drawing.resize((across, max(1, round(high))), Image.Resampling.LANCZOS, reducing_gap=3.0)
    x = min(max(spot.x * scale, across / 2), SIZE * scale - across / 2)
    if spot.where == "water":
        small = small.crop((0, 0, small.width, max(1, round(small.height * AFLOAT))))
    if spot.where not in ("sky", "within"):
        _shadow(picture, x, spot.foot * scale, across)
    picture.paste(shaded(small, place), (round(x - across / 2), round(spot.foot * scale) - small.height), small)


def _shadow(picture: Image.Image, x: float, foot: float, across: int) -> None:
    """A soft dark oval under the feet."""
    wide, flat = max(4, round(across * 0.9)), max(2, round(across * 0.16))
    along = np.linspace(-1, 1, wide)[None, :] ** 2 + np.linspace(-1, 1, flat)[:, None] ** 2
    mask = Image.fromarray((np.clip(1 - along, 0, 1) * 90).astype(np.uint8))
    picture.paste((16, 20, 40), (round(x - wide / 2), round(foot - flat * 0.6)), mask)
