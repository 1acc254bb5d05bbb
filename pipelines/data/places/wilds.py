"""Wild land: forests, deserts, snowfields and volcanoes."""

from pipelines.data.places import growing, sky
from pipelines.data.places.growing import SNOW
from pipelines.data.places.land import at, rolling
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, darker, lighter
from pipelines.data.places.place import Place


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
