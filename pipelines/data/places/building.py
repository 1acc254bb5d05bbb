"""What people build: houses, barns, towers, fences, lamps and benches, each from its foot up."""

import random

from pipelines.data.places.light import Light
from pipelines.data.places.paint import Canvas, Colour, darker, lighter

LIT: Colour = (255, 218, 112)
GLASS: Colour = (152, 204, 232)
SNOW: Colour = (240, 246, 253)
WALLS: tuple[Colour, ...] = (
    (244, 214, 168), (236, 168, 136), (240, 232, 216), (168, 200, 214), (238, 196, 112), (196, 216, 176),
    (226, 150, 150),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = ((200, 84, 66), (164, 88, 70), (92, 104, 140), (134, 78, 84))


def window_colour(light: Light, rng: random.Random, share: float = 0.75) -> Colour:
    """Lit when it is dim outside, most of them."""
    if light.dim:
        return LIT if rng.random() < share else darker(light.on(GLASS), 0.35)
    return light.on(GLASS)


def house(
    canvas: Canvas, light: Light, rng: random.Random, foot: tuple[float, float], width: float, white: bool
) -> None:
    """A small house with a gable, a door and two windows."""
    x, y = foot
    height, half = width * 0.62, width / 2
    wall, roof = light.on(rng.choice(WALLS)), light.on(SNOW if white else rng.choice(ROOFS))
    canvas.box(x + half * 0.42, y - height - width * 0.44, x + half * 0.66, y - height, darker(wall, 0.25))
    canvas.box(x - half, y - height, x + half, y, wall)
    canvas.polygon([(x - half * 1.2, y - height), (x, y - height - width * 0.5), (x + half * 1.2, y - height)], roof)
    canvas.box(
        x - width * 0.09,
        y - height * 0.55,
        x + width * 0.09,
        y,
        darker(roof, 0.3) if not white else light.on((140, 88, 70)),
    )
    for side in (-1, 1):
        middle = x + side * half * 0.58
        canvas.box(
            middle - width * 0.09,
            y - height * 0.78,
            middle + width * 0.09,
            y - height * 0.42,
            window_colour(light, rng),
        )


def terrace(
    canvas: Canvas, light: Light, rng: random.Random, left: float, width: float, foot: float, height: float, white: bool
) -> None:
    """A tall town house in a row: three floors of windows, a shop below."""
    wall = light.on(rng.choice(WALLS))
    top = foot - height
    roof = light.on(rng.choice(ROOFS))
    if rng.random() < 0.5:
        canvas.polygon(
            [(left, top), (left + width / 2, top - width * 0.42), (left + width, top)],
            light.on(SNOW) if white else roof,
        )
    else:
        canvas.box(left - 0.5, top - 4, left + width + 0.5, top, light.on(SNOW) if white else roof)
    canvas.box(left, top, left + width, foot, wall)
    columns = 2 if width < 26 else 3
    pane = width / (columns * 2 + 1)
    for floor in range(int((height - 20) // 14)):
        y = top + 5 + floor * 14
        for column in range(columns):
            x = left + pane * (2 * column + 1)
            canvas.box(x - 0.7, y - 0.7, x + pane + 0.7, y + 8.7, lighter(wall, 0.35))
            canvas.box(x, y, x + pane, y + 8, window_colour(light, rng))
    awning = light.on(rng.choice(((214, 78, 74), (64, 138, 120), (72, 108, 176), (232, 160, 66))))
    canvas.box(left + 2, foot - 13, left + width - 2, foot, darker(wall, 0.3))
    canvas.box(left + 3.5, foot - 10, left + width * 0.62, foot - 2, window_colour(light, rng, 0.9))
    canvas.box(left + width * 0.68, foot - 10, left + width - 4, foot, darker(awning, 0.25))
    canvas.box(left + 1, foot - 15, left + width - 1, foot - 10.5, awning)


def tower(
    canvas: Canvas,
    light: Light,
    rng: random.Random,
    left: float,
    width: float,
    foot: float,
    height: float,
    colour: Colour,
    far: float,
) -> None:
    """A skyscraper with rows of windows."""
    top = foot - height
    wall = light.on(colour, far)
    if rng.random() < 0.35:
        canvas.line([(left + width / 2, top), (left + width / 2, top - 8)], wall, 0.9)
    if rng.random() < 0.35:
        canvas.box(left + width * 0.22, top - 4, left + width * 0.78, top, wall)
    canvas.box(left, top, left + width, foot, wall)
    if far > 0.4 and not light.dim:
        return
    pane = lighter(wall, 0.3)
    step = 4.2
    for row in range(int((height - 4) / 5)):
        for column in range(int((width - 1.5) / step)):
            lit = light.dim and rng.random() < (0.62 if far < 0.4 else 0.35) * (0.6 if light.time == "sunset" else 1.0)
            if light.dim and not lit:
                continue
            x, y = left + 1.8 + column * step, top + 3 + row * 5
            canvas.box(x, y, x + 2.2, y + 2.6, LIT if lit else pane)


def barn(canvas: Canvas, light: Light, x: float, foot: float, width: float) -> None:
    red, roof, trim = light.on((200, 66, 56)), light.on((120, 70, 66)), light.on((252, 246, 238))
    half, wall = width / 2, width * 0.5
    top = foot - wall
    silo = x + half + width * 0.14
    canvas.box(silo - width * 0.12, foot - width * 0.86, silo + width * 0.12, foot, light.on((196, 202, 210)))
    canvas.ellipse(silo, foot - width * 0.86, width * 0.12, width * 0.1, light.on((150, 160, 176)))
    canvas.polygon(
        [
            (x - half, foot),
            (x - half, top),
            (x - half * 0.62, top - width * 0.24),
            (x, top - width * 0.36),
            (x + half * 0.62, top - width * 0.24),
            (x + half, top),
            (x + half, foot),
        ],
        red,
    )
    canvas.line(
        [
            (x - half * 1.08, top + 1),
            (x - half * 0.64, top - width * 0.25),
            (x, top - width * 0.38),
            (x + half * 0.64, top - width * 0.25),
            (x + half * 1.08, top + 1),
        ],
        roof,
        2.2,
    )
    door = width * 0.17
    canvas.box(x - door, foot - wall * 0.72, x + door, foot, trim)
    canvas.box(x - door + 1, foot - wall * 0.72 + 1, x + door - 1, foot, darker(red, 0.2))
    canvas.line([(x - door + 1, foot - wall * 0.7), (x + door - 1, foot)], trim, 0.9)
    canvas.line([(x + door - 1, foot - wall * 0.7), (x - door + 1, foot)], trim, 0.9)
    canvas.box(x - 2.2, top - width * 0.16, x + 2.2, top - width * 0.03, LIT if light.dim else trim)


def fence(canvas: Canvas, colour: Colour, foot: float, height: float, pickets: int) -> None:
    """Across the whole width; with pickets it is a garden's, without a field's."""
    for rail in (0.35, 0.75):
        canvas.box(0, foot - height * rail - 0.7, 128, foot - height * rail + 0.7, colour)
    step = 7 if pickets else 16
    for x in range(2, 130, step):
        half = 1.9 if pickets else 1.1
        canvas.polygon(
            [
                (x - half, foot),
                (x - half, foot - height + half),
                (x, foot - height - half * 0.4),
                (x + half, foot - height + half),
                (x + half, foot),
            ],
            colour,
        )


def lamp(canvas: Canvas, light: Light, x: float, foot: float, height: float) -> None:
    iron = light.on((64, 68, 82))
    canvas.box(x - 0.8, foot - height, x + 0.8, foot, iron)
    canvas.box(x - 2.2, foot - 2.5, x + 2.2, foot, iron)
    if light.dim:
        canvas.glow(x, foot - height, 20, (255, 214, 120), 0.7)
    canvas.polygon(
        [
            (x - 2, foot - height + 3),
            (x - 3.2, foot - height - 4),
            (x + 3.2, foot - height - 4),
            (x + 2, foot - height + 3),
        ],
        LIT if light.dim else light.on((250, 240, 206)),
    )
    canvas.polygon([(x - 4, foot - height - 4), (x, foot - height - 7.5), (x + 4, foot - height - 4)], iron)


def bench(canvas: Canvas, light: Light, x: float, foot: float, width: float) -> None:
    wood, iron, half = light.on((160, 104, 62)), light.on((70, 72, 84)), width / 2
    for side in (-0.75, 0.75):
        canvas.box(x + side * half - 0.8, foot - 5, x + side * half + 0.8, foot, iron)
    canvas.box(x - half, foot - 6.2, x + half, foot - 4.2, wood)
    canvas.box(x - half, foot - 11, x + half, foot - 9, wood)
    canvas.box(x - half, foot - 8.4, x + half, foot - 7, wood)
