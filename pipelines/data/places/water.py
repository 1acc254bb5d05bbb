"""Water: the sea, beaches, islands, lakes, rivers and waterfalls."""

import math
import random

from pipelines.data.places import growing, land, sky
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, darker, lighter, mix
from pipelines.data.places.place import Place

BLUE: Colour = (44, 140, 206)
SHALLOW: Colour = (86, 194, 214)
SAND: Colour = (246, 220, 160)


def _surface(light: Light) -> tuple[Colour, Colour]:
    """The colour of water at the horizon and near."""
    if light.time == "sunset":  # it mirrors the sky: blue under orange would be grey
        return darker(mix(light.sky[2], light.sky[1], 0.45), 0.08), mix(light.sky[0], (70, 56, 130), 0.4)
    share = 0.6 if light.time == "sunrise" else 0.42
    return mix(light.on(BLUE), light.sky[2], share), light.on(darker(BLUE, 0.12))


def _waves(canvas: Canvas, rng: random.Random, light: Light, top: float, bottom: float, count: int) -> None:
    """Short light lines, longer and farther apart the nearer."""
    far, near = _surface(light)
    for _ in range(count):
        t = rng.random()
        y = top + 3 + (bottom - top - 5) * t
        x, length = rng.uniform(-4, 124), 4 + 12 * t
        colour = lighter(mix(far, near, t), 0.22)
        canvas.box(x, y, x + length, y + 0.7 + 0.6 * t, colour, 0.4)


def _glitter(canvas: Canvas, place: Place, rng: random.Random, light: Light, top: float, bottom: float) -> None:
    """The sun's or the moon's way on the water."""
    if place.weather != "clear" or (place.time == "night" and not place.moon) or place.time == "day":
        return
    colour = {"sunrise": (255, 246, 206), "sunset": (255, 196, 104), "night": (206, 216, 246)}[place.time]
    for index in range(11):
        t = index / 10
        y, half = top + 1.5 + (bottom - top - 6) * t, rng.uniform(3, 6) + 7 * t
        x = place.light_x + rng.uniform(-3, 3)
        canvas.box(x - half, y, x + half, y + 0.9 + 0.9 * t, mix(colour, _surface(light)[1], 0.15 + 0.3 * t), 0.5)


def _water(canvas: Canvas, place: Place, light: Light, rng: random.Random, bottom: float, waves: int) -> None:
    canvas.rows(place.horizon, bottom, _surface(light))
    _waves(canvas, rng, light, place.horizon, bottom, waves)
    _glitter(canvas, place, rng, light, place.horizon, bottom)


def sea(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("water")
    sky.paint(canvas, place, light, place.horizon)
    _water(canvas, place, light, rng, SIZE, 12)
    far, near = _surface(light)
    rough = 2.6 if place.weather == "storm" else 1.3
    for row in range(4):
        y = place.horizon + 12 + row * (SIZE - place.horizon - 12) / 3.6
        tone = mix(mix(far, near, 0.4 + 0.2 * row), (12, 60, 120) if place.time == "day" else (0, 0, 0), 0.06 * row)
        shift, size = rng.uniform(0, 6.28), rough * (1 + 0.4 * row)
        crest = [(x, y - size * abs(math.sin(x / (7 + 2.5 * row) + shift))) for x in range(0, SIZE + 1, 2)]
        canvas.ground(crest, tone)
        canvas.line(crest, lighter(tone, 0.3), 0.8)
    if place.time != "day":
        _glitter(canvas, place, rng, light, place.horizon, SIZE)


def beach(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("water")
    sky.paint(canvas, place, light, place.horizon)
    shore = place.horizon + rng.uniform(20, 25)
    _water(canvas, place, light, rng, SIZE, 9)
    lean = rng.uniform(-5, 5)
    wet = [(x, shore + lean * (x - 64) / 64 + 2.2 * math.sin(x / 14)) for x in range(0, SIZE + 1, 4)]
    canvas.ground([(x, y - 7) for x, y in wet], light.on(SHALLOW))
    canvas.ground([(x, y - 1.8) for x, y in wet], lighter(light.on((236, 248, 250)), 0.1))
    canvas.ground(wet, light.on(darker(SAND, 0.12)))
    canvas.ground([(x, y + 3.5) for x, y in wet], light.on(SAND))
    for _ in range(12):
        canvas.disc(
            rng.uniform(2, 126), rng.uniform(shore + 10, 126), rng.uniform(0.5, 0.9), light.on(darker(SAND, 0.14))
        )
    side = rng.choice((-1, 1))
    growing.palm(
        canvas,
        light,
        64 + side * rng.uniform(44, 54),
        shore + rng.uniform(14, 22),
        rng.uniform(56, 68),
        -side * rng.uniform(8, 16),
    )
    if rng.random() < 0.5:
        _parasol(canvas, light, rng, 64 - side * rng.uniform(34, 48), shore + rng.uniform(16, 24))
    for _ in range(rng.randint(1, 2)):
        _starfish(canvas, light, rng.uniform(14, 114), rng.uniform(shore + 16, 122), rng.uniform(2.4, 3.2))


def _parasol(canvas: Canvas, light: Light, rng: random.Random, x: float, foot: float) -> None:
    cloth = light.on(rng.choice(((232, 74, 78), (250, 168, 60), (64, 150, 214))))
    canvas.line([(x, foot), (x, foot - 40)], light.on((250, 250, 250)), 1.2)
    canvas.polygon(sky.arc(x, foot - 24, 15, 180, 360, 16), cloth)
    for first, last in ((204, 240), (300, 336)):
        canvas.polygon(
            [(x, foot - 39), *sky.arc(x, foot - 24, 15, first, last, 5)[::-1]][1:], light.on((252, 250, 244))
        )


def _starfish(canvas: Canvas, light: Light, x: float, y: float, size: float) -> None:
    points = []
    for index in range(10):
        angle, radius = math.radians(36 * index - 90), size if index % 2 == 0 else size * 0.45
        points.append((x + radius * math.cos(angle), y + radius * 0.7 * math.sin(angle)))
    canvas.polygon(points, light.on((240, 120, 84)))


def island(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("water")
    sky.paint(canvas, place, light, place.horizon)
    _water(canvas, place, light, rng, SIZE, 26)
    x, foot, half = place.focus, place.horizon + 24, rng.uniform(36, 42)
    canvas.ellipse(x, foot + 1, half + 6, 8, light.on(SHALLOW))
    canvas.ellipse(x, foot, half + 2, 6, lighter(light.on((226, 244, 246)), 0.05))
    canvas.ellipse(x, foot - 1, half, 6, light.on(SAND))
    canvas.ellipse(x, foot - 3, half * 0.8, 8, light.on(SAND))
    canvas.ellipse(x + 2, foot - 6, half * 0.52, 6, light.on((104, 178, 88)))
    growing.palm(canvas, light, x - 5, foot - 8, rng.uniform(40, 48), -rng.uniform(5, 12))
    growing.palm(canvas, light, x + 7, foot - 7, rng.uniform(30, 38), rng.uniform(6, 12))


def lake(canvas: Canvas, place: Place, light: Light) -> None:
    """Still water between mountains and a near bank."""
    rng = place.numbers("water")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    ground = land.grass(place)
    ranges = land.rolling(rng, base + 2, 30, 1.9)
    canvas.ground(ranges, light.on((112, 138, 168), 0.5))
    shore = land.rolling(rng, base + 1, 9)
    canvas.ground(shore, light.on(darker(ground, 0.18), 0.2))
    for _ in range(12):
        x = rng.uniform(0, 128)
        if place.season == "autumn":
            growing.tree(canvas, light, rng, (x, base + 1), rng.uniform(10, 15), "autumn", 0.2)
        else:
            growing.fir(canvas, light, x, base + 1, rng.uniform(9, 15), False, 0.2)
    bottom = 112.0
    far, near = _surface(light)
    canvas.rows(base, bottom + 4, (mix(far, light.on(darker(ground, 0.3)), 0.55), far, near))
    for _ in range(9):
        y = rng.uniform(base + 8, bottom - 4)
        x, length = rng.uniform(8, 96), rng.uniform(10, 26)
        canvas.box(x, y, x + length, y + 0.8, lighter(mix(far, near, 0.5), 0.28), 0.4)
    _glitter(canvas, place, rng, light, base, bottom)
    bank = [(x, bottom + 5 - 17 * abs((x - 64) / 64) ** 2.2 + 1.5 * math.sin(x / 9)) for x in range(0, SIZE + 1, 4)]
    canvas.ground(bank, light.on(ground))
    for side in (-1, 1):
        for _ in range(4):
            x = 64 + side * rng.uniform(40, 62)
            canvas.line(
                [(x, land.at(bank, x) + 2), (x + rng.uniform(-2, 2), land.at(bank, x) - rng.uniform(7, 13))],
                light.on((88, 140, 70)),
                0.9,
            )


def river_line(place: Place) -> list[tuple[float, float, float]]:
    """The river from far to near: the middle's x, y, and half the width."""
    base, bend = place.horizon, 1 if place.seed % 2 else -1
    found = []
    for step in range(13):
        t = step / 12
        x = 64 + bend * (26 * math.sin(5.2 * t + 0.4) * (0.35 + 0.65 * t)) * (1 - 0.35 * t)
        found.append((x, base + (SIZE + 2 - base) * t**1.35, 2.2 + 27 * t**1.25))
    return found


def river(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("water")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    ground = land.grass(place)
    canvas.ground(land.rolling(rng, base + 3, 20), light.on(mix(ground, (90, 150, 150), 0.45), 0.6))
    canvas.ground(land.rolling(rng, base + 4, 9), light.on(darker(ground, 0.1), 0.3))
    canvas.rows(base + 2, SIZE, (light.on(ground, 0.2), light.on(ground)))
    line = river_line(place)
    far, near = _surface(light)
    for more, colour in ((1.8, light.on(darker(ground, 0.2))), (0.0, mix(far, near, 0.6))):
        edge = [(x - w - more, y) for x, y, w in line] + [(x + w + more, y) for x, y, w in reversed(line)]
        canvas.polygon(edge, colour)
    for x, y, w in line[3:]:
        left = x + rng.uniform(-0.7, 0.1) * w
        canvas.box(left, y - 1, left + w * 0.6, y + 0.2, lighter(mix(far, near, 0.6), 0.35), 0.4)
    for _ in range(8):
        t = rng.random() * 0.75
        foot = base + 6 + (SIZE - base - 6) * t**1.35
        middle, width = min((abs(y - foot), x, w) for x, y, w in line)[1:]
        x = middle + rng.choice((-1, 1)) * (width + 10 + rng.uniform(0, 40))
        growing.tree(canvas, light, rng, (x, foot), 12 + 30 * t, place.season, 0.25 * (1 - t))
    for _ in range(5):
        growing.tuft(
            canvas,
            light.on(darker(ground, 0.2)),
            rng.choice((rng.uniform(2, 28), rng.uniform(100, 126))),
            rng.uniform(104, 126),
            1.8,
        )


def waterfall(canvas: Canvas, place: Place, light: Light) -> None:
    """White water falling between two cliffs into a pool."""
    rng = place.numbers("water")
    base, x = place.horizon, place.focus * 0.4 + 38
    top = rng.uniform(30, 36)
    sky.paint(canvas, place, light, base)
    half = rng.uniform(12, 15)
    rock, shade = light.on((128, 120, 122)), light.on((104, 97, 104))
    canvas.box(0, top + 2, SIZE, base, shade)
    for side in (-1, 1):
        edge = [
            (x + side * half, base),
            (x + side * (half - 1), top),
            (x + side * (half + 16), top - 7),
            (64 + side * 70, top - rng.uniform(8, 16)),
            (64 + side * 70, base),
        ]
        canvas.polygon(edge, rock)
        for _ in range(5):
            rx, ry = x + side * rng.uniform(half + 6, 54), rng.uniform(top + 8, base - 10)
            canvas.polygon([(rx - 6, ry), (rx, ry - 4), (rx + 7, ry + 1), (rx + 3, ry + 9), (rx - 4, ry + 8)], shade)
        canvas.polygon(
            [
                (x + side * (half - 1), top + 2),
                (x + side * (half + 16), top - 9),
                (64 + side * 70, top - 18),
                (64 + side * 70, top - 2),
                (x + side * (half + 12), top + 5),
            ],
            light.on((92, 168, 84)),
        )
        for gap in (22, 38, 52):
            growing.fir(canvas, light, x + side * (gap + rng.uniform(-4, 4)), top - 5, rng.uniform(14, 22))
    white, blue = light.on((240, 250, 255)), light.on((150, 210, 236))
    canvas.box(x - half, top, x + half, base + 4, white)
    for _ in range(9):
        sx, sy = x + rng.uniform(-half + 1, half - 2), rng.uniform(top + 1, base - 22)
        canvas.box(sx, sy, sx + 1.4, sy + rng.uniform(14, 26), blue, 0.6)
    far, near = light.on((96, 190, 220)), light.on((50, 140, 196))
    canvas.rows(base, SIZE, (far, near))
    for index in range(7):
        canvas.disc(x + (index - 3) * half * 0.42, base + rng.uniform(-1, 3), rng.uniform(4, 6), white)
    for _ in range(9):
        wx, wy = rng.uniform(4, 110), rng.uniform(base + 10, 125)
        canvas.box(wx, wy, wx + rng.uniform(8, 18), wy + 0.9, lighter(near, 0.35), 0.4)
    for side in (-1, 1):
        growing.bush(canvas, light, rng, (64 + side * rng.uniform(52, 60), base + 10), 11)
