"""Land: mountains, hills, meadows, farms, forests, parks, gardens, deserts, snowfields, volcanoes and roads."""

import math
import random
from collections.abc import Sequence

from pipelines.data.places import growing, sky
from pipelines.data.places.building import barn, bench, fence, lamp
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, Point, darker, lighter, mix
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


def meadow(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    canvas.ground(rolling(rng, base + 4, 14), light.on((110, 176, 130), 0.6))
    canvas.ground(rolling(rng, base + 6, 7), light.on((104, 184, 92), 0.25))
    canvas.rows(base + 5, SIZE, (light.on((122, 198, 92), 0.15), light.on((98, 180, 78))))
    stem = light.on((60, 136, 62))
    colours = rng.sample(growing.FLOWERS, 4)
    heights = sorted(rng.random() ** 1.3 for _ in range(46))
    for t in heights:
        foot = base + 11 + (SIZE + 2 - base - 11) * t
        colour = light.on(rng.choice(colours))
        x, size = rng.uniform(0, 128), 2.2 + 8.5 * t
        if size < 4.5:
            canvas.disc(x, foot - size * 0.6, size * 0.34, colour)
        else:
            growing.flower(canvas, colour, stem, x, foot, size * rng.uniform(0.85, 1.15))


def farm(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    canvas.ground(rolling(rng, base + 3, 13), light.on((124, 178, 116), 0.55))
    canvas.box(0, base, SIZE, SIZE, light.on((222, 190, 92)))
    ripe, soil = light.on((240, 208, 104)), light.on((196, 158, 72))
    vanishing = place.focus
    for row in range(-9, 10):
        x = vanishing + row * 22
        canvas.polygon([(vanishing + row * 3, base), (x - 5, SIZE), (x + 5, SIZE)], soil if row % 2 else ripe)
    side = -1 if place.focus > 64 else 1
    barn(canvas, light, place.focus + side * 30, base + 9, rng.uniform(30, 36))
    for _ in range(3):
        growing.tree(
            canvas, light, rng, (place.focus - side * rng.uniform(18, 50), base + 5), rng.uniform(15, 20), "", 0.15
        )
    fence(canvas, light.on((250, 246, 236)), base + 14, 9, 0)


def forest(canvas: Canvas, place: Place, light: Light) -> None:
    """Trees behind trees, darker the nearer, around a clearing."""
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    floor: Colour = {"": (92, 156, 82), "spring": (128, 190, 100), "autumn": (196, 142, 70), "winter": SNOW}[
        place.season
    ]
    canvas.box(0, base - 6, SIZE, SIZE, light.on(darker(floor, 0.12)))
    leafy = place.season in ("spring", "autumn") or rng.random() < 0.4
    for far, count, height, foot in ((0.75, 15, 40, base - 4), (0.42, 12, 56, base + 2)):
        for index in range(count):
            x = (index + rng.uniform(-0.3, 0.3)) * SIZE / (count - 1)
            tall = height * rng.uniform(0.85, 1.2)
            if leafy:
                growing.tree(canvas, light, rng, (x, foot), tall, place.season, far)
            else:
                growing.fir(canvas, light, x, foot, tall, False, far)
    canvas.ground(rolling(rng, base + 6, 6), light.on(floor))
    for side in (0, 1):
        for gap, tall, foot in ((30, 76, base + 7), (8, 98, base + 16)):
            x = gap + rng.uniform(-5, 4)
            x = SIZE - x if side else x
            tall *= rng.uniform(0.88, 1.05)
            if leafy:
                growing.tree(canvas, light, rng, (x, foot), tall, place.season)
            else:
                growing.fir(canvas, light, x, foot, tall, place.white)
    for _ in range(7):
        growing.tuft(
            canvas,
            light.on(darker(floor, 0.14)),
            rng.uniform(2, 126),
            rng.uniform(base + 14, 126),
            rng.uniform(1.5, 2.4),
        )


def park(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    ground = grass(place)
    back = mix(growing.LEAVES[place.season][2], (120, 160, 140), 0.35)
    for index in range(11):
        canvas.disc(index * 13 + rng.uniform(-3, 3), base - 1, rng.uniform(8, 13), light.on(back, 0.5))
    canvas.box(0, base, SIZE, SIZE, light.on(ground))
    canvas.ground(rolling(rng, base + 7, 5), light.on(lighter(ground, 0.08)))
    bend = rng.choice((-1, 1))
    path = [
        (64 + bend * 30 * math.sin(2.6 * t), base + 4 + (SIZE - base - 4) * t * t)
        for t in (0, 0.25, 0.45, 0.65, 0.85, 1.0)
    ]
    edges = [2.5, 4.5, 8.0, 13.0, 19.0, 25.0]
    canvas.polygon(
        [(x - w, y) for (x, y), w in zip(path, edges, strict=True)]
        + [(x + w, y) for (x, y), w in reversed(list(zip(path, edges, strict=True)))],
        light.on((226, 214, 200) if place.white else (236, 212, 168)),
    )
    for x, tall in ((12, 50), (116, 54), (34, 34), (98, 32)):
        foot = base + 2 + tall * 0.22
        growing.tree(canvas, light, rng, (x + rng.uniform(-4, 4), foot), tall * rng.uniform(0.9, 1.1), place.season)
    bench(canvas, light, 64 - bend * 34, base + 24, 20)
    lamp(canvas, light, 64 + bend * 44, base + 22, 34)


def garden(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    for index in range(12):
        growing.bush(canvas, light, rng, (index * 12 + rng.uniform(-3, 3), base + 2), rng.uniform(9, 14))
    canvas.box(0, base, SIZE, SIZE, light.on((132, 198, 96)))
    fence(canvas, light.on((252, 252, 248)), base + 6, 16, 4)
    colours = rng.sample(growing.FLOWERS, 3)
    for row, (foot, size) in enumerate(((base + 15, 8), (base + 44, 13))):
        for x in range(0, 132, 9 + 4 * row):
            if row and 34 < x < 94:
                continue
            growing.bush(canvas, light, rng, (x, foot), size * 0.7)
            colour = light.on(colours[(x // 9 + row) % 3])
            growing.flower(
                canvas, colour, light.on((60, 136, 62)), x + rng.uniform(-2, 2), foot, size * rng.uniform(1.0, 1.3)
            )
    for x in (40, 64, 88):
        canvas.ellipse(x + rng.uniform(-3, 3), 122 - abs(x - 64) * 0.1, 9, 2.6, light.on((206, 200, 190)))


def desert(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    sand: Colour = (238, 198, 122)
    for low, height, far, tone in ((base + 6, 20, 0.45, 0.0), (base + 20, 20, 0.15, 0.04), (base + 38, 22, 0.0, 0.0)):
        line = rolling(rng, low, height, 1.1)
        canvas.ground(line, light.on(darker(sand, tone), far))
        crest = min(line, key=lambda point: point[1])
        shadow = [(x, y) for x, y in line if x >= crest[0]]
        if len(shadow) > 3:
            canvas.polygon(
                [*shadow, (shadow[-1][0], shadow[-1][1] + 16), (crest[0] - 8, crest[1] + 18)],
                light.on(darker(sand, 0.13), far),
            )
    for x, foot, tall in (
        (rng.uniform(8, 26), base + 26, 26),
        (rng.uniform(100, 120), base + 34, 34),
        (rng.uniform(48, 80), base + 8, 11),
    ):
        growing.cactus(canvas, light, x, foot, tall * rng.uniform(0.85, 1.15))


def snow(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    canvas.ground(rolling(rng, base + 4, 16), light.on((206, 222, 242), 0.35))
    middle = rolling(rng, base + 12, 11)
    canvas.ground(middle, light.on((224, 235, 249)))
    for x, tall in ((10, 40), (25, 27), (104, 31), (119, 44)):
        x += rng.uniform(-5, 5)
        growing.fir(canvas, light, x, at(middle, min(127, max(0, x))) + 7, tall * rng.uniform(0.85, 1.1), True)
    canvas.ground(rolling(rng, base + 26, 10, 0.9), light.on((238, 244, 252)))
    canvas.ground(rolling(rng, 126, 9, 0.7), light.on((248, 251, 255)))
    for _ in range(10):
        canvas.disc(rng.uniform(4, 124), rng.uniform(base + 22, 126), rng.uniform(0.5, 0.9), light.on((206, 222, 244)))


def volcano(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base, x = place.horizon, place.focus
    sky.paint(canvas, place, light, base)
    top, rim, half = base - rng.uniform(50, 56), 10.0, rng.uniform(50, 58)
    canvas.glow(x, top, 34, (255, 130, 50), 0.75 if light.time == "night" else 0.5)
    smoke = light.on((124, 116, 124))
    drift = rng.uniform(-5, 5)
    for step, size in enumerate((6, 8, 10, 12)):
        canvas.disc(x + drift * step * 0.8 + (step % 2 * 6 - 3), top - 5 - step * 9, size, lighter(smoke, 0.07 * step))
    canvas.polygon(
        [
            (x - half, base + 10),
            (x - rim - 8, top + 20),
            (x - rim, top),
            (x + rim, top),
            (x + rim + 8, top + 20),
            (x + half, base + 10),
        ],
        light.on((112, 82, 84)),
    )
    canvas.polygon(
        [
            (x + rim * 0.3, top),
            (x + rim, top),
            (x + rim + 8, top + 20),
            (x + half, base + 10),
            (x + half * 0.35, base + 10),
        ],
        light.on((86, 62, 70)),
    )
    lava, bright = (244, 88, 36), (255, 190, 66)
    canvas.polygon(
        [
            (x - rim, top),
            (x + rim, top),
            (x + rim * 0.9, top + 12),
            (x + rim * 0.45, top + 7),
            (x + 3, top + 30),
            (x - 1, top + 11),
            (x - 5, top + 22),
            (x - rim * 0.9, top + 9),
        ],
        lava,
    )
    canvas.ellipse(x, top, rim, 2.4, bright)
    canvas.ground(rolling(rng, base + 8, 10), light.on((88, 140, 86), 0.1))
    canvas.ground(rolling(rng, base + 20, 12), light.on((74, 122, 76)))
    for _ in range(6):
        growing.palm(
            canvas,
            light,
            rng.choice((rng.uniform(2, 34), rng.uniform(94, 126))),
            base + rng.uniform(8, 16),
            rng.uniform(12, 18),
            rng.uniform(-3, 3),
        )


def road(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("land")
    base, x = place.horizon, place.focus * 0.5 + 32
    sky.paint(canvas, place, light, base)
    ground = grass(place)
    canvas.ground(rolling(rng, base + 2, 15), light.on(mix(ground, (110, 150, 160), 0.45), 0.6))
    canvas.rows(base, SIZE, (light.on(darker(ground, 0.05), 0.25), light.on(ground)))
    asphalt: Colour = (108, 112, 124)
    canvas.polygon([(x - 1.5, base), (x + 1.5, base), (x + 46, SIZE), (x - 46, SIZE)], light.on(asphalt))
    for side in (-1, 1):
        canvas.polygon(
            [(x + side * 1.2, base), (x + side * 1.35, base), (x + side * 43, SIZE), (x + side * 40, SIZE)],
            light.on((246, 246, 246)),
        )
    for near, end in ((0.06, 0.1), (0.16, 0.23), (0.32, 0.45), (0.6, 0.82)):
        top, bottom = base + (SIZE - base) * near, base + (SIZE - base) * end
        canvas.polygon(
            [(x - near * 2, top), (x + near * 2, top), (x + end * 2.2, bottom), (x - end * 2.2, bottom)],
            light.on((252, 224, 110)),
        )
    for t in (0.06, 0.16, 0.34):
        for side in (-1, 1):
            foot, reach = base + (SIZE - base) * t, 8 + 62 * t
            growing.tree(
                canvas,
                light,
                rng,
                (x + side * (reach + rng.uniform(0, 5)), foot + 1),
                11 + 76 * t,
                place.season,
                0.4 - t,
            )
