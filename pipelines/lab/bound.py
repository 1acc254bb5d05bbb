"""The variational bound, bar by bar: what each step of the reverse process costs in bits per dimension.

On digits the terms are those of the network, with the ideal denoiser of the training pictures behind: on pictures that
it has not seen the ideal one is worse, since it has learned by heart. On points everything is exact, the data's own
entropy too, which no choice of variance reaches.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pipelines.data import digits, points
from pipelines.device.manager import DeviceManager
from pipelines.lab import pixel_ddpm
from pipelines.lab.digits import model_of
from pipelines.lab.requests import DIGITS, IDEAL, BoundRequest
from pipelines.lab.schedule import significant
from pipelines.theory.bound import Bound
from pipelines.theory.ideal import Distribution
from pipelines.theory.reverse import VARIANCES, Model, drawn_from

PICTURES, POINTS = 128, 2000


def answer(request: BoundRequest, _devices: DeviceManager) -> dict[str, Any]:
    """`terms`: L_0 … L_{T-1}; `prior`: L_T; `total`; and what stands behind them for comparison."""
    return _of_digits(request) if request.data == DIGITS else _of_points(request)


def _of_digits(request: BoundRequest) -> dict[str, Any]:
    pictures, labels = (part[:PICTURES] for part in digits.held_out())

    def made(name: str, variance: str) -> Bound:
        draw = torch.Generator().manual_seed(request.seed)
        return pixel_ddpm.process().bound(
            model_of(name, labels, variance),
            pictures,
            drawn_from(draw),
            variance=variance,
            clip_denoised=True,
            levels=digits.LEVELS,
        )

    own = [v for v in VARIANCES if v != "learned_range" or request.model == "learned"]
    bounds = {v: made(request.model, v) for v in own}
    behind = None if request.model == IDEAL else _terms(made(IDEAL, "fixed_small"))
    return described(bounds[request.variance]) | {
        "behind": behind,
        "totals": {v: _mean(bound.total) for v, bound in bounds.items()},
        "nothing": significant(math.log2(digits.LEVELS)),
        "examples": len(pictures),
        "unit": "bins",
    }


def _of_points(request: BoundRequest) -> dict[str, Any]:
    data, process = points.get(request.data), request.process()
    draw = torch.Generator().manual_seed(request.seed)
    x0 = data.sample(POINTS, draw)

    def made(variance: str) -> Bound:
        again = torch.Generator().manual_seed(request.seed)
        return process.bound(
            ideal_model(data, process.sigmas),
            x0,
            drawn_from(again),
            variance=variance,
            prediction_type="sample",
            levels=None,
        )

    bounds = {v: made(v) for v in VARIANCES if v != "learned_range"}
    return described(bounds[request.variance]) | {
        "behind": None,
        "totals": {v: _mean(bound.total) for v, bound in bounds.items()},
        "entropy": entropy(data, x0),
        "examples": POINTS,
        "unit": "density",
    }


def ideal_model(data: Distribution, sigmas: Tensor) -> Model:
    """The exact E[x0 | x_t] as a model that predicts x0."""

    def predict(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = min(float(sigmas[int(t[0])]), 1e6)
        return data.denoise(x_t * math.sqrt(1 + sigma**2), sigma)

    return predict


def entropy(data: Distribution, x0: Tensor) -> float:
    """Of points in the plane, in bits per dimension, as their mean over examples x0 (N, 2)."""
    return _mean(data.log_prob(x0) / (-2 * math.log(2)))


def described(whole: Bound) -> dict[str, Any]:
    return {"terms": _terms(whole), "prior": _mean(whole.prior), "total": _mean(whole.total)}


def _terms(whole: Bound) -> list[float]:
    return [significant(v) for v in whole.terms.mean(0).tolist()]


def _mean(values: Tensor) -> float:
    return significant(float(values.mean()))
