"""How the learning rate goes over a training, as shares of the highest one."""

import math


def cosine(share: float) -> float:
    """Down along a half cosine, at a share of the steps."""
    return 0.5 + 0.5 * math.cos(math.pi * min(share, 1.0))


def warm_cosine(share: float, warm_up: float = 0.05) -> float:
    """Up along a line for a share `warm_up` of the steps, and down along a half cosine."""
    return min(1.0, share / warm_up + 0.01) * cosine(share)
