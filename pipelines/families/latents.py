"""The space of base noise under the hand: any place between four seeds, for any family."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.families.pictures import pixels
from pipelines.families.request import SLERP, LatentsRequest, lease

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager


def answer(request: LatentsRequest, devices: DeviceManager) -> dict[str, Any]:
    """`picture`, and `length`: how long z is as a share of what base noise usually has."""
    torch = libs.torch()
    with lease(request.family, request.data, devices) as shipped:
        began = time.perf_counter()
        corners = shipped.noise(request.seed, 4)
        z = between(corners, request.across, request.down, request.interpolation)
        with torch.inference_mode():
            *_, last = shipped.model.states(z, request.labels(1).to(z.device), request.sampling())
        return {
            "picture": pixels(last.x),
            "length": round(float(z.square().mean().sqrt()), 3),
            "seconds": round(time.perf_counter() - began, 4),
        }


def between(corners: Tensor, across: float, down: float, way: str) -> Tensor:
    """(4, ...) upper left, upper right, lower left, lower right -> (1, ...)."""
    mix = slerp if way == SLERP else lerp
    upper, lower = mix(corners[0], corners[1], across), mix(corners[2], corners[3], across)
    return mix(upper, lower, down)[None]


def lerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Straight from a to b. In many dimensions its middle is shorter than base noise ever is."""
    return a + share * (b - a)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Along the great circle from a to b (arXiv:1609.04468), lengths in between."""
    cosine = float((a * b).sum() / (a.norm() * b.norm()))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-6:
        return lerp(a, b, share)
    return (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / math.sin(angle)
