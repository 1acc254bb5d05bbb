"""A picture and its noise, from which a page makes every noised step by itself, as the experiment "noised" would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.device.manager import DeviceManager
from pipelines.lab.noised import in_pixels, noise_like
from pipelines.lab.picture import picture_of
from pipelines.params import Picture, Range, Request, param
from pipelines.requests.limits import LARGEST_SHORT_SEED

REACH = 8.0
"""The 16 bits of a number of the noise go from -REACH to REACH."""


@dataclass(frozen=True)
class NoiseRequest(Request):
    """The picture, and which noise."""

    image: str = param("", Picture(), "The picture under the noise.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Of the noise, which is the same at every step.")


def answer(request: NoiseRequest, _devices: DeviceManager) -> dict[str, Any]:
    """`clean`: the uint8 picture x0; `noise`: high and low bytes of eps as two pictures; `reach`: of its bits."""
    clean = picture_of(request)
    eps = noise_like(in_pixels(clean), request.seed).clamp(-REACH, REACH).numpy()
    bits = np.round((eps / REACH + 1) / 2 * 0xFFFF).astype(np.uint16)
    return {"clean": clean[None], "noise": np.stack([bits >> 8, bits & 0xFF]).astype(np.uint8), "reach": REACH}
