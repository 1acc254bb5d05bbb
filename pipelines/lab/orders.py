"""How fast each sampler comes nearer with more steps: its error on Gaussian data, whose exact path is known.

x(sigma) = x(sigma_0) sqrt((s^2 + sigma^2) / (s^2 + sigma_0^2)). A method of order p divides the error by 2^p when the
steps are halved, so it is a line of slope -p where both axes are logarithmic.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines import stopping
from pipelines.device.manager import DeviceManager
from pipelines.lab.requests import OrdersRequest
from pipelines.lab.schedule import significant
from pipelines.theory.samplers import SAMPLERS

DETERMINISTIC = ("euler", "ddim", "heun", "dpmpp_2m", "unipc")
STEPS = (8, 16, 32, 64, 128, 256)
FITTED = 3
"""The slope is that of the last so many points: with few steps a method has not settled yet."""


def answer(request: OrdersRequest, _devices: DeviceManager) -> dict[str, Any]:
    """For each sampler: the error at each number of steps, and the order that it shows."""
    errors = {name: [error(name, n, request) for n in STEPS] for name in DETERMINISTIC}
    return {
        "steps": list(STEPS),
        "errors": {name: [significant(v) for v in values] for name, values in errors.items()},
        "orders": {name: significant(order(values), 3) for name, values in errors.items()},
    }


def error(name: str, steps: int, request: OrdersRequest) -> float:
    """The relative error after `steps` steps, evenly spaced in log sigma."""
    stopping.check()
    s, high, low = request.deviation, request.sigma_max, request.sigma_min
    x = torch.ones(1, dtype=torch.float64)
    sigmas = torch.logspace(math.log10(high), math.log10(low), steps + 1, dtype=torch.float64)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return x * (s**2 / (s**2 + sigma**2))

    *_, last = SAMPLERS[name](denoise, x, sigmas, torch.zeros_like)
    exact = math.sqrt((s**2 + low**2) / (s**2 + high**2))
    return abs(float(last.x) / exact - 1)


def order(errors: list[float]) -> float:
    """The slope of the errors over the steps, both logarithmic, downwards."""
    return -float(np.polyfit(np.log(STEPS[-FITTED:]), np.log(errors[-FITTED:]), 1)[0])
