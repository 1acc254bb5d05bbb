"""A small network learns the points before your eyes: in seconds, on the CPU, beside the exact denoiser.

The training loss alone says little: it stays flat while the samples get better, since most of it is noise that nobody
could predict. So each snapshot has the samples, the error against the exact denoiser by t, and the loss by t.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import libs
from pipelines.device.manager import DeviceManager
from pipelines.errors import Sentence
from pipelines.events import Event, Snapshot
from pipelines.lab.points import Denoiser, taken_back, vp
from pipelines.lab.points_bound import PointsBound
from pipelines.lab.requests import PointsTrainingRequest
from pipelines.lab.schedule import significant
from pipelines.lab.timesteps import t_of
from pipelines.learning import live, optimisers, rates
from pipelines.learning.moments import Moment
from pipelines.learning.pace import SnapshotPace
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.path import timestep_of_sigma
from pipelines.theory.process import x0_from

BATCH = 256
EVERY_STEPS = 25
"""Between two points of the loss curve."""
DIVERGED = 1e4
LEVELS = 24
"""Timesteps at which the error is measured."""
MEASURED = 1000
FIGURES = ("nll", "distance", "astray", "loss_by_t", "error_by_t", "bound")
"""Of a snapshot: what is not held within bounds for the screen."""
FEW = 100
"""Timesteps up to which the bound is quick enough for every snapshot."""


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
        """Loss every EVERY_STEPS steps, a Snapshot at the pace of SnapshotPace, the last one at the end."""
        request.check()
        view = View(request, training_of(request))
        yield from live.stream(view.training, view.snapshot, view.last_snapshot, SnapshotPace())


class PointsTask:
    """eps of noised points, every t as often."""

    def __init__(self, request: PointsTrainingRequest) -> None:
        self._steps, self._data, self._process = request.training_steps, request.distribution(), request.process()
        with libs.door, torch.random.fork_rng(devices=[]):  # whose holder has torch patched for all threads
            torch.manual_seed(request.seed)
            self.model = Network(request.width, request.num_train_timesteps)
        self.players = {"": Player([optimisers.adamw(self.model.parameters(), request.learning_rate)])}

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return rates.cosine(step / self._steps)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        draw = moment.draw()
        x0 = self._data.sample(moment.batch, draw).float()
        t = torch.randint(len(self._process.betas), (moment.batch,), generator=draw)
        eps = torch.randn(x0.shape, generator=draw)
        return Lesson((self.model(self._process.q_sample(x0, t, eps), t) - eps).square().mean())


def training_of(request: PointsTrainingRequest) -> Training:
    """The network before it has learned anything."""
    recipe = Recipe(
        request.training_steps,
        BATCH,
        seed=request.seed,
        ema_decay=0.995,
        diverged=DIVERGED,
        report_every=EVERY_STEPS,
    )
    return Training(PointsTask(request), recipe)


class View:
    """What is shown of the averaged network."""

    def __init__(self, request: PointsTrainingRequest, training: Training) -> None:
        self.request, self.training = request, training
        self._process = request.process()
        self._bound = PointsBound(request.distribution(), self._process, request.seed)

    @torch.no_grad()
    def snapshot(self, last: bool = False) -> Snapshot:
        """What has been learned. The bound asks the network at every t, so with many t only the last one has it."""
        network, step = self.training.averaged, self.training.step
        assert isinstance(network, Network)
        values = taken_back(self.request, denoiser_of(network, self._process))
        values |= errors(self.request, self._process, network)
        values["bound"] = self._bound.beside(network) if last or len(self._process.betas) <= FEW else None
        if not _finite([values[name] for name in FIGURES]):
            raise self.training.diverged(
                Sentence("what the network answers after step {step} is no number any more", step=step)
            )
        return Snapshot(step, values)

    def last_snapshot(self) -> Snapshot:
        return self.snapshot(last=True)


def _finite(values: Any) -> bool:
    """Whether all numbers in nested dicts and lists can be sent as JSON."""
    if isinstance(values, dict | list):
        return all(_finite(v) for v in (values.values() if isinstance(values, dict) else values))
    return not isinstance(values, float) or math.isfinite(values)


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
    return {"levels": [t_of(t) for t in levels], **rows}
