"""How any family learns: each of its parts from its own loss, in stages, one of them alone for a while if wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pipelines import libs
from pipelines.families import get
from pipelines.learning import optimisers, rates
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from torch import Tensor

    from pipelines.data.sets import DataSet
    from pipelines.learning.moments import Moment

STEEPEST = 1.0
"""The longest gradient; longer ones are shortened to it. A GAN's are left as they are."""


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


class FamilyTask:
    """A model of the family and its data."""

    def __init__(self, family: str, data: DataSet, plan: Plan, options: dict[str, Any] | None = None) -> None:
        self.plan = plan
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.model = build(family, data, options or {})
        self._x, self._labels = data.training()
        self.players = {part: self._player(part, stage) for stage in self.model.stages for part in stage}

    def _player(self, part: str, stage: Sequence[str]) -> Player:
        """Where two parts learn by turns, as a GAN's, gradients are left as they are."""
        rate = self.plan.learning_rate or self.model.learning_rate
        optimiser = optimisers.adamw(self.model.get_submodule(part).parameters(), rate, self.model.betas)
        return Player([optimiser], STEEPEST if len(stage) == 1 else None)

    def turns(self, step: int) -> list[str]:
        """The parts of the step's stage that are not told to stand still."""
        stage = self.model.stages[int(self._stages_done(step))]
        return [part for part in stage if self.plan.takes_part(part, step)]

    def rate(self, step: int) -> float:
        """Up and down in each stage."""
        return rates.warm_cosine(self._stages_done(step) % 1)

    def _stages_done(self, step: int) -> float:
        return step / self.plan.training_steps * len(self.model.stages)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        chosen = moment.chosen(len(self._x))
        return Lesson(self.model.loss(player, self._x[chosen], self._labels[chosen], moment.draw()))


def training_of(
    family: str, data: DataSet, plan: Plan, options: dict[str, Any] | None = None, save_every: float = math.inf
) -> Training:
    """The family before it has learned anything; its averaged model is the one to be shown."""
    recipe = Recipe(plan.training_steps, plan.batch, seed=plan.seed, ema_decay=plan.decay, save_every=save_every)
    return Training(FamilyTask(family, data, plan, options), recipe)


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
