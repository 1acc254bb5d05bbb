"""What grows: firs, round trees, palms, cacti, bushes, flowers and grass, each from its foot up."""

import random

from pipelines.data.places.light import Light
from pipelines.data.places.paint import Canvas, Colour, darker, lighter, mix

TRUNK: Colour = (118, 78, 48)
SNOW: Colour = (240, 246, 253)
LEAVES: dict[str, tuple[Colour, ...]] = {
    "": ((66, 150, 76), (88, 168, 80), (52, 132, 80)),
    "spring": ((250, 176, 200), (246, 196, 214), (240, 154, 186)),
    "autumn": ((236, 128, 40), (214, 82, 44), (242, 172, 52)),
    "winter": ((222, 234, 246), (236, 244, 251), (208, 224, 240)),
}
FLOWERS: tuple[Colour, ...] = (
    (240, 78, 92), (252, 208, 66), (250, 142, 188), (255, 255, 255), (160, 108, 216), (250, 150, 58),
)  # fmt: skip


def fir(
    canvas: Canvas, light: Light, x: float, foot: float, height: float, white: bool = False, far: float = 0.0
) -> None:
    green, shade = light.on((44, 118, 84), far), light.on((34, 98, 74), far)
    half = height * 0.27
    canvas.box(x - height * 0.04, foot - height * 0.16, x + height * 0.04, foot, light.on(TRUNK, far))
    for step, (low, wide) in enumerate(((0.1, 1.0), (0.36, 0.8), (0.6, 0.58))):
        bottom, top = foot - height * low, foot - height * (low + 0.42)
        reach = half * wide
        canvas.polygon([(x - reach, bottom), (x, top), (x + reach, bottom)], green if step % 2 == 0 else shade)
        if white:
            cap = bottom - (bottom - top) * 0.45
            canvas.polygon([(x - reach * 0.55, cap), (x, top), (x + reach * 0.55, cap), (x, cap - 1)], light.on(SNOW))


def tree(
    canvas: Canvas,
    light: Light,
    rng: random.Random,
    foot: tuple[float, float],
    height: float,
    season: str = "",
    far: float = 0.0,
) -> None:
    """A round crown on a trunk; in spring in blossom, in autumn orange, in winter white."""
    x, y = foot
    colour = rng.choice(LEAVES[season])
    leaf = light.on(colour, far)
    width = height * 0.05
    canvas.polygon(
        [
            (x - width * 1.3, y),
            (x - width * 0.7, y - height * 0.6),
            (x + width * 0.7, y - height * 0.6),
            (x + width * 1.3, y),
        ],
        light.on(TRUNK, far),
    )
    crown = y - height * 0.66
    radius = height * 0.27
    for dx, dy, size in ((-0.55, 0.25, 0.72), (0.55, 0.25, 0.72), (0.0, -0.2, 1.0)):
        canvas.disc(x + dx * radius, crown + dy * radius, size * radius, leaf)
    bright = light.on(lighter(colour, 0.18), far)
    canvas.disc(x - 0.25 * radius, crown - 0.42 * radius, 0.52 * radius, bright)


def palm(canvas: Canvas, light: Light, x: float, foot: float, height: float, lean: float) -> None:
    """`lean` is how far the top stands to the right of the foot."""
    width = max(1.0, height * 0.045)
    spine = [(x + lean * t * t, foot - height * t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    canvas.line(spine, light.on((150, 104, 64)), 2 * width)
    top_x, top_y = spine[-1]
    green, shade = light.on((56, 158, 84)), light.on((40, 128, 76))
    for index, (dx, dy) in enumerate(
        ((-1, 0.28), (1, 0.28), (-0.92, -0.22), (0.92, -0.22), (-0.35, 0.62), (0.4, 0.62))
    ):
        length = height * 0.42
        tip = (top_x + dx * length, top_y + dy * length)
        middle = (top_x + dx * length * 0.5, top_y + dy * length * 0.4 - length * 0.3)
        under = (top_x + dx * length * 0.5, top_y + dy * length * 0.4 - length * 0.02)
        canvas.polygon([(top_x, top_y), middle, tip, under], green if index % 2 else shade)
    for dx in (-0.04, 0.05):
        canvas.disc(top_x + dx * height, top_y + height * 0.05, height * 0.04, light.on((120, 76, 46)))


def cactus(canvas: Canvas, light: Light, x: float, foot: float, height: float) -> None:
    green, width = light.on((62, 142, 88)), height * 0.11
    canvas.box(x - width, foot - height, x + width, foot, green, width)
    for side, low, high in ((-1, 0.35, 0.72), (1, 0.5, 0.86)):
        arm = x + side * height * 0.3
        canvas.box(
            min(x, arm), foot - height * low - width, max(x, arm), foot - height * low + width * 0.6, green, width * 0.7
        )
        canvas.box(
            arm - width * 0.8,
            foot - height * high,
            arm + width * 0.8,
            foot - height * low + width * 0.6,
            green,
            width * 0.8,
        )


def bush(
    canvas: Canvas, light: Light, rng: random.Random, foot: tuple[float, float], size: float, season: str = ""
) -> None:
    x, y = foot
    leaf = darker(light.on(rng.choice(LEAVES[season])), 0.1)
    for dx, radius in ((-0.6, 0.5), (0.6, 0.5), (0.0, 0.68)):
        canvas.disc(x + dx * size, y - radius * size * 0.7, radius * size, leaf)


def flower(canvas: Canvas, colour: Colour, stem: Colour, x: float, foot: float, height: float) -> None:
    canvas.line([(x, foot), (x, foot - height)], stem, max(0.5, height * 0.12))
    radius = height * 0.3
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        canvas.disc(x + dx * radius * 0.75, foot - height + dy * radius * 0.75, radius * 0.75, colour)
    canvas.disc(x, foot - height, radius * 0.5, mix(colour, (255, 226, 110), 0.75))


def tuft(canvas: Canvas, colour: Colour, x: float, foot: float, size: float) -> None:
    canvas.polygon(
        [(x - size, foot - size * 0.9), (x - size * 0.35, foot), (x + size * 0.35, foot), (x + size, foot - size * 0.9),
         (x + size * 0.2, foot - size * 0.35), (x, foot - size * 1.3), (x - size * 0.2, foot - size * 0.35)],
        colour,
    )  # fmt: skip
