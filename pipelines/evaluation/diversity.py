"""How different pictures of one prompt with different seeds are, next to different drawings of its sentence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.evaluation import composed_prompts

GRID = 16


def spread(pictures: NDArray[np.uint8]) -> float:
    """The mean distance between two pictures of the same prompt, each as GRID x GRID colours in [0, 1].

    (N, S, S, 3), composed_prompts.SEEDS of the same prompt one after the other.
    """
    seeds = composed_prompts.SEEDS
    n, side = pictures.shape[:2]
    cells = pictures.reshape(n, GRID, side // GRID, GRID, side // GRID, 3).mean(axis=(2, 4)) / 255
    same = cells.reshape(n // seeds, seeds, -1)
    apart = np.linalg.norm(same[:, :, None] - same[:, None, :], axis=-1)  # (prompts, seeds, seeds)
    return float(apart.sum() / (len(same) * seeds * (seeds - 1)))


def share(pictures: NDArray[np.uint8], drawn: Sequence[NDArray[np.uint8]]) -> float:
    """1 where the pictures differ as much as the data's do."""
    return spread(pictures) / spread(np.stack(drawn))
