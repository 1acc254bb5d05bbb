"""Handwritten digits of 8 x 8 pixels and 17 levels: real data, small enough to train on while a class watches."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FILE = Path(__file__).parents[2] / "assets" / "data" / "digits" / "digits.npz"
SIDE = 8
LEVELS = 17
CLASSES = 10
HELD_OUT_ONE_IN = 6


@cache
def load() -> tuple[Tensor, Tensor]:
    """All pictures, (1797, 64) float32 in [-1, 1], and their labels, (1797,) from 0 to 9."""
    with np.load(FILE, allow_pickle=False) as packed:
        pictures, labels = packed["images"], packed["labels"]
    levels = torch.from_numpy(pictures.reshape(len(pictures), -1)).float()
    return levels / ((LEVELS - 1) / 2) - 1, torch.from_numpy(labels).long()


def training() -> tuple[Tensor, Tensor]:
    """Five of six, for training."""
    pictures, labels = load()
    kept = torch.arange(len(labels)) % HELD_OUT_ONE_IN != 0
    return pictures[kept], labels[kept]


def held_out() -> tuple[Tensor, Tensor]:
    """Every sixth, which nothing is trained on."""
    pictures, labels = load()
    return pictures[::HELD_OUT_ONE_IN], labels[::HELD_OUT_ONE_IN]
