"""The guidance scale as a vector, for networks distilled to be told it (arXiv:2310.04378, as in arXiv:2210.03142)."""

import math
from typing import Any

import torch
from torch import Tensor


def guidance_embedding(guidance_scale: float, size: int, device: Any) -> Tensor:
    """(size,): sines, then cosines, of 1000 (scale - 1) at frequencies from 1 down to 1/10,000."""
    half = size // 2
    frequencies = torch.exp(torch.arange(half) * (-math.log(10_000) / (half - 1)))
    angles = 1000 * (guidance_scale - 1) * frequencies
    return torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()]), (0, size % 2)).to(device)
