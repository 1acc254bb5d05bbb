"""The data sets that every family can learn: points in the plane, digits, icons; each with its exact split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pipelines.data import digits, icons, points, subjects
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.theory.ideal import Distribution

POINTS_KEPT = 4000
"""Points of each part of the split."""
UNSEEN = 1_000_000


@dataclass(frozen=True, eq=False)
class DataSet:
    """x (N, *shape) float32 about [-1, 1], labels (N,) from 0 (-1 where there are no classes)."""

    name: str
    shape: tuple[int, ...]
    classes: int
    levels: int
    """Equidistant values that x takes from -1 to 1; 0 for continuous data."""
    training: Callable[[], tuple[Tensor, Tensor]]
    held_out: Callable[[], tuple[Tensor, Tensor]]
    exact: Distribution | None = None
    """The distribution itself, where it is known."""


def names() -> tuple[str, ...]:
    return (*points.POINTS, "digits", "icons")


def get(name: str) -> DataSet:
    """Raises BadRequest."""
    if name == "digits":
        return DataSet(
            name, (1, 8, 8), digits.CLASSES, digits.LEVELS, _as_pictures(digits.training), _as_pictures(digits.held_out)
        )
    if name == "icons":
        return DataSet(name, (3, 32, 32), len(icons.CLASSES), icons.LEVELS, icons.training, icons.held_out)
    if name not in points.POINTS:
        raise BadRequest("data must be one of {known}; got {got!r}.", known=", ".join(names()), got=name[:40])
    exact = points.get(name)
    return DataSet(name, (2,), 0, 0, lambda: _drawn(exact, 1), lambda: _drawn(exact, UNSEEN), exact)


def class_names(name: str) -> dict[str, list[str]]:
    """What the classes are called, in English ("en") and in Chinese ("zh"); none for points."""
    if name == "icons":
        known = [subjects.table()[subject] for subject in icons.CLASSES]
        return {"en": [subject.english[0] for subject in known], "zh": [subject.chinese[0] for subject in known]}
    return dict.fromkeys(("en", "zh"), [str(label) for label in range(get(name).classes)])


def _as_pictures(load: Callable[[], tuple[Tensor, Tensor]]) -> Callable[[], tuple[Tensor, Tensor]]:
    def pictures() -> tuple[Tensor, Tensor]:
        flat, labels = load()
        return flat.view(-1, 1, digits.SIDE, digits.SIDE), labels

    return pictures


def _drawn(exact: Distribution, seed: int) -> tuple[Tensor, Tensor]:
    x = exact.sample(POINTS_KEPT, torch.Generator().manual_seed(seed)).float()
    return x, torch.full((len(x),), -1)
