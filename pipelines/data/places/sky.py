"""The sky of every place under it: sun, moon, stars, clouds, rainbow, and what falls out of it."""

import math
import random

import numpy as np
from PIL import Image

from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, Point, lighter, mix
from pipelines.data.places.place import Place

RAINBOW: tuple[Colour, ...] = (
    (232, 84, 88), (246, 156, 72), (250, 220, 96), (104, 196, 110), (84, 148, 230), (146, 104, 206),
)  # fmt: skip
CLOUDS: dict[str, tuple[Colour, Colour]] = {
    # bright and shaded, by time or weather
    "day": ((255, 255, 255), (226, 238, 248)),
    "sunrise": ((255, 240, 232), (250, 196, 196)),
    "sunset": ((255, 170, 130), (176, 78, 112)),
    "night": ((66, 82, 132), (44, 58, 104)),
    "cloudy": ((236, 241, 246), (200, 212, 224)),
    "rain": ((158, 172, 188), (122, 138, 156)),
    "snow": ((238, 243, 249), (206, 218, 232)),
    "storm": ((84, 84, 112), (54, 54, 80)),
}
WET = ("rain", "storm")


def paint(canvas: Canvas, place: Place, light: Light, low: float) -> None:
    """The sky down to y = `low`, with all that stands in it."""
    rng = place.numbers("sky")
    canvas.rows(0, low, light.sky)
    if low < SIZE:
        canvas.box(0, low, SIZE, SIZE, light.sky[2])
    if place.weather == "rainbow":
        _rainbow(canvas, place, light, low)
    if place.time == "night":
        _night(canvas, place, rng, low)
    elif place.weather in ("clear", "rainbow", "cloudy"):
        _sun(canvas, place, low)
    if place.weather == "storm":
        _lightning(canvas, place, rng, low)
    _clouds(canvas, place, light, rng, low)
    if place.time != "night" and place.weather == "clear" and rng.random() < 0.35:
        _birds(canvas, light, rng, low)


def sun_height(place: Place, low: float) -> float:
    """The y of the sun's centre."""
    if place.time == "day":
        return low * 0.24
    return low - 7 if place.kind in ("sea", "beach", "island", "desert", "lake") else low * 0.62


def _sun(canvas: Canvas, place: Place, low: float) -> None:
    x, y = place.light_x, sun_height(place, low)
    if place.weather == "rainbow":  # it stands opposite the sun
        x = min(x, 26.0) if x < SIZE / 2 else max(x, 102.0)
    if place.weather == "cloudy" and place.time == "day":
        return
    radius, colour, halo = {
        "day": (9.0, (255, 226, 92), (255, 246, 190)),
        "sunrise": (11.0, (255, 246, 176), (255, 236, 190)),
        "sunset": (15.0, (255, 116, 62), (255, 196, 96)),
    }[place.time]
    canvas.glow(x, y, radius * 3.6, halo, 0.8)
    canvas.disc(x, y, radius, colour)


def _night(canvas: Canvas, place: Place, rng: random.Random, low: float) -> None:
    if place.weather not in ("clear", "aurora"):
        return
    if place.weather == "aurora":
        _aurora(canvas, rng, low)
    _stars(canvas, rng, low, rng.randint(34, 54))
    x, y = place.light_x, min(low, 90) * 0.26
    if place.moon:
        canvas.glow(x, y, 34, (170, 190, 240), 0.45)
    if place.moon == "crescent":
        canvas.polygon([*arc(x, y, 10, 60, 300, 24), *arc(x + 4.5, y, 8.7, 273, 87, 20)], (252, 246, 216))
    elif place.moon:
        canvas.disc(x, y, 10, (252, 246, 216))
        for dx, dy, size in ((-3, -3, 2.2), (3, 2, 1.8), (-2, 4.5, 1.3)):
            canvas.disc(x + dx, y + dy, size, (232, 222, 184))


def _aurora(canvas: Canvas, rng: random.Random, low: float) -> None:
    """Curtains of green light with violet fringes, brightest at their lower edge."""
    high = min(low, 90.0)
    x = np.linspace(0, 1, 64)[None, :]
    y = np.linspace(0, 1, 48)[:, None] * high
    for colour, lift, tall, strength in (((150, 90, 220), 0.34, 0.3, 0.55), ((70, 236, 160), 0.5, 0.34, 0.85)):
        curtains = np.zeros((48, 64))
        for turn in (0.0, 2.1):
            first, second = rng.uniform(0, 6.28), rng.uniform(0, 6.28)
            edge = high * (lift + 0.12 * np.sin(5 * x + first + turn) + 0.05 * np.sin(11 * x + second) + 0.05 * turn)
            fold = 0.62 + 0.38 * np.sin(17 * x + second + turn)
            above, below = np.exp((y - edge) / (high * tall)), np.exp((edge - y) / (high * 0.05))
            curtains = np.maximum(curtains, np.where(y < edge, above, below) * fold)
        mask = Image.fromarray((np.clip(curtains, 0, 1) * 255 * strength).astype(np.uint8))
        canvas.blend(mask, colour, 0, high)


def _stars(canvas: Canvas, rng: random.Random, low: float, count: int) -> None:
    for index in range(count):
        x, y = rng.uniform(1, 127), rng.uniform(1, low - 4)
        if index < 5:
            _sparkle(canvas, x, y, rng.uniform(2.0, 3.0))
        else:
            canvas.disc(x, y, rng.uniform(0.45, 0.9), (255, 255, 240) if index % 3 else (206, 220, 255))


def _sparkle(canvas: Canvas, x: float, y: float, size: float) -> None:
    waist = size * 0.26
    canvas.polygon(
        [(x, y - size), (x + waist, y - waist), (x + size, y), (x + waist, y + waist),
         (x, y + size), (x - waist, y + waist), (x - size, y), (x - waist, y - waist)],
        (255, 252, 224),
    )  # fmt: skip


def _clouds(canvas: Canvas, place: Place, light: Light, rng: random.Random, low: float) -> None:
    high = min(low, 92)
    if place.weather in ("clear", "rainbow", "aurora"):
        if place.time == "night" and place.kind != "sky":
            return
        bright, shade = CLOUDS[place.time]
        count = rng.randint(4, 6) if place.kind == "sky" else rng.randint(1, 3)
        for _ in range(count):
            deep = low * 0.9 if place.kind == "sky" else high * 0.5
            _cloud(canvas, rng, rng.uniform(4, 124), rng.uniform(10, deep), rng.uniform(9, 17), bright, shade)
        return
    if place.weather == "fog":
        return
    bright, shade = CLOUDS[place.weather if place.time == "day" else "night"]
    if place.time in ("sunrise", "sunset"):
        bright, shade = CLOUDS[place.time]
    elif place.time == "night" and place.weather == "storm":
        bright, shade = (58, 58, 84), (38, 38, 62)
    rows = 4 if place.kind == "sky" else 2
    for row in range(rows):
        y = 6 + row * (low * 0.9 if place.kind == "sky" else high * 0.44) / rows
        step = 24 if place.weather != "cloudy" else 34
        offset = rng.uniform(-10, 10)
        for x in range(0, 150, step):
            jitter = rng.uniform(-5, 5)
            size = rng.uniform(15, 23) if place.weather != "cloudy" else rng.uniform(13, 19)
            tone = mix(bright, shade, 0.5 if row % 2 == 0 else 0.0)
            _cloud(canvas, rng, x + offset + row * step / 2, y + jitter, size, tone, mix(tone, shade, 0.7))


def _cloud(canvas: Canvas, rng: random.Random, x: float, y: float, size: float, bright: Colour, shade: Colour) -> None:
    """Puffs on a flat foot; `size` is half the width."""
    puffs = [(0.0, -0.28, 0.46), (-0.42, -0.12, 0.32), (0.42, -0.14, 0.34)]
    puffs = [(px + rng.uniform(-0.08, 0.08), py + rng.uniform(-0.05, 0.05), pr) for px, py, pr in puffs]
    canvas.box(x - size, y - size * 0.16, x + size, y + size * 0.18, shade, size * 0.17)
    for px, py, pr in puffs:
        canvas.disc(x + px * size, y + py * size, pr * size, bright)
    canvas.box(x - size * 0.9, y - size * 0.2, x + size * 0.9, y + size * 0.06, bright, size * 0.13)


def _rainbow(canvas: Canvas, place: Place, light: Light, low: float) -> None:
    x = SIZE - place.light_x
    y, radius = (low if low < SIZE else 112.0), min(low, 104) * 0.82
    inside = light.sky[2]
    for index, colour in enumerate(RAINBOW):
        canvas.disc(x, y, radius - 2.6 * index, mix(colour, light.sky[1], 0.18))
    hole = radius - 2.6 * len(RAINBOW)
    canvas.disc(x, y, hole, mix(inside, light.sky[1], 0.35))
    if low < SIZE:
        canvas.box(0, low, SIZE, SIZE, light.sky[2])


def _lightning(canvas: Canvas, place: Place, rng: random.Random, low: float) -> None:
    x, high = place.light_x, min(low, 84.0)
    canvas.glow(x, high * 0.5, 46, (190, 190, 240), 0.55)
    top, bend, tip, lean = high * 0.2, high * 0.5, high * 0.88, rng.uniform(5, 9) * rng.choice((-1, 1))
    bolt = [
        (x - 3, top),
        (x + 4, top),
        (x + lean * 0.3, bend - 6),
        (x + lean + 3, bend - 6),
        (x - lean * 0.3, tip),
        (x - lean * 0.1, bend + 2),
        (x - lean - 1, bend + 2),
    ]
    canvas.polygon(bolt, (255, 240, 150))


def _birds(canvas: Canvas, light: Light, rng: random.Random, low: float) -> None:
    x, y = rng.uniform(20, 100), rng.uniform(14, min(low, 90) * 0.5)
    colour = light.on((70, 80, 100))
    for _ in range(rng.randint(2, 4)):
        bx, by, size = x + rng.uniform(-12, 12), y + rng.uniform(-7, 7), rng.uniform(1.8, 2.8)
        canvas.line([(bx - size, by - size * 0.5), (bx, by), (bx + size, by - size * 0.5)], colour, 0.7)


def falling(canvas: Canvas, place: Place, light: Light) -> None:
    """What comes down in front of everything: rain, flakes, fog."""
    rng = place.numbers("falling")
    if place.weather in WET:
        colour = lighter(light.sky[2], 0.35) if place.time == "day" else (136, 150, 190)
        slant = 0.28 if place.weather == "rain" else 0.55
        for _ in range(58):
            x, y, length = rng.uniform(-4, 132), rng.uniform(-6, 126), rng.uniform(5, 9)
            canvas.line([(x, y), (x - slant * length, y + length)], colour, 0.5)
    elif place.weather == "snow":
        colour = (255, 255, 255) if place.time == "day" else (214, 224, 246)
        for _ in range(80):
            canvas.disc(rng.uniform(0, 128), rng.uniform(0, 128), rng.uniform(0.7, 1.7), colour)
    elif place.weather == "fog":
        middle = min(place.horizon, 92)
        canvas.veil(0, middle, light.sky[1], 0.15, 0.62)
        canvas.veil(middle, SIZE, light.sky[1], 0.62, 0.25)


def arc(x: float, y: float, radius: float, first: float, last: float, count: int = 12) -> list[Point]:
    """Points on a circle from angle to angle, in degrees, 0 to the right and 90 down."""
    angles = [math.radians(first + (last - first) * i / (count - 1)) for i in range(count)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
