"""What is learned: whose weights move, at which rate, and what one batch says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from pipelines.learning.moments import Moment


@dataclass(frozen=True, eq=False)
class Player:
    """Weights that learn from a loss of their own: the whole model, or one of several that play a game."""

    optimisers: Sequence[Optimizer]
    """Made with their highest rates."""
    clip: float | None = None
    """The longest gradient of all the player's weights together; longer ones are shortened to it."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one batch says: `loss` is a mean over it; `bands` are losses to be reported, a value an example each."""

    loss: Tensor
    bands: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Task(Protocol):
    """All its dice are the moment's: the same moment is the same lesson, whatever came before in this process."""

    @property
    def model(self) -> nn.Module: ...
    @property
    def players(self) -> Mapping[str, Player]:
        """By name; a lone player is called ""."""
        ...

    def turns(self, step: int) -> Sequence[str]:
        """Who learns in this step, one after another."""
        ...

    def rate(self, step: int) -> float:
        """The share of the highest rates."""
        ...

    def lesson(self, player: str, moment: Moment) -> Lesson: ...
