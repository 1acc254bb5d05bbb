"""What a generator tells while it works: requests go in, a stream of these comes out.

`Result` is the last event of a stream that was not cut off by an error; a series tells one for each of its pictures.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""Pictures ready to show: uint8, (N, H, W, 3)."""


class StopEarly(Exception):
    """Thrown into a stream to stop it; it may answer with one last `Result` marked unfinished."""


@dataclass(frozen=True)
class Progress:
    """What is going on in words' key (`loading`, `encoding`, `decoding`, ...), `done` of `total` where it is known."""

    stage: str
    done: int = 0
    total: int = 0
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """One denoising step, ready to show: the noisy picture x_t and the current guess x0_pred.

    `index` counts from 0 (the pure noise before the first step) to `total` (after the last one). `eps`: the noise that
    the step saw in the state before it; `pull`: what guidance changed of its guess, around grey; each only where a
    generator takes steps apart.
    """

    index: int
    total: int
    sigma: float
    x: Pixels
    x0_pred: Pixels
    eps: Pixels | None = None
    pull: Pixels | None = None


@dataclass(frozen=True)
class Token:
    """One piece of generated text."""

    text: str


@dataclass(frozen=True)
class Loss:
    """One training step's losses by name."""

    step: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """What a training has learned so far, as numbers to plot: plain lists by name. Only the newest is kept."""

    step: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A training state that was written whole and can be resumed from."""

    step: int
    name: str


@dataclass(frozen=True)
class Film:
    """A moving picture's file, whole; `kind` is its ending."""

    kind: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Result:
    """Finished pictures, uint8 (N, H, W, 3), and what each was made with (one recipe a picture).

    `unfinished` says that the stream was stopped early, after `steps_done` steps. `trajectories`: how each came about
    (pipelines/theory/trajectory.py), where that was kept. `reproduced`: of a picture made once more, whether it is the
    same.
    """

    images: Pixels
    recipes: tuple[dict[str, Any], ...]
    unfinished: bool = False
    steps_done: int = 0
    notes: tuple[str, ...] = field(default=())
    trajectories: tuple[Any, ...] = field(default=(), repr=False)
    reproduced: bool | None = None


Event = Progress | Frame | Token | Loss | Snapshot | Checkpoint | Film | Result


def nothing_to_keep() -> Result:
    """The end of a stream whose pictures are for looking, not for the gallery."""
    return Result(np.zeros((0, 1, 1, 3), np.uint8), ())
