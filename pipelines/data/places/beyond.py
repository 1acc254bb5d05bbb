"""Places without ground under one's feet: the open sky, space, and the world under water."""

import math

from pipelines.data.places import sky
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, Point, darker, lighter
from pipelines.data.places.place import Place

PLANETS: tuple[Colour, ...] = ((226, 120, 84), (234, 186, 110), (96, 168, 214), (176, 132, 206), (120, 186, 150))
CORALS: tuple[Colour, ...] = ((244, 112, 110), (250, 160, 96), (232, 130, 190), (176, 116, 210))


def open_sky(canvas: Canvas, place: Place, light: Light) -> None:
    sky.paint(canvas, place, light, SIZE)


def space(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("space")
    canvas.rows(0, SIZE, ((20, 10, 44), (34, 16, 70), (18, 10, 48)))
    canvas.glow(rng.uniform(20, 108), rng.uniform(20, 108), 62, (126, 52, 150), 0.55)
    canvas.glow(rng.uniform(20, 108), rng.uniform(20, 108), 46, (46, 84, 180), 0.5)
    for index in range(66):
        x, y = rng.uniform(0, 128), rng.uniform(0, 128)
        canvas.disc(
            x, y, rng.uniform(0.4, 0.9) + (0.4 if index < 8 else 0), (255, 250, 230) if index % 3 else (190, 206, 255)
        )
    side = 1 if place.focus > 64 else -1
    colours = rng.sample(PLANETS, 3)
    _planet(
        canvas,
        64 + side * rng.uniform(30, 40),
        rng.uniform(24, 36),
        rng.uniform(14, 19),
        colours[0],
        rng.random() < 0.65,
    )
    _planet(canvas, 64 - side * rng.uniform(34, 46), rng.uniform(88, 108), rng.uniform(8, 12), colours[1], False)
    _planet(canvas, 64 - side * rng.uniform(20, 44), rng.uniform(18, 34), rng.uniform(3.5, 5.5), colours[2], False)


def _planet(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, ringed: bool) -> None:
    if ringed:
        _ring(canvas, x, y, radius, colour, 180, 360)
    canvas.disc(x, y, radius, darker(colour, 0.22))
    canvas.disc(x - radius * 0.1, y - radius * 0.08, radius * 0.88, colour)
    canvas.ellipse(x - radius * 0.2, y - radius * 0.34, radius * 0.5, radius * 0.12, lighter(colour, 0.22))
    canvas.ellipse(x + radius * 0.1, y + radius * 0.3, radius * 0.6, radius * 0.13, darker(colour, 0.12))
    if ringed:
        _ring(canvas, x, y, radius, colour, 0, 180)


def _ring(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, first: float, last: float) -> None:
    def half(reach: float) -> list[Point]:
        turns = [math.radians(first + (last - first) * i / 20) for i in range(21)]
        flat = [(reach * radius * math.cos(a), reach * radius * 0.3 * math.sin(a)) for a in turns]
        return [(x + 0.95 * dx + 0.3 * dy, y - 0.3 * dx + 0.95 * dy) for dx, dy in flat]

    canvas.polygon([*half(1.95), *reversed(half(1.4))], lighter(colour, 0.45))


def underwater(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("water")
    base = place.horizon
    canvas.rows(0, SIZE, ((104, 214, 232), (42, 150, 208), (18, 92, 162)))
    for _ in range(3):
        x, width = rng.uniform(10, 110), rng.uniform(6, 12)
        ray = lighter((60, 170, 216), 0.16)
        canvas.polygon([(x, 0), (x + width, 0), (x + width * 1.6 - 22, base), (x - width * 0.6 - 30, base)], ray)
    canvas.veil(0, base, (34, 132, 196), 0.0, 0.85)
    sand: Colour = (222, 206, 160)
    canvas.ground([(x, base + 3 * math.sin(x / 17 + place.focus)) for x in range(0, 129, 4)], darker(sand, 0.14))
    canvas.ground([(x, base + 8 + 3 * math.sin(x / 23 + place.seed % 7)) for x in range(0, 129, 4)], sand)
    for side in (-1, 1):
        for _ in range(3):
            _weed(
                canvas,
                64 + side * rng.uniform(36, 62),
                base + rng.uniform(3, 10),
                rng.uniform(28, 52),
                rng.uniform(0, 6),
            )
        _coral(
            canvas, 64 + side * rng.uniform(26, 54), base + rng.uniform(6, 14), rng.uniform(12, 18), rng.choice(CORALS)
        )
    for _ in range(12):
        x, y, radius = rng.uniform(4, 124), rng.uniform(6, base - 6), rng.uniform(1, 2.6)
        canvas.disc(x, y, radius, (178, 230, 244))
        canvas.disc(x, y, radius * 0.7, (92, 184, 222))


def _weed(canvas: Canvas, x: float, foot: float, height: float, sway: float) -> None:
    left, right = [], []
    for step in range(9):
        t = step / 8
        middle = x + 4 * math.sin(5 * t + sway) * t
        left.append((middle - 2.4 * (1 - t) - 0.3, foot - height * t))
        right.append((middle + 2.4 * (1 - t) + 0.3, foot - height * t))
    canvas.polygon([*left, *reversed(right)], (38, 140, 96))


def _coral(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    for dx, tall in ((-0.45, 0.7), (0.45, 0.78), (0.0, 1.0)):
        top = (x + dx * height, foot - tall * height)
        canvas.line([(x, foot), (x + dx * height * 0.6, foot - tall * height * 0.45), top], colour, 3.2)
        canvas.disc(*top, 2.4, lighter(colour, 0.18))
