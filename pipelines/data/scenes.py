"""Procedural scenes: one or two flat shapes on a plain background, drawn exactly from their description."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 64
SUPERSAMPLING = 4

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
    """One shape: its colour, its size in words, its centre and half-width in pixels of a 64-pixel picture."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """One or two things on a background; `relation` places the first to the second and is empty for one thing."""

    background: str
    things: tuple[Thing, ...]
    relation: str = ""


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
SIZES = ("small", "medium", "large")
RELATIONS = ("left of", "right of", "above", "below")

# Half-widths in pixels, alone and beside another; the parser's thresholds lie half-way between them.
RADII = {1: {"small": 9.0, "medium": 15.0, "large": 23.0}, 2: {"small": 7.0, "medium": 10.0, "large": 13.0}}


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


def draw(scene: Scene) -> NDArray[np.uint8]:
    """The scene as uint8 of shape (64, 64, 3)."""
    picture = Image.new("RGB", (SIZE, SIZE), COLOURS[scene.background])
    for thing in scene.things:
        picture.paste(COLOURS[thing.colour], mask=mask(thing.shape, thing.x, thing.y, thing.radius))
    return np.asarray(picture)


def random_scene(rng: np.random.Generator, things: int = 1) -> Scene:
    """A scene of one or two things whose colours differ from the background."""
    background = "white" if rng.random() < 0.3 else _pick(rng, tuple(COLOURS))
    colours = tuple(c for c in COLOURS if c != background)
    looks = [(_pick(rng, SHAPES), _pick(rng, colours), _pick(rng, SIZES)) for _ in range(things)]
    relation = _pick(rng, RELATIONS) if things == 2 else ""
    return arrange(background, looks, relation, rng)


def arrange(background: str, looks: list[tuple[str, str, str]], relation: str, rng: np.random.Generator) -> Scene:
    """Place things of (shape, colour, size) with a little jitter as `relation` says."""
    radii = RADII[len(looks)]
    if len(looks) == 1:
        centres = [(32 + rng.uniform(-3, 3), 32 + rng.uniform(-3, 3))]
    else:
        near, far = 16 + rng.uniform(-1.5, 1.5), 48 + rng.uniform(-1.5, 1.5)
        first, second = (near, far) if relation in ("left of", "above") else (far, near)
        across = [32 + rng.uniform(-3, 3) for _ in looks]
        sideways = relation in ("left of", "right of")
        along = (first, second)
        centres = [(p, q) if sideways else (q, p) for p, q in zip(along, across, strict=True)]
    things = tuple(
        Thing(shape, colour, size, x, y, radii[size] * rng.uniform(0.95, 1.05))
        for (shape, colour, size), (x, y) in zip(looks, centres, strict=True)
    )
    return Scene(background, things, relation)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
