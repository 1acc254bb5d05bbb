"""How strongly a row of a batch follows a picture, and in which part of its steps: three numbers of its condition."""

import torch
from torch import Tensor

from pipelines.requests.control import ControlNet
from pipelines.requests.reference import Reference
from pipelines.theory.path import NoisePath


def strength_of(unit: ControlNet | Reference, path: NoisePath) -> Tensor:
    """(3,): the scale, and the first and the last t of the path at which it holds."""
    return torch.tensor([unit.scale, *path.within(unit.start, unit.end)])


def scale_at(strength: Tensor, timesteps: Tensor) -> Tensor:
    """(n, 3) of the rows and their t (n,) -> (n,), 0 outside of their part of the steps."""
    scale, first, last = strength.unbind(1)
    return torch.where((timesteps <= first) & (timesteps >= last), scale, 0)
