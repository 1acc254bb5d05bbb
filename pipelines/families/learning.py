"""How any family learns: batches, an optimiser for each of its parts, and averaged weights that are what is shown."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.families import get

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from torch import Tensor

    from pipelines.data.sets import DataSet

WARM_UP = 0.05
"""Share of the steps in which the rate rises."""
STEEPEST = 1.0
"""The longest gradient; longer ones are shortened to it. A GAN's are left as they are."""
DIVERGED = 1e6


@dataclass(frozen=True)
class Plan:
    """How long and how fast. learning_rate None takes the family's own."""

    training_steps: int
    batch: int = 64
    learning_rate: float | None = None
    decay: float = 0.999
    """Of the averaged weights, once there are enough steps behind them."""
    seed: int = 0
    only: str = ""
    """The one part that learns from step `only_from` on for `only_steps` steps, all others standing still."""
    only_from: int = 0
    only_steps: int = 0

    def takes_part(self, part: str, step: int) -> bool:
        alone = self.only and self.only_from <= step < self.only_from + self.only_steps
        return part == self.only if alone else True


class Learner:
    """A model while it learns. `averaged` is the model to be shown, in evaluation mode."""

    def __init__(self, family: str, data: DataSet, plan: Plan, options: dict[str, Any] | None = None) -> None:
        self.family, self.plan, self.step = family, plan, 0
        self.options = options or {}
        self._draw = torch.Generator().manual_seed(plan.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.model = build(family, data, self.options)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self._x, self._labels = data.training()
        self._parts = {part: self._optimiser(part) for stage in self.model.stages for part in stage}
        self._long = {part: len(stage) == 1 for stage in self.model.stages for part in stage}

    def _optimiser(self, part: str) -> torch.optim.Optimizer:
        rate = self.plan.learning_rate or self.model.learning_rate
        return torch.optim.Adam(self.model.get_submodule(part).parameters(), rate, self.model.betas)

    def learn(self) -> dict[str, float]:
        """One step of every part whose turn it is; their losses. Raises BadRequest when the training diverges."""
        share = self.step / self.plan.training_steps
        stages = self.model.stages
        stage = stages[min(int(share * len(stages)), len(stages) - 1)]
        within = share * len(stages) - stages.index(stage)
        losses = {part: self._learn(part, within) for part in stage if self.plan.takes_part(part, self.step)}
        self.step += 1
        self._average()
        return {part or "loss": loss for part, loss in losses.items()}

    def _learn(self, part: str, share: float) -> float:
        chosen = torch.randint(len(self._x), (self.plan.batch,), generator=self._draw)
        optimiser = self._parts[part]
        for group in optimiser.param_groups:
            group["lr"] = (self.plan.learning_rate or self.model.learning_rate) * rate_at(share)
        loss = self.model.loss(part, self._x[chosen], self._labels[chosen], self._draw)
        optimiser.zero_grad()
        loss.backward()
        if self._long[part]:
            nn.utils.clip_grad_norm_(self.model.get_submodule(part).parameters(), STEEPEST)
        optimiser.step()
        told = float(loss.detach())
        if not abs(told) < DIVERGED:  # not a number either
            rate = self.plan.learning_rate or self.model.learning_rate
            raise BadRequest(
                "the training diverged: the loss was {loss:.3g} at step {step}. Try a smaller learning_rate than "
                "{rate:g}.",
                loss=told,
                step=self.step,
                rate=rate,
            )
        return told

    @torch.no_grad()
    def _average(self) -> None:
        average(self.averaged, self.model, min(self.plan.decay, (1 + self.step) / (10 + self.step)))
        for slow, fast in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            slow.copy_(fast)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on as if nothing had happened."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimisers": {part: optimiser.state_dict() for part, optimiser in self._parts.items()},
            "draw": self._draw.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        for part, optimiser in self._parts.items():
            optimiser.load_state_dict(state["optimisers"][part])
        self._draw.set_state(state["draw"])


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Moves the averaged weights towards the network's by the share that decay leaves."""
    for slow, fast in zip(averaged.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def rate_at(share: float) -> float:
    """Up along a line, down along a half cosine; of the full rate, at a share of the steps."""
    return min(1.0, share / WARM_UP + 0.01) * (0.5 + 0.5 * math.cos(math.pi * min(share, 1.0)))


def build(family: str, data: DataSet, options: dict[str, Any]) -> Any:
    """An untrained model of the family for this data."""
    make: Callable[..., Any] = get(family)
    known = {"levels": data.levels} if family == "flow" else {}
    with libs.door:  # a library that loads a model at this moment has torch patched for all threads
        return make(data.shape, data.classes, **known, **options)


def base_noise(model: Any, seed: int, count: int) -> Tensor:
    """z (count, *z_shape); the first of them do not depend on how many there are."""
    rows = [torch.randn(model.z_shape, generator=torch.Generator().manual_seed(seed + i)) for i in range(count)]
    return torch.stack(rows)
