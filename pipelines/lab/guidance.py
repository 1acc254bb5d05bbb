"""Guidance at one place of the plane: the pull of all data, that of the class, and the guided one beyond it.

Each is -eps, the score times the noise's share sqrt(1 - abar), as in the field of pipelines.lab.points, from the exact
denoisers; the guided one from the very denoiser that takes the points back. It is the gradient of
log p_sigma(x) + w log p_sigma(c|x). That is not p(x) p(c|x)^w under noise, so following it down the noise levels does
not sample p(x) p(c|x)^w.
"""

from __future__ import annotations

from typing import Any

import torch

from pipelines.data.points import part_of
from pipelines.device.manager import DeviceManager
from pipelines.lab.points import guided, pull
from pipelines.lab.requests import GuidanceRequest


def answer(request: GuidanceRequest, _devices: DeviceManager) -> dict[str, Any]:
    """Three vectors (x, y); without a class all are the same."""
    data = request.distribution()
    place = torch.tensor([[request.x, request.y]], dtype=torch.float64)
    denoisers = {
        "unconditional": data.denoise,
        "conditional": part_of(data, request.label).denoise,
        "guided": guided(data, request),
    }
    return {name: pull(denoise, place, request.sigma)[0].tolist() for name, denoise in denoisers.items()}
