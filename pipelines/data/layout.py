"""What stands where in a scene, cell by cell: the names that a network's middle can be asked for while it trains."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.data import scenes, subjects
from pipelines.data.scenes import Scene

CELLS = 8
"""To a side, as the embedded model's latents."""


@cache
def nouns() -> dict[str, int]:
    """Class of each shape and subject; 0 is the background."""
    return {noun: i for i, noun in enumerate(("", *scenes.SHAPES, *subjects.names()))}


@cache
def colours() -> dict[str, int]:
    """Class of each colour; 0 stands for a subject's own."""
    return {colour: i for i, colour in enumerate(("", *scenes.COLOURS))}


def of_scene(scene: Scene) -> NDArray[np.int64]:
    """Noun and colour of every cell, (2, CELLS, CELLS); a thing fills the square around it, at least its own cell."""
    cell = scenes.SIZE / CELLS
    centres = (np.arange(CELLS) + 0.5) * cell
    made = np.empty((2, CELLS, CELLS), np.int64)
    made[0], made[1] = 0, colours()[scene.background]
    for thing in reversed(scene.things):  # the first lies over the second
        reach = max(thing.radius, cell / 2)
        rows, columns = abs(centres - thing.y) <= reach, abs(centres - thing.x) <= reach
        made[:, rows[:, None] & columns] = [[nouns()[thing.noun]], [colours()[thing.colour]]]
    return made
