"""Weights of eight bits with a scale for each row, for small models that are shipped.

Half of what sixteen bits cost; whoever computes with them gets float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import libs

if TYPE_CHECKING:
    from torch import Tensor

SCALE = ".scale"
FEW = 4096
"""Tensors of fewer values stay as they are, in half precision: there is little to save. So do those that half precision
holds exactly: a flow's permutations must stay permutations, or its inverse is none."""
LARGEST = 127


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Large matrices as int8 with a float16 scale a row, under their name and their name + ".scale"."""
    torch = libs.torch()
    made: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if not weight.is_floating_point():
            made[name] = weight.contiguous()
        elif weight.numel() < FEW or weight.ndim < 2 or torch.equal(weight.half().to(weight.dtype), weight):
            made[name] = weight.half().contiguous()
        else:
            rows = weight.flatten(1)
            scale = (rows.abs().amax(1, keepdim=True) / LARGEST).clamp(min=1e-6).half()
            made[name] = (rows / scale.float()).round().clamp(-LARGEST, LARGEST).to(torch.int8).view(weight.shape)
            made[name + SCALE] = scale
    return made


def unpacked(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """float32 again."""
    made: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if name.endswith(SCALE):
            continue
        scale = weights.get(name + SCALE)
        if scale is None:
            made[name] = weight.float() if weight.is_floating_point() else weight
        else:
            made[name] = (weight.flatten(1).float() * scale.float()).view(weight.shape)
    return made
