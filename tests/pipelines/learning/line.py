"""The smallest real task: a line through points, by one player or by two that learn a half of it each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pipelines.learning import optimisers
from pipelines.learning.moments import Moment
from pipelines.learning.task import Lesson, Player

COUNT = 40


def _points() -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, COUNT)[:, None]
    return x, 3 * x - 1


@dataclass
class LineTask:
    """y = 3x - 1 from 40 points, with a little noise of the moment's dice on them."""

    learning_rate: float = 0.05
    noise: float = 0.1
    clip: float | None = None
    seen: list[list[int]] = field(default_factory=list)
    """Which points each lesson had."""

    def __post_init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
        self.players: Mapping[str, Player] = {
            "": Player([optimisers.adamw(self.model.parameters(), self.learning_rate)], self.clip)
        }
        self.x, self.y = _points()

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return 1.0

    def lesson(self, player: str, moment: Moment) -> Lesson:
        chosen = moment.chosen(COUNT)
        self.seen.append(chosen.tolist())
        wanted = self.y[chosen] + self.noise * torch.randn(moment.batch, 1, generator=moment.draw())
        return Lesson((self.model(self.x[chosen]) - wanted).square().mean())
