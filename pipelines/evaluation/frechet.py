"""The Fréchet distance between two sets of pictures, on pixels: each picture as 8x8 colours, its coarse layout.

These features are plain pixels and no learned network, so the numbers compare runs of this studio with one another and
with nothing else; `floor` says what two sets of true pictures have.
"""

import numpy as np
from numpy.typing import NDArray

GRID = 8


def features(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, S, S, 3) with S a multiple of GRID -> (N, 192), mean colours in [0, 1]."""
    n, side, _, _ = pictures.shape
    block = side // GRID
    grid = pictures.reshape(n, GRID, block, GRID, block, 3).mean(axis=(2, 4)) / 255
    return grid.reshape(n, -1)


def distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets (N, D) and (M, D), as if each were Gaussian
    (arXiv:1706.08500, eq. 6)."""
    gap = first.mean(axis=0) - second.mean(axis=0)
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = _root(one)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ two @ root), 0, None)).sum()
    return float(gap @ gap + np.trace(one) + np.trace(two) - 2 * cross)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
