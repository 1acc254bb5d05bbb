"""Where people live together: villages, streets and cities."""

import random

from pipelines.data.places import growing, land, sky
from pipelines.data.places.building import house, lamp, terrace, tower
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, darker, lighter, mix
from pipelines.data.places.place import Place


def village(canvas: Canvas, place: Place, light: Light) -> None:
    """Small houses on hills around a church."""
    rng = place.numbers("town")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    ground = land.grass(place)
    canvas.ground(land.rolling(rng, base - 2, 26), light.on(mix(ground, (110, 150, 150), 0.4), 0.6))
    back = land.rolling(rng, base + 2, 15)
    canvas.ground(back, light.on(darker(ground, 0.1), 0.2))
    x = rng.uniform(6, 12)
    while x < 124:
        if abs(x - place.focus) > 12:
            house(canvas, light, rng, (x, land.at(back, x) + 4), rng.uniform(13, 16), place.white)
        x += rng.uniform(17, 22)
    _church(canvas, light, place, land.at(back, place.focus) + 3)
    front = land.rolling(rng, base + 22, 10)
    for side in (-1, 1):
        x = 64 + side * rng.uniform(38, 50)
        house(canvas, light, rng, (x, land.at(front, x) + 5), rng.uniform(24, 28), place.white)
        x = 64 + side * rng.uniform(14, 20)
        growing.tree(canvas, light, rng, (x, land.at(front, x) + 2), rng.uniform(16, 22), place.season)
    canvas.ground([(x, y + 4) for x, y in front], light.on(ground))
    for _ in range(5):
        growing.tuft(canvas, light.on(darker(ground, 0.15)), rng.uniform(4, 124), rng.uniform(base + 28, 126), 1.8)


def _church(canvas: Canvas, light: Light, place: Place, foot: float) -> None:
    x, wall = place.focus, light.on((246, 240, 226))
    roof = light.on(growing.SNOW if place.white else (110, 96, 130))
    canvas.box(x - 5, foot - 24, x + 5, foot, wall)
    canvas.polygon([(x - 6, foot - 24), (x, foot - 42), (x + 6, foot - 24)], roof)
    canvas.disc(x, foot - 19, 2.2, (255, 218, 112) if light.dim else light.on((120, 140, 170)))
    canvas.box(x - 1.8, foot - 7, x + 1.8, foot, light.on((120, 80, 60)))


def street(canvas: Canvas, place: Place, light: Light) -> None:
    """A row of town houses behind a pavement and a road."""
    rng = place.numbers("town")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    left = -rng.uniform(0, 12)
    while left < SIZE:
        width = rng.uniform(22, 32)
        terrace(canvas, light, rng, left, width, base, rng.uniform(48, 66), place.white)
        left += width
    stone: Colour = (234, 240, 248) if place.white else (206, 202, 196)
    asphalt: Colour = (184, 192, 206) if place.white else (104, 108, 120)
    canvas.box(0, base, SIZE, SIZE, light.on(stone))
    canvas.box(0, base + 9, SIZE, SIZE, light.on(asphalt))
    canvas.box(0, base + 8, SIZE, base + 9.2, light.on(darker(stone, 0.25)))
    for x in range(-6 + rng.randint(0, 16), 140, 24):
        canvas.box(x, base + 20, x + 12, base + 22, light.on((250, 246, 230)))
    for x in (15 + rng.uniform(-6, 6), 113 + rng.uniform(-6, 6)):
        lamp(canvas, light, x, base + 7, 36)
    for x in (39, 64, 89):
        growing.tree(canvas, light, rng, (x + rng.uniform(-6, 6), base + 6), rng.uniform(30, 40), place.season)
    if place.season == "autumn":
        for _ in range(26):
            leaf = light.on(rng.choice(growing.LEAVES["autumn"]))
            canvas.ellipse(rng.uniform(2, 126), rng.uniform(base + 2, 126), 1.5, 0.9, leaf)
    if place.weather in ("rain", "storm"):
        for _ in range(4):
            px, py = rng.uniform(10, 118), rng.uniform(base + 13, 125)
            canvas.ellipse(px, py, rng.uniform(6, 10), 1.6, lighter(light.on(asphalt), 0.25))


def city(canvas: Canvas, place: Place, light: Light) -> None:
    """Skyscrapers behind skyscrapers above a river or a square."""
    rng = place.numbers("town")
    base = place.horizon
    sky.paint(canvas, place, light, base)
    far_colour: Colour = (120, 142, 178)
    x = -4.0
    while x < SIZE:
        width = rng.uniform(9, 15)
        tower(canvas, light, rng, x, width, base, rng.uniform(34, 62), far_colour, 0.5)
        x += width + rng.uniform(-1, 2)
    x = -rng.uniform(0, 8)
    tones: tuple[Colour, ...] = ((74, 96, 140), (92, 118, 160), (62, 82, 124), (112, 126, 156))
    while x < SIZE:
        width = rng.uniform(13, 20)
        near = 1 - abs(x + width / 2 - place.focus) / 90
        tower(
            canvas,
            light,
            rng,
            x,
            width,
            base,
            rng.uniform(20, 36) + 38 * near * rng.uniform(0.6, 1.0),
            rng.choice(tones),
            0.1,
        )
        x += width + rng.uniform(0, 4)
    quay: Colour = (232, 238, 246) if place.white else (96, 150, 104)
    for tx in range(0, 132, 9):
        canvas.disc(tx + rng.uniform(-2, 2), base, rng.uniform(3, 5), light.on(darker(quay, 0.15)))
    canvas.box(0, base, SIZE, base + 5, light.on(quay))
    if has_river(place):
        _river(canvas, light, rng, base + 5)
        return
    stone: Colour = (226, 232, 240) if place.white else (186, 184, 184)
    canvas.rows(base + 5, SIZE, (light.on(darker(stone, 0.1)), light.on(stone)))
    for row, y in enumerate((base + 9, base + 15, base + 24)):
        canvas.box(0, y, SIZE, y + 0.8, light.on(darker(stone, 0.16 + 0.02 * row)))
    for x in (14, 114):
        lamp(canvas, light, x + rng.uniform(-6, 6), base + 9, 22)


def has_river(place: Place) -> bool:
    """Whether a city lies behind a river, not behind a square."""
    return place.seed % 2 == 0


def _river(canvas: Canvas, light: Light, rng: random.Random, top: float) -> None:
    near_water, far_water = light.on((52, 116, 176)), mix(light.on((80, 140, 190)), light.sky[2], 0.35)
    canvas.rows(top, SIZE, (far_water, near_water))
    for _ in range(16):
        x, y, length = rng.uniform(0, 120), rng.uniform(top + 2, 127), rng.uniform(4, 12)
        lit = light.dim and rng.random() < 0.7
        canvas.box(x, y, x + length, y + 0.9, (226, 190, 116) if lit else lighter(near_water, 0.25), 0.4)
