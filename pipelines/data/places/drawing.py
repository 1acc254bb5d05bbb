"""Draws a place."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.data.places import beyond, fields, indoors, land, sky, town, water, wilds
from pipelines.data.places.light import Light, light
from pipelines.data.places.paint import Canvas
from pipelines.data.places.place import INDOORS, Place

Painter = Callable[[Canvas, Place, Light], None]

PAINTERS: dict[str, Painter] = {
    "mountains": land.mountains,
    "hill": land.hill,
    "meadow": fields.meadow,
    "farm": fields.farm,
    "forest": wilds.forest,
    "park": fields.park,
    "garden": fields.garden,
    "lake": water.lake,
    "river": water.river,
    "waterfall": water.waterfall,
    "sea": water.sea,
    "beach": water.beach,
    "island": water.island,
    "desert": wilds.desert,
    "snow": wilds.snow,
    "volcano": wilds.volcano,
    "road": fields.road,
    "village": town.village,
    "street": town.street,
    "city": town.city,
    "sky": beyond.open_sky,
    "space": beyond.space,
    "underwater": beyond.underwater,
    "room": indoors.room,
    "bedroom": indoors.bedroom,
    "kitchen": indoors.kitchen,
}


def draw(place: Place, scale: int = 1) -> NDArray[np.uint8]:
    """The place as uint8 of shape (128 * scale, 128 * scale, 3), the same picture at every scale."""
    canvas, falls = Canvas(scale), light(place.time, place.weather)
    PAINTERS[place.kind](canvas, place, falls)
    if place.kind not in INDOORS:
        sky.falling(canvas, place, falls)
    return canvas.shown()
