"""Land that people keep: meadows, farms, parks, gardens and roads."""

import math

from pipelines.data.places import growing, sky
from pipelines.data.places.building import barn, bench, fence, lamp
from pipelines.data.places.land import grass, rolling
from pipelines.data.places.light import Light
from pipelines.data.places.paint import SIZE, Canvas, Colour, darker, lighter, mix
from pipelines.data.places.place import Place


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
