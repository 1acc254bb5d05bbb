"""Rooms: what stands in them, and the sky in their windows."""

import random

from pipelines.data.places import sky
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, darker, lighter, mix
from pipelines.data.places.place import Place

WALLS: tuple[Colour, ...] = ((246, 226, 196), (206, 224, 222), (236, 208, 196), (214, 216, 236), (222, 230, 204))
FLOORS: tuple[Colour, ...] = ((206, 158, 108), (188, 138, 96), (220, 180, 132))
CLOTHS: tuple[Colour, ...] = ((216, 96, 88), (86, 140, 176), (110, 156, 112), (236, 176, 84), (150, 116, 176))
GLOW: Colour = (255, 226, 150)


def inside(light: Light, colour: Colour) -> Colour:
    """Indoors a lamp is on at night: things are warm and a little darker."""
    if light.time == "night":
        return mix((int(colour[0] * 0.78), int(colour[1] * 0.68), int(colour[2] * 0.6)), (70, 50, 90), 0.16)
    if light.time == "sunset":
        return mix(colour, (255, 160, 110), 0.16)
    return colour


def _window(canvas: Canvas, place: Place, light: Light, x: float, y: float, half: float, high: float) -> None:
    """A window with the sky of the time in it; its middle, half its width and half its height."""
    frame = inside(light, (252, 250, 246))
    canvas.box(x - half - 2.5, y - high - 2.5, x + half + 2.5, y + high + 2.5, frame)
    steps = 24
    for step in range(steps):
        t = step / (steps - 1)
        colour = mix(light.sky[0], light.sky[1], t * 2) if t < 0.5 else mix(light.sky[1], light.sky[2], t * 2 - 1)
        canvas.box(
            x - half,
            y - high + 2 * high * step / steps,
            x + half,
            y - high + 2 * high * (step + 1) / steps + 0.4,
            colour,
        )
    rng = place.numbers("window")
    if place.time == "night":
        for _ in range(9):
            canvas.disc(
                x + rng.uniform(-half + 1, half - 1),
                y + rng.uniform(-high + 1, high - 1),
                rng.uniform(0.5, 0.8),
                (255, 255, 236),
            )
        if place.moon == "full":
            canvas.disc(x + half * 0.5, y - high * 0.4, 3.6, (252, 246, 216))
        elif place.moon:
            moon_x, moon_y = x + half * 0.5, y - high * 0.4
            canvas.polygon(
                [*sky.arc(moon_x, moon_y, 4, 60, 300, 14), *sky.arc(moon_x + 1.8, moon_y, 3.5, 273, 87, 12)],
                (252, 246, 216),
            )
    elif place.time == "sunset":
        canvas.disc(x - half * 0.2, y + high - 5.2, 5, (255, 110, 62))
    else:
        canvas.box(x - half + 2, y - 3, x + half * 0.2, y + 1, (255, 255, 255), 2)
        canvas.disc(x - half * 0.4, y - 3, 3.4, (255, 255, 255))
    hills = light.on((98, 168, 106), 0.2)
    canvas.polygon(
        [
            (x - half, y + high),
            (x - half, y + high - 3),
            (x - half * 0.3, y + high - 6),
            (x + half * 0.4, y + high - 2.5),
            (x + half, y + high - 5),
            (x + half, y + high),
        ],
        hills,
    )
    canvas.box(x - 0.9, y - high, x + 0.9, y + high, frame)
    canvas.box(x - half, y - 0.9, x + half, y + 0.9, frame)


def table_top(place: Place) -> tuple[float, float, float]:
    """Left, right and top of the table or counter, in pixels."""
    if place.kind == "kitchen":
        return 0.0, 128.0, place.horizon - 30
    left = 8.0 if place.focus > 64 else 78.0
    return left, left + 42, place.horizon + 3


def room(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("indoors")
    base = place.horizon
    wall, floor, cloth = rng.choice(WALLS), rng.choice(FLOORS), rng.choice(CLOTHS)
    canvas.box(0, 0, SIZE, base, inside(light, wall))
    if light.time == "night":
        canvas.glow(118 if place.focus > 64 else 10, base - 38, 60, (255, 214, 140), 0.5)
    canvas.box(0, base, SIZE, SIZE, inside(light, floor))
    for y in (base + 9, base + 21, base + 35):
        canvas.box(0, y, SIZE, y + 0.7, inside(light, darker(floor, 0.12)))
    canvas.box(0, base - 3, SIZE, base, inside(light, lighter(wall, 0.5)))
    middle = place.focus
    _window(canvas, place, light, middle, 38, 21, 23)
    for side in (-1, 1):
        canvas.polygon(
            [
                (middle + side * 27, 11),
                (middle + side * 18, 11),
                (middle + side * 22, 40),
                (middle + side * 19, 68),
                (middle + side * 29, 68),
            ],
            inside(light, cloth),
        )
    canvas.box(middle - 30, 9.5, middle + 30, 11.5, inside(light, (120, 84, 60)), 0.8)
    rug = inside(light, rng.choice(CLOTHS))
    canvas.ellipse(64, base + 27, 46, 9, rug)
    canvas.ellipse(64, base + 27, 38, 6.6, lighter(rug, 0.25))
    _lamp_and_plant(canvas, place, light, rng)
    left, right, top = table_top(place)
    wood = inside(light, (150, 100, 62))
    for leg in (left + 4, right - 4):
        canvas.box(leg - 1.3, top, leg + 1.3, top + 22, darker(wood, 0.15))
    canvas.box(left, top - 1.5, right, top + 2, wood, 1)
    _picture(canvas, light, rng, 14 if place.focus > 64 else 114)


def _lamp_and_plant(canvas: Canvas, place: Place, light: Light, rng: random.Random) -> None:
    """A floor lamp and a pot plant on the side away from the table."""
    base = place.horizon
    x = 116 if place.focus > 64 else 12
    shade = GLOW if light.time == "night" else inside(light, (250, 236, 200))
    canvas.box(x - 0.8, base - 34, x + 0.8, base + 8, inside(light, (90, 80, 80)))
    canvas.ellipse(x, base + 8, 6, 1.6, inside(light, (90, 80, 80)))
    canvas.polygon([(x - 9, base - 32), (x - 5.5, base - 46), (x + 5.5, base - 46), (x + 9, base - 32)], shade)
    plant = x - 22 if x > 64 else x + 22
    leaf = inside(light, (84, 150, 88))
    for dx, dy in ((-7, -17), (7, -17), (-3.5, -22), (3.5, -22), (0, -25)):
        canvas.line([(plant, base - 2), (plant + dx, base + dy + 6)], leaf, 2.4)
        canvas.disc(plant + dx, base + dy + 5, 2.8, leaf)
    canvas.polygon(
        [(plant - 5.5, base - 4), (plant + 5.5, base - 4), (plant + 4, base + 6), (plant - 4, base + 6)],
        inside(light, (214, 122, 84)),
    )


def _picture(canvas: Canvas, light: Light, rng: random.Random, x: float) -> None:
    canvas.box(x - 9, 22, x + 9, 46, inside(light, (150, 104, 66)))
    canvas.box(x - 7, 24, x + 7, 44, inside(light, (250, 246, 236)))
    colour = inside(light, rng.choice(CLOTHS))
    canvas.polygon([(x - 6, 42), (x - 1, 33), (x + 2, 38), (x + 4, 35), (x + 6, 42)], colour)
    canvas.disc(x + 3, 29, 2, inside(light, (244, 196, 84)))


def bed(place: Place) -> tuple[float, float, float]:
    """Left, right and top of the bed, in pixels."""
    left = 6.0 if place.focus > 64 else 50.0
    return left, left + 72, place.horizon + 6


def bedroom(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("indoors")
    base = place.horizon
    wall, floor, cloth = rng.choice(WALLS), rng.choice(FLOORS), rng.choice(CLOTHS)
    canvas.box(0, 0, SIZE, base, inside(light, wall))
    left, right, top = bed(place)
    side = 1 if left < 30 else -1
    window, night_stand = (98, right + 12) if side > 0 else (30, left - 12)
    if light.time == "night":
        canvas.glow(night_stand, base - 24, 56, (255, 214, 140), 0.6)
    canvas.box(0, base, SIZE, SIZE, inside(light, floor))
    for y in (base + 12, base + 26):
        canvas.box(0, y, SIZE, y + 0.7, inside(light, darker(floor, 0.12)))
    canvas.box(0, base - 3, SIZE, base, inside(light, lighter(wall, 0.5)))
    _window(canvas, place, light, window, 36, 17, 19)
    for edge in (-1, 1):
        canvas.box(window + edge * 20 - 4, 12, window + edge * 20 + 4, 60, inside(light, lighter(cloth, 0.2)), 1)
    _picture(canvas, light, rng, (left + right) / 2)
    _bed(canvas, light, (left, right, top), side, cloth)
    wood = inside(light, (150, 100, 62))
    canvas.box(night_stand - 8, base - 12, night_stand + 8, base + 10, wood, 1)
    canvas.box(night_stand - 6, base - 9, night_stand + 6, base - 2, lighter(wood, 0.15), 1)
    shade = GLOW if light.time == "night" else inside(light, (250, 236, 200))
    canvas.box(night_stand - 0.8, base - 20, night_stand + 0.8, base - 12, inside(light, (90, 80, 80)))
    canvas.polygon(
        [
            (night_stand - 7, base - 19),
            (night_stand - 4, base - 30),
            (night_stand + 4, base - 30),
            (night_stand + 7, base - 19),
        ],
        shade,
    )


def _bed(canvas: Canvas, light: Light, bed_at: tuple[float, float, float], side: int, cloth: Colour) -> None:
    """Seen from its long side; the pillow lies where the lamp stands, at the left end for side -1."""
    left, right, top = bed_at
    wood, sheet, blanket = inside(light, (140, 92, 60)), inside(light, (250, 248, 244)), inside(light, cloth)
    head = right if side > 0 else left
    foot = left if side > 0 else right
    canvas.box(left + 2, top + 22, left + 5, top + 30, wood)
    canvas.box(right - 5, top + 22, right - 2, top + 30, wood)
    canvas.box(head - 3, top - 22, head + 3, top + 26, wood, 2)
    canvas.box(foot - 2.5, top - 4, foot + 2.5, top + 26, wood, 2)
    canvas.box(left, top + 14, right, top + 24, darker(wood, 0.12), 1)
    canvas.box(left + 1, top, right - 1, top + 15, sheet, 4)
    start, end = (left + 1, right - 24) if side > 0 else (left + 24, right - 1)
    canvas.box(start, top - 2, end, top + 18, blanket, 4)
    turn = end if side > 0 else start
    canvas.box(turn - 3, top - 2, turn + 3, top + 18, lighter(blanket, 0.35), 2)
    pillow = head - side * 13
    canvas.box(pillow - 9, top - 7, pillow + 9, top + 2, lighter(sheet, 0.3), 4)


def kitchen(canvas: Canvas, place: Place, light: Light) -> None:
    rng = place.numbers("indoors")
    base = place.horizon
    cupboard = inside(
        light, rng.choice(((120, 176, 168), (232, 226, 214), (150, 176, 204), (220, 150, 120), (168, 188, 140)))
    )
    top = table_top(place)[2]
    canvas.box(0, 0, SIZE, base, inside(light, (248, 240, 226)))
    tile, seam = inside(light, (238, 244, 244)), inside(light, (206, 220, 222))
    canvas.box(0, 36, SIZE, top, tile)
    for x in range(0, SIZE, 8):
        canvas.box(x, 36, x + 0.6, top, seam)
    for y in (43, 50, 57):
        canvas.box(0, y, SIZE, y + 0.6, seam)
    left, right = (8, 74) if place.focus > 64 else (54, 120)
    window = 101 if place.focus > 64 else 27
    for x in range(left - 8, right, 24):
        canvas.box(x, 6, x + 23, 34, cupboard, 1)
        canvas.box(x + 2, 8, x + 21, 32, lighter(cupboard, 0.15), 1)
        canvas.disc(x + 19, 29, 1, inside(light, (90, 84, 84)))
    _window(canvas, place, light, window, 32, 17, 18)
    canvas.box(0, top + 3, SIZE, base, cupboard)
    for x in range(2, SIZE, 25):
        canvas.box(x, top + 7, x + 22, base - 2, lighter(cupboard, 0.15), 1)
        canvas.box(x + 8, top + 9, x + 14, top + 10.4, inside(light, (90, 84, 84)))
    canvas.box(0, top, SIZE, top + 4, inside(light, (168, 118, 78)))
    stove = left + 22
    canvas.box(stove, top + 4, stove + 30, base, inside(light, (96, 100, 110)), 1)
    canvas.box(
        stove + 4, top + 12, stove + 26, base - 4, GLOW if light.time == "night" else inside(light, (60, 64, 74)), 1
    )
    canvas.box(stove + 6, top - 9, stove + 20, top, inside(light, (206, 84, 76)), 1.5)
    canvas.box(stove + 3.5, top - 7, stove + 22.5, top - 5.6, inside(light, (80, 74, 78)))
    first, second = inside(light, (244, 238, 228)), inside(light, (196, 168, 140))
    canvas.box(0, base, SIZE, SIZE, first)
    rows = ((base, base + 7), (base + 7, base + 17), (base + 17, SIZE))
    for row, (high, low) in enumerate(rows):
        for column in range(-7, 8):
            if (column + row) % 2:
                step_high, step_low = (16 + (edge - base) * 0.55 for edge in (high, low))
                canvas.polygon(
                    [
                        (64 + column * step_high, high),
                        (64 + (column + 1) * step_high, high),
                        (64 + (column + 1) * step_low, low),
                        (64 + column * step_low, low),
                    ],
                    second,
                )
