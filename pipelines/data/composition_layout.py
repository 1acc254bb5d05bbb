"""What stands where in a composition, cell by cell: the names that a network's middle is asked for while it trains."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.data import composing, compositions, drawings, scenes
from pipelines.data.compositions import Composition, Figure
from pipelines.data.places import KINDS, TIMES, WEATHERS

CELLS = 8
"""To a side, as the latents."""
OWN = "own"
"""The colour of a subject as its artist drew it."""


@cache
def nouns() -> dict[str, int]:
    """Class of each shape, subject and kind of place; 0 is a plain ground."""
    names = (
        "",
        *(f"shape {shape}" for shape in scenes.SHAPES),
        *drawings.names(),
        *(f"place {kind}" for kind in KINDS),
    )
    return {name: i for i, name in enumerate(names)}


@cache
def colours() -> dict[str, int]:
    """Class of each colour, and of each time and weather of a place; 0 stands for a subject's own colours."""
    names = (OWN, *composing.COLOURS, *(f"{time} {weather}" for time in TIMES for weather in WEATHERS))
    return {name: i for i, name in enumerate(names)}


def of_composition(made: Composition) -> NDArray[np.int64]:
    """Noun and colour of every cell, (2, CELLS, CELLS); a figure fills the box around it, at least its own cell."""
    cell = compositions.SIZE / CELLS
    centres = (np.arange(CELLS) + 0.5) * cell
    cells = np.empty((2, CELLS, CELLS), np.int64)
    place = made.place
    cells[0] = nouns()[f"place {place.kind}"] if place else 0
    cells[1] = colours()[f"{place.time} {place.weather}" if place else str(made.ground)]
    for figure in made.figures if place else reversed(made.figures):  # what comes first lies above on a plain ground
        x, y, wide, high = _box(figure)
        columns = np.abs(centres - x) <= max(wide, cell / 2)
        rows = np.abs(centres - y) <= max(high, cell / 2)
        noun = f"shape {figure.noun}" if figure.is_shape else figure.noun
        cells[:, rows[:, None] & columns] = [[nouns()[noun]], [colours()[figure.colour or OWN]]]
    return cells


def _box(figure: Figure) -> tuple[float, float, float, float]:
    """Centre, and half of width and height, in pixels."""
    across, down = (1.0, 1.0) if figure.is_shape else drawings.aspect(figure.noun, figure.artist)
    if figure.spot is None:
        return figure.x, figure.y, figure.radius * across, figure.radius * down
    longest = figure.spot.high(figure.size) / 2
    return figure.spot.x, figure.spot.foot - longest * down, longest * across, longest * down
