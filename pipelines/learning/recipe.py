"""How long a task is learned, and by which means."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Of any training. What belongs to one task alone, its rates among it, the task knows."""

    steps: int
    batch: int = 64
    """Examples in each part of a step."""
    accumulate: int = 1
    """Parts of a step that each process learns from, one after another, before the weights move."""
    seed: int = 0
    ema_decay: float | None = None
    """Of the averaged weights, once there are enough steps behind them; None shows the weights themselves."""
    diverged: float = 1e6
    """From this loss on a training has failed."""
    report_every: int = 20
    """Steps between two reports, each of which has the means since the last."""
    save_every: float = math.inf
    """Seconds between two checkpoints. The last step is always saved where there is a folder."""
