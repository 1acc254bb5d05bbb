"""Points in the plane on their way into noise and back, with the exact denoiser of their distribution.

Everything is in the variance-preserving form, x_t = sqrt(abar) x0 + sqrt(1 - abar) eps, so that noise is N(0, I)
whatever the schedule. Index 0 of every path is the data's end, the last index is the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from pipelines import stopping
from pipelines.data.points import astray, part_of, sliced_distance
from pipelines.device.manager import DeviceManager
from pipelines.lab.requests import NO_LABEL, DataRequest, PointsRequest
from pipelines.lab.schedule import significant
from pipelines.lab.timesteps import t_of
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.guidance import guide
from pipelines.theory.ideal import Distribution, Mixture
from pipelines.theory.path import LOG_SIGMA_MAX, timestep_of_sigma
from pipelines.theory.process import vp_scale
from pipelines.theory.reverse import drawn_from
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.sigmas import SIGMA_SCHEDULES

REACH = 3.0
"""Half the side of the square that is shown."""
ARROWS = 15
"""To a side of the field."""
DRAWS = 10
"""Of the data itself, for the bands between which its own figures lie."""
SMOOTH = 0.05
"""The noise under which densities are compared: some of the sets have none at all outside their boxes."""

Denoiser = Callable[[Tensor, float], Tensor]


def answer(request: PointsRequest, _devices: DeviceManager) -> dict[str, Any]:
    """Paths forward and back, the field of the exact score, and how well what came back fits the data."""
    return taken_back(request, guided(request.distribution(), request))


def taken_back(request: PointsRequest, denoise: Denoiser) -> dict[str, Any]:
    """The same by any denoiser, for instance a network's that is being trained."""
    data, process = request.distribution(), request.process()
    wanted = part_of(data, request.label)
    sigmas = visited(process, request)
    draw = torch.Generator().manual_seed(request.seed)
    x0, eps = wanted.sample(request.count, draw), noise_like(draw, request.count)
    back, guesses = reverse(denoise, sigmas, eps, request, draw)
    rows = sigmas.flip(0)
    return {
        "reach": REACH,
        "arrows": ARROWS,
        "sigmas": [significant(sigma) for sigma in rows.tolist()],
        "timesteps": [timestep_at(process, sigma) for sigma in rows.tolist()],
        "steps_back": [step_back(before, now) for before, now in pairwise(rows.tolist())],
        "forward": rounded(torch.stack([vp(x0 + sigma * eps, sigma) for sigma in rows.tolist()])),
        "back": rounded(back),
        "x0_pred": rounded(guesses),
        "field": rounded(torch.stack([field(denoise, float(sigma)) for sigma in rows[1:]])),
        "labels": _labels(wanted, x0),
        "classes": classes(data),
        **quality(back[0], wanted, draw),
    }


def visited(process: DiffusionProcess, request: PointsRequest) -> Tensor:
    """(steps + 1,) noise levels from high to 0, all of the schedule's own range; the ideal denoiser knows every one."""
    path = process.sigmas.clamp(max=math.exp(LOG_SIGMA_MAX))
    visit = SIGMA_SCHEDULES[request.sigma_schedule]
    sigmas = visit(request.num_inference_steps, float(path[0]), float(path[-1]), path)
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def timestep_at(process: DiffusionProcess, sigma: float) -> float:
    """The schedule's t with this noise level, between two of its steps where it has none."""
    known = process.sigmas.clamp(max=1e6)
    return significant(t_of(timestep_of_sigma(known, sigma))) if sigma else 0.0


def reverse(
    denoise: Denoiser, sigmas: Tensor, eps: Tensor, request: PointsRequest, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The states (steps + 1, N, 2), the samples first, and the guess x0_pred at every state but the samples.

    They start from N(0, I) at the schedule's end: what is left of the signal there is not known.
    """
    start = eps * math.sqrt(1 + float(sigmas[0]) ** 2)
    steps = []
    for step in SAMPLERS[request.sampler](denoise, start, sigmas, drawn_from(draw), request.eta):
        stopping.check()
        steps.append(step)
    states = [eps, *(vp(step.x, step.sigma) for step in steps)]
    return torch.stack(states[::-1]), torch.stack([step.x0_pred for step in reversed(steps)])


def step_back(before: float, now: float) -> dict[str, float]:
    """q(x_before | x_now, x0) between two noise levels: its mean x0 * x0 + x * x_now, and its deviation.

    With the model's guess in place of x0 it is p(x_before | x_now) with the posterior's variance (fixed_small).
    """
    ratio = (before / now) ** 2
    return {
        "x0": significant(vp_scale(before) * (1 - ratio)),
        "x": significant(vp_scale(before) / vp_scale(now) * ratio),
        "deviation": significant(vp_scale(before) * before * math.sqrt(1 - ratio)),
    }


def guided(data: Distribution, request: DataRequest) -> Denoiser:
    """The exact denoiser of the class, pushed away from that of all (arXiv:2207.12598)."""
    wanted, weight = part_of(data, request.label), request.guidance_scale
    if request.label == NO_LABEL or weight == 1:
        return wanted.denoise
    return lambda x, sigma: guide(wanted.denoise(x, sigma), data.denoise(x, sigma), weight)


def field(denoise: Denoiser, sigma: float) -> Tensor:
    """(ARROWS * ARROWS, 2): the pull at a square grid of places, row by row."""
    return pull(denoise, grid(), sigma)


def pull(denoise: Denoiser, places: Tensor, sigma: float) -> Tensor:
    """(N, 2): -eps, the score in units of the noise, at places (N, 2); it points to where the data lies."""
    stopping.check()
    x = places * math.sqrt(1 + sigma**2)
    return (denoise(x, sigma) - x) / sigma


def grid() -> Tensor:
    axis = torch.linspace(-REACH, REACH, ARROWS, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def vp(x: Tensor, sigma: float) -> Tensor:
    return x * vp_scale(sigma)


def quality(samples: Tensor, wanted: Distribution, draw: torch.Generator) -> dict[str, Any]:
    """How likely the samples are, how far they lie from data in both directions, and the share that lies on no mode.

    `..._of_data`: the lowest and the highest of DRAWS draws of as many points of the data itself. Samples may be more
    likely than data without being better: where they crowd at the modes.
    """
    real = wanted.sample(len(samples), draw)
    smooth = SMOOTH * noise_like(draw, len(samples))

    def figures(x: Tensor) -> dict[str, float]:
        return {
            "nll": significant(-float(wanted.log_prob(x + smooth, SMOOTH).mean())),
            "distance": significant(sliced_distance(x, real, draw)),
            "astray": significant(float(astray(x, wanted).double().mean())),
        }

    own = [figures(wanted.sample(len(samples), draw)) for _ in range(DRAWS)]
    bands = {f"{name}_of_data": [pick(row[name] for row in own) for pick in (min, max)] for name in own[0]}
    return figures(samples) | bands


def classes(data: Distribution) -> list[int]:
    return sorted(set(data.labels.tolist())) if isinstance(data, Mixture) else [0]


def _labels(data: Distribution, x0: Tensor) -> list[int]:
    """Of each point: the class of the nearest component."""
    if not isinstance(data, Mixture):
        return [0] * len(x0)
    return data.labels[torch.cdist(x0, data.means).argmin(1)].tolist()


def noise_like(draw: torch.Generator, count: int) -> Tensor:
    return torch.randn(count, 2, generator=draw, dtype=torch.float64)


def rounded(values: Tensor, digits: int = 3) -> list:
    """Plain lists, to what a screen can show; what ran away is held within a thousand."""
    return values.nan_to_num(0.0, 1e3, -1e3).clamp(-1e3, 1e3).mul(10**digits).round().div(10**digits).tolist()
