"""Which judge reads which scene: shapes the exact parser, anything with a subject in it the nearest neighbour."""

import numpy as np
from numpy.typing import NDArray

from pipelines.data import scene_parser
from pipelines.data.scenes import Scene, is_shape
from pipelines.evaluation import subject_judge


def verdict(picture: NDArray[np.uint8], wanted: Scene) -> dict[str, bool]:
    """What of the wanted scene is right in the picture, uint8 (SIZE, SIZE, 3), and `all` of it."""
    if all(is_shape(thing.noun) for thing in wanted.things) and not wanted.style:
        return scene_parser.agrees(picture, wanted)
    return subject_judge.judge(picture, wanted)


def right(picture: NDArray[np.uint8], wanted: Scene) -> bool:
    return verdict(picture, wanted)["all"]
