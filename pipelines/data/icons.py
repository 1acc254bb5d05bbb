"""Ten of the subjects at 32 x 32 on coloured ground: a picture set that small models of every family can learn.

All pictures are drawn from fixed seeds, so that the split into training and held-out ones is exact and nothing but the
sheet of subjects needs to be shipped.
"""

import random
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipelines.data import subjects

SIDE = 32
LEVELS = 32
"""Five bits a colour, as in Glow (arXiv:1807.03039): with all eight, half of a likelihood would be about noise."""
CLASSES = ("panda", "fox", "frog", "chick", "apple", "strawberry", "sunflower", "fire", "smiley", "rocket")
GROUNDS = ("#f7d6d0", "#fcecc5", "#d6ecce", "#cbe8ec", "#cdd8f5", "#e4d2f0", "#ececec")
"""Pastel, so that no subject drowns in its ground."""
TRAINING, HELD_OUT = 10_000, 2_000
OVERSAMPLED = 4
SEED = 32_000


def training() -> tuple[Tensor, Tensor]:
    """(10000, 3, 32, 32) float32 in [-1, 1], and labels (10000,) from 0 to 9."""
    return _drawn(0, TRAINING)


def held_out() -> tuple[Tensor, Tensor]:
    """2,000 more, drawn from other seeds."""
    return _drawn(TRAINING, HELD_OUT)


@cache
def _drawn(start: int, count: int) -> tuple[Tensor, Tensor]:
    pictures = np.stack([draw(start + i) for i in range(count)])
    levels = torch.from_numpy(pictures).permute(0, 3, 1, 2) // (256 // LEVELS)
    return levels.float().div_((LEVELS - 1) / 2).sub_(1), torch.arange(start, start + count) % len(CLASSES)


def draw(index: int) -> np.ndarray:
    """The picture of that index, uint8 (32, 32, 3); its class is the index's last digit."""
    dice = random.Random(SEED + index)
    side = SIDE * OVERSAMPLED
    picture = Image.new("RGB", (side, side), dice.choice(GROUNDS))
    radius = side * dice.uniform(0.36, 0.47)
    reach = side / 2 - radius
    x, y = (side / 2 + dice.uniform(-reach, reach) for _ in range(2))
    subjects.paste(picture, CLASSES[index % len(CLASSES)], x, y, radius)
    if dice.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(picture.reduce(OVERSAMPLED))
