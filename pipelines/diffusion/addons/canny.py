"""Edges after Canny (1986): the gradient's ridges, thin, kept where strong or joined to what is strong."""

import numpy as np
from numpy.typing import NDArray

LUMA = np.array([0.299, 0.587, 0.114])
NEIGHBOURS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
STEPS = np.array([(0, 1), (1, 1), (1, 0), (1, -1)])
"""Across an edge, as (down, right), by the gradient's angle in eighths of a turn."""


def canny(picture: NDArray[np.uint8], low: float, high: float) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) -> uint8 (H, W, 3), white edges on black. Thresholds are of |dx| + |dy| after Sobel."""
    dx, dy = _sobel(np.round(picture.astype(np.float64) @ LUMA))
    strength = np.abs(dx) + np.abs(dy)
    ridges = _ridges(strength, dx, dy)
    edges = _joined(ridges & (strength > high), ridges & (strength > low))
    return np.repeat((edges * np.uint8(255))[..., None], 3, axis=2)


def _sobel(grey: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p = np.pad(grey, 1, mode="edge")
    across, down = p[:, 2:] - p[:, :-2], p[2:] - p[:-2]
    dx = across[:-2] + 2 * across[1:-1] + across[2:]
    dy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return dx, dy


def _ridges(strength: NDArray[np.float64], dx: NDArray[np.float64], dy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the gradient is no weaker than on both of its sides; of two equal ones the first."""
    eighth = np.round(np.arctan2(dy, dx) / (np.pi / 4)).astype(int) % 4
    down, right = STEPS[eighth, 0], STEPS[eighth, 1]
    rows, columns = np.indices(strength.shape)
    p = np.pad(strength, 1)
    before = p[rows + 1 - down, columns + 1 - right]
    after = p[rows + 1 + down, columns + 1 + right]
    return (strength > before) & (strength >= after)


def _joined(strong: NDArray[np.bool_], weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Everything weak that hangs together with something strong: a flood, one ring of pixels at a time."""
    kept = np.pad(strong, 1)
    left = np.pad(weak & ~strong, 1)
    front = np.argwhere(kept)
    while len(front):
        around = np.concatenate([front + step for step in NEIGHBOURS])
        around = np.unique(around[left[around[:, 0], around[:, 1]]], axis=0)
        kept[around[:, 0], around[:, 1]] = True
        left[around[:, 0], around[:, 1]] = False
        front = around
    return kept[1:-1, 1:-1]
