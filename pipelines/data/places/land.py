"""The lie of the land, which other places use too, mountains and hills."""

import math
import random
from collections.abc import Sequence

from pipelines.data.places import growing, sky
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, Point, darker, mix
from pipelines.data.places.place import Place

SNOW = growing.SNOW
GRASS: dict[str, Colour] = {
    "": (116, 190, 88), "spring": (142, 206, 104), "autumn": (206, 174, 84), "winter": (234, 242, 251),
}  # fmt: skip


OTHER_GRASS: dict[str, tuple[Colour, Colour]] = {
    "": ((176, 204, 84), (70, 172, 116)),
    "spring": ((188, 222, 104), (116, 206, 120)),
    "autumn": ((226, 150, 72), (220, 194, 100)),
    "winter": ((224, 234, 250), (244, 246, 252)),
}
"""What the grass of each season leans to, now to one and now to the other."""


def grass(place: Place) -> Colour:
    rng = place.numbers("grass")
    return mix(GRASS[place.season], rng.choice(OTHER_GRASS[place.season]), rng.uniform(0.0, 0.28))


def rolling(rng: random.Random, base: float, height: float, waves: float = 1.4) -> list[Point]:
    """A soft line of hills from left to right, between base - height and base."""
    first, second = rng.uniform(0, 6.28), rng.uniform(0, 6.28)
    turn = waves * 6.28 / SIZE

    def rise(x: float) -> float:
        return 0.5 + 0.33 * math.sin(turn * x + first) + 0.17 * math.sin(1.9 * turn * x + second)

    return [(x, base - height * rise(x)) for x in range(0, SIZE + 1, 4)]


def at(line: Sequence[Point], x: float) -> float:
    """The height y of a line that is given every 4 pixels."""
    index = max(0, min(len(line) - 2, int(x / 4)))
    share = x / 4 - index
    return line[index][1] * (1 - share) + line[index + 1][1] * share


def peaks(place: Place) -> list[tuple[float, float, float]]:
    """Top x, top y and half-width of the mountains, the farthest first; the highest is the last."""
    rng = place.numbers("peaks")
    base = place.horizon
    side = rng.choice((-1, 1))
    found = [(place.focus + side * (42 + rng.uniform(-6, 8)), base - rng.uniform(30, 40), rng.uniform(34, 42))]
    found.append((place.focus - side * (46 + rng.uniform(-6, 8)), base - rng.uniform(34, 44), rng.uniform(36, 44)))
    found.append((place.focus, base - rng.uniform(52, 62), rng.uniform(44, 54)))
    return found


def mountain(
    canvas: Canvas,
    light: Light,
    top: tuple[float, float, float],
    base: float,
    far: float,
    white: bool,
) -> None:
    """One peak, lit from one side, with a cap of snow; in winter the snow reaches far down."""
    x, y, half = top
    rock, shade = light.on((118, 132, 164), far), light.on((88, 100, 138), far)
    snow, snow_shade = light.on((250, 252, 255), far * 0.6), light.on((206, 220, 240), far * 0.6)
    foot_left, foot_right = (x - half, base), (x + half, base)
    canvas.polygon([foot_left, (x, y), foot_right], rock)
    canvas.polygon([(x, y), foot_right, (x + half * 0.28, base), (x + half * 0.06, y + (base - y) * 0.5)], shade)
    reach = 0.66 if white else 0.34
    low = y + (base - y) * reach
    left, right, zig = x - half * reach, x + half * reach, (base - y) * 0.07
    middle = x + half * reach * 0.1
    canvas.polygon(
        [
            (left, low),
            (x, y),
            (middle, low - zig * 0.2),
            (x - half * reach * 0.25, low - zig * 1.6),
            (x - half * reach * 0.5, low + zig),
        ],
        snow,
    )
    canvas.polygon(
        [
            (x, y),
            (right, low),
            (x + half * reach * 0.55, low - zig),
            (x + half * reach * 0.35, low + zig),
            (middle, low - zig * 0.2),
        ],
        snow_shade,
    )


def mountains(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    tops = peaks(place)
    for index, top in enumerate(tops):
        mountain(canvas, light, top, base + 9, (0.5, 0.4, 0.12)[index], place.white)
    ground = SNOW if place.white else (96, 168, 96)
    back = rolling(rng, base + 6, 12)
    canvas.ground(back, light.on(darker(ground, 0.06 if place.white else 0.16), 0.2))
    for _ in range(rng.randint(7, 11)):
        x = rng.uniform(0, 128)
        growing.fir(canvas, light, x, at(back, x) + 3, rng.uniform(9, 14), place.white, 0.12)
    front = rolling(rng, base + 15, 9)
    canvas.ground(front, light.on(ground))
    for _ in range(4):
        x, y = rng.uniform(4, 124), rng.uniform(base + 18, 125)
        growing.tuft(canvas, light.on(darker(ground, 0.12)), x, y, rng.uniform(1.2, 2))


def hill_line(place: Place) -> list[Point]:
    """The outline of the one big hill, every 4 pixels; its top is at x = focus."""
    top, low = place.horizon - 34, place.horizon + 12
    return [(x, low - (low - top) * math.exp(-(((x - place.focus) / 40) ** 2))) for x in range(0, SIZE + 1, 4)]


def hill(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    ground = grass(place)
    canvas.ground(rolling(rng, base + 8, 24), light.on(mix(ground, (96, 160, 140), 0.4), 0.65))
    line = hill_line(place)
    canvas.ground(line, light.on(ground))
    top_x, top_y = place.focus, place.horizon - 34
    lean = rng.choice((-1, 1))
    path = [
        (top_x + lean * 3 * t + 9 * math.sin(3.4 * t) * lean * t, top_y + 3 + (128 - top_y) * t)
        for t in (0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    wide = [1.0, 2.2, 3.6, 5.2, 7.0, 9.5]
    canvas.polygon(
        [(x - w, y) for (x, y), w in zip(path, wide, strict=True)]
        + [(x + w, y) for (x, y), w in reversed(list(zip(path, wide, strict=True)))],
        light.on((232, 206, 150)),
    )
    for side in (-1, 1):
        x = top_x + side * rng.uniform(34, 50)
        if 4 < x < 124:
            growing.tree(canvas, light, rng, (x, at(line, x) + 4), rng.uniform(20, 27), place.season)
    canvas.ground(rolling(rng, 129, 12, 0.8), light.on(darker(ground, 0.1)))
    for _ in range(5):
        growing.tuft(
            canvas, light.on(darker(ground, 0.22)), rng.uniform(4, 124), rng.uniform(108, 126), rng.uniform(1.4, 2.2)
        )
