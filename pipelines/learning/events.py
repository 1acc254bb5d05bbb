"""What a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import Sentence


@dataclass(frozen=True)
class Report:
    """The steps since the last report: means of the losses by name, and how it goes at this step.

    `rate` is the learning rate of the player whose turn was last, `gradient` the length of its gradient before it was
    clipped. `seen` examples in all, of which `a_second` are learned from in a second.
    """

    step: int
    losses: dict[str, float]
    rate: float
    gradient: float
    seen: int
    seconds: float
    a_second: float


@dataclass(frozen=True)
class SampleDue:
    """Whoever shows the training may do so now: the model stands still until the next event is asked for."""

    step: int


@dataclass(frozen=True)
class Saved:
    """The training as of this step lies whole in the folder."""

    step: int
    folder: Path


@dataclass(frozen=True)
class Resumed:
    """It goes on after this step; `note` says what could not be read, and is empty where all could."""

    step: int
    note: Sentence = field(default_factory=lambda: Sentence(""))


@dataclass(frozen=True)
class Paused:
    """It stands still; told again every few seconds."""

    step: int


Event = Report | SampleDue | Saved | Resumed | Paused
