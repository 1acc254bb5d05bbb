"""A small network learns the points before your eyes: in seconds, on the CPU, beside the exact denoiser.

The training loss alone says little: it stays flat while the samples get better, since most of it is noise that nobody
could predict. So each snapshot has the samples, the error against the exact denoiser by t, and the loss by t.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.device import DeviceManager
from pipelines.diffusion.denoiser import x0_from
from pipelines.diffusion.path import timestep_of_sigma
from pipelines.errors import BadRequest
from pipelines.events import Event, Loss, Progress, Result, Snapshot, StopEarly
from pipelines.lab.points import NO_LABEL, Denoiser, PointsRequest, taken_back, vp
from pipelines.lab.schedule import significant
from pipelines.params import Range, param
from pipelines.schedules import DiffusionProcess

BATCH = 256
EVERY_SECONDS = 0.7
"""Between two snapshots."""
EVERY_STEPS = 25
"""Between two points of the loss curve."""
DIVERGED = 1e4
LEVELS = 24
"""Timesteps at which the error is measured."""
MEASURED = 1000


@dataclass(frozen=True)
class PointsTrainingRequest(PointsRequest):
    """What to learn, by how many steps of which network; and how its samples are drawn."""

    num_train_timesteps: int = param(100, Range(10, 1000), "T, how many steps the process has.")
    training_steps: int = param(2000, Range(1, 20_000), "How many batches of 256 points are learned from.")
    learning_rate: float = param(2e-3, Range(1e-6, 10), "Of Adam; it falls along a half cosine.")
    width: int = param(128, Range(2, 512), "Of the network's three hidden layers.")

    def check(self) -> None:
        super().check()
        if self.label != NO_LABEL or self.guidance_scale != 1:
            raise BadRequest("the network trained here knows no classes. Set label to -1 and guidance_scale to 1.")


class Network(nn.Module):
    """A residual MLP, eps from x_t (N, 2) and t (N,)."""

    def __init__(self, width: int, num_train_timesteps: int) -> None:
        super().__init__()
        self.periods = num_train_timesteps
        self.enter = nn.Linear(2 + 16, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.leave = nn.Linear(width, 2)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t[:, None] / self.periods * 2.0 ** torch.arange(8) * math.pi / 2
        hidden = self.enter(torch.cat([x, angles.sin(), angles.cos()], dim=1))
        for layer in self.hidden:
            hidden = hidden + nn.functional.silu(layer(hidden))
        return self.leave(nn.functional.silu(hidden))


class PointsTraining:
    """The generator of losses and snapshots. Stopped, it ends with what it has learned so far."""

    name = "points-training"
    request_type = PointsTrainingRequest

    def stream(self, request: PointsTrainingRequest, devices: DeviceManager) -> Iterator[Event]:
        """Loss every EVERY_STEPS steps, a Snapshot about every EVERY_SECONDS, the last one at the end."""
        request.check()
        try:
            yield from _train(request)
        except StopEarly:
            pass
        yield Result(np.zeros((0, 1, 1, 3), np.uint8), ())


def _train(request: PointsTrainingRequest) -> Iterator[Event]:
    data, process = request.distribution(), request.process()
    draw = torch.Generator().manual_seed(request.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        network = Network(request.width, request.num_train_timesteps)
    averaged = copy.deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=request.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, request.training_steps)
    recent: list[float] = []
    shown = -math.inf
    for step in range(1, request.training_steps + 1):
        x0 = data.sample(BATCH, draw).float()
        t = torch.randint(len(process.betas), (BATCH,), generator=draw)
        eps = torch.randn(x0.shape, generator=draw)
        loss = (network(process.q_sample(x0, t, eps), t) - eps).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        _average(averaged, network, min(0.995, (1 + step) / (10 + step)))
        recent.append(float(loss.detach()))
        if not recent[-1] < DIVERGED:  # not a number either
            raise BadRequest(
                f"the training diverged: the loss was {recent[-1]:.3g} at step {step}, where noise alone has 1. "
                f"Try a smaller learning_rate than {request.learning_rate:g}."
            )
        if step % EVERY_STEPS == 0:
            yield Loss(step, {"loss": significant(sum(recent) / len(recent))})
            yield Progress("training", step, request.training_steps)
            recent.clear()
        if time.monotonic() - shown > EVERY_SECONDS or step == request.training_steps:
            yield Snapshot(step, _snapshot(request, process, averaged))
            shown = time.monotonic()


@torch.no_grad()
def _average(averaged: Network, network: Network, decay: float) -> None:
    for slow, fast in zip(averaged.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


@torch.no_grad()
def _snapshot(request: PointsTrainingRequest, process: DiffusionProcess, network: Network) -> dict[str, Any]:
    return taken_back(request, denoiser_of(network, process)) | errors(request, process, network)


def denoiser_of(network: Network, process: DiffusionProcess) -> Denoiser:
    """The samplers' contract over a network that predicts eps at timesteps."""
    known = process.sigmas.clamp(max=1e6)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        t = torch.full((len(x),), timestep_of_sigma(known, sigma))
        return x0_from(network(vp(x, sigma).float(), t).double(), "epsilon", x, sigma)

    return denoise


def errors(request: PointsTrainingRequest, process: DiffusionProcess, network: Network) -> dict[str, Any]:
    """By t: the loss, the least loss that any network could have, and between them the error against the exact eps."""
    data = request.distribution()
    draw = torch.Generator().manual_seed(request.seed + 1)
    x0, eps = data.sample(MEASURED, draw), torch.randn(MEASURED, 2, generator=draw, dtype=torch.float64)
    levels = np.unique(np.linspace(0, len(process.betas) - 1, LEVELS).round().astype(int)).tolist()
    rows: dict[str, list[float]] = {"loss_by_t": [], "least_by_t": [], "error_by_t": []}
    for t in levels:
        x_t = process.q_sample(x0, t, eps)
        sigma = min(float(process.sigmas[t]), 1e6)
        x = x_t * math.sqrt(1 + sigma**2)
        exact = (x - data.denoise(x, sigma)) / sigma
        made = network(x_t.float(), torch.full((MEASURED,), t)).double()
        for name, gap in (("loss_by_t", made - eps), ("least_by_t", exact - eps), ("error_by_t", made - exact)):
            rows[name].append(significant(float(gap.square().mean())))
    return {"levels": levels, **rows}
