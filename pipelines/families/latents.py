"""The space of base noise under the hand: any place between four seeds, for any family."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines import families, libs
from pipelines.families.pictures import pixels
from pipelines.families.request import FamilyRequest, check_family, lease
from pipelines.params import Choice, Range, param

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager

LERP, SLERP = WAYS = ("lerp", "slerp")


@dataclass(frozen=True)
class LatentsRequest(FamilyRequest):
    """A place on the square whose corners are the base noise of seed, seed + 1, seed + 2 and seed + 3."""

    family: str = param("gan", Choice(families.names), "Whose.")
    across: float = param(0.5, Range(0, 1), "From the left corners, 0, to the right ones, 1.")
    down: float = param(0.5, Range(0, 1), "From the upper corners, 0, to the lower ones, 1.")
    interpolation: str = param(SLERP, Choice(WAYS), "Straight, or along the sphere on which base noise lies.")
    label: int = param(0, Range(0, 9), "The class, the same everywhere on the square.")

    def check(self) -> None:
        check_family(self.family, self.data)


Asked = LatentsRequest


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
