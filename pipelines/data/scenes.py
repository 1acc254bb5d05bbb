"""Procedural scenes: one to three things, shapes or subjects, on a plain background, drawn exactly as described."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.data import styles, subjects

SIZE = 128
SUPERSAMPLING = 3

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 36, 40),
    "orange": (245, 138, 28),
    "yellow": (250, 216, 48),
    "green": (46, 158, 70),
    "cyan": (64, 206, 222),
    "blue": (36, 80, 222),
    "purple": (134, 56, 182),
    "pink": (250, 142, 192),
    "brown": (122, 76, 40),
    "black": (18, 18, 18),
    "white": (252, 252, 252),
    "gray": (142, 142, 142),
}

Point = tuple[float, float]


@dataclass(frozen=True)
class Thing:
    """A shape (with a colour) or a subject (without): its size word, its centre and half-width in pixels."""

    noun: str
    colour: str
    size: str
    x: float
    y: float
    radius: float

    @property
    def appearance(self) -> tuple[str, str, str]:
        return self.noun, self.colour, self.size


@dataclass(frozen=True)
class Scene:
    """One to three things on a background. `relation` places the first of two to the second; "row" and "column" place
    two or three in order; it is empty for one thing. `style` is one of styles.STYLES, or empty for flat."""

    background: str
    things: tuple[Thing, ...]
    relation: str = ""
    style: str = ""


def _regular(points: int, radius: float = 1.0, turn: float = -90.0) -> list[Point]:
    angles = [math.radians(turn + 360 * i / points) for i in range(points)]
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


def _star() -> list[Point]:
    outer, inner = _regular(5), _regular(5, radius=0.42, turn=-54.0)
    return [point for pair in zip(outer, inner, strict=True) for point in pair]


def _heart() -> list[Point]:
    angles = [2 * math.pi * i / 64 for i in range(64)]
    curve = [
        (
            16 * math.sin(a) ** 3,
            -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)),
        )
        for a in angles
    ]
    return [(x / 17, (y - 2.5) / 16) for x, y in curve]


def _cross(arm: float = 0.34) -> list[Point]:
    return [
        (-arm, -1), (arm, -1), (arm, -arm), (1, -arm), (1, arm), (arm, arm),
        (arm, 1), (-arm, 1), (-arm, arm), (-1, arm), (-1, -arm), (-arm, -arm),
    ]  # fmt: skip


POLYGONS: dict[str, Callable[[], list[Point]]] = {
    "circle": lambda: _regular(96),
    "square": lambda: [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
    "triangle": lambda: [(0, -0.9), (1, 0.84), (-1, 0.84)],
    "star": _star,
    "heart": _heart,
    "diamond": lambda: [(0, -1), (0.78, 0), (0, 1), (-0.78, 0)],
    "ring": lambda: _regular(96),
    "cross": _cross,
}
RING_HOLE = 0.54
SHAPES = tuple(POLYGONS)
BESIDE = ("left of", "right of", "above", "below")
RELATIONS = (*BESIDE, "inside", "on")
ORDERS = ("row", "column")
CONTAINERS = ("circle", "square", "heart", "diamond")
PEDESTALS = ("square", "circle", "cross")

# Half-widths in pixels by the number of things; the size word "" is the usual size and stays unsaid.
SHAPE_RADII = {
    1: {"small": 18.0, "": 30.0, "large": 46.0},
    2: {"small": 14.0, "": 20.0, "large": 26.0},
    3: {"small": 11.0, "": 17.0},
}
SUBJECT_RADII = {1: {"small": 30.0, "": 54.0}, 2: {"small": 18.0, "": 28.0}, 3: {"small": 13.0, "": 19.0}}
CONTAINER_RADIUS, CONTENT_RADIUS = 55.0, 20.0
PEDESTAL_RADIUS, ON_TOP_RADIUS = 25.0, 25.0


def is_shape(noun: str) -> bool:
    return noun in POLYGONS


@cache
def _extent(noun: str) -> tuple[float, float]:
    """How far the thing reaches up and down from its centre, in half-widths."""
    if is_shape(noun):
        heights = [y for _, y in POLYGONS[noun]()]
        return -min(heights), max(heights)
    half = subjects.aspect(noun)[1]
    return half, half


def reach_up(noun: str) -> float:
    """How far the thing reaches up from its centre, in half-widths."""
    return _extent(noun)[0]


def mask(shape: str, x: float, y: float, radius: float, size: int = SIZE) -> Image.Image:
    """The shape's coverage of each pixel as an 8-bit picture of `size` x `size`."""
    scale = SUPERSAMPLING
    canvas = Image.new("L", (size * scale, size * scale), 0)
    draw = ImageDraw.Draw(canvas)

    def outline(factor: float) -> list[Point]:
        return [
            ((x + px * radius * factor) * scale, (y + py * radius * factor) * scale) for px, py in POLYGONS[shape]()
        ]

    draw.polygon(outline(1.0), fill=255)
    if shape == "ring":
        draw.polygon(outline(RING_HOLE), fill=0)
    return canvas.resize((size, size), Image.Resampling.BOX)


def draw(scene: Scene, scale: int = 1) -> NDArray[np.uint8]:
    """The scene as uint8 of shape (SIZE, SIZE, 3), or as sharp at `scale` times that size."""
    picture = Image.new("RGB", (SIZE * scale, SIZE * scale), COLOURS[scene.background])
    for placed in reversed(scene.things):  # the second of two lies below the first: inside it, or under it
        thing = replace(placed, x=placed.x * scale, y=placed.y * scale, radius=placed.radius * scale)
        if is_shape(thing.noun):
            box = math.ceil(thing.radius) * 2 + 4
            left, top = round(thing.x - box / 2), round(thing.y - box / 2)
            picture.paste(
                COLOURS[thing.colour],
                (left, top, left + box, top + box),
                mask(thing.noun, thing.x - left, thing.y - top, thing.radius, box),
            )
        else:
            subjects.paste(picture, thing.noun, thing.x, thing.y, thing.radius)
    return np.asarray(styles.apply(scene.style, picture, scale))


def sharpest_scale(scene: Scene, most: int = 4) -> int:
    """The largest scale, up to `most`, at which no subject is drawn larger than its cut-out is."""
    largest = max((thing.radius for thing in scene.things if not is_shape(thing.noun)), default=0.0)
    return max(1, min(most, int(subjects.CELL / (2 * largest)))) if largest else most


def arrange(
    background: str,
    looks: list[tuple[str, str, str]],
    relation: str,
    rng: np.random.Generator,
    style: str = "",
    jitter: float = 1.0,
) -> Scene:
    """Place things of (noun, colour, size) as `relation` says: some pixels off, times `jitter`, and 5 % larger or
    smaller at most."""
    count = len(looks)
    zoom = [1 + jitter * rng.uniform(-0.05, 0.05) for _ in looks]
    if relation == "inside":
        x, y = (SIZE / 2 + jitter * rng.uniform(-2, 2) for _ in "xy")
        places = [(x, y, CONTENT_RADIUS * zoom[0]), (x, y, CONTAINER_RADIUS * (zoom[1] + 1) / 2)]
    elif relation == "on":
        radius = PEDESTAL_RADIUS * zoom[1]
        x, y = SIZE / 2 + jitter * rng.uniform(-6, 6), 97.0 + jitter * rng.uniform(-3, 3)
        top = y - radius * _extent(looks[1][0])[0]
        reach = ON_TOP_RADIUS * zoom[0]
        places = [(x + jitter * rng.uniform(-3, 3), top + 1 - reach * _extent(looks[0][0])[1], reach), (x, y, radius)]
    else:
        radii = [_radius(look, count) * factor for look, factor in zip(looks, zoom, strict=True)]
        places = [(*centre, r) for centre, r in zip(_centres(count, relation, rng, jitter), radii, strict=True)]
    things = tuple(Thing(*look, *place) for look, place in zip(looks, places, strict=True))
    return Scene(background, things, relation, style)


def _radius(look: tuple[str, str, str], count: int) -> float:
    return (SHAPE_RADII if is_shape(look[0]) else SUBJECT_RADII)[count][look[2]]


def _centres(count: int, relation: str, rng: np.random.Generator, jitter: float) -> list[Point]:
    middle = SIZE / 2
    if count == 1:
        return [(middle + jitter * rng.uniform(-5, 5), middle + jitter * rng.uniform(-5, 5))]
    spacing = {2: (32.0, 96.0), 3: (22.0, 64.0, 106.0)}[count]
    along = [place + jitter * rng.uniform(-2, 2) for place in spacing]
    if relation in ("right of", "below"):
        along.reverse()
    across = [middle + jitter * rng.uniform(-5, 5) for _ in spacing]
    sideways = relation in ("left of", "right of", "row")
    return [(p, q) if sideways else (q, p) for p, q in zip(along, across, strict=True)]


def panda() -> np.ndarray:
    """The picture where nobody has brought one: a drawn scene, (SIZE, SIZE, 3) uint8."""
    return draw(arrange("yellow", [("panda", "", "")], "", np.random.default_rng(0)))
