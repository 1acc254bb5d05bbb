"""Who trains together: one process alone, or several that share each step's parts and the mean of their gradients
(pipelines/training/together.py)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor


class Processes(Protocol):
    """`rank` of `count`; the first one alone writes."""

    @property
    def rank(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def device(self) -> torch.device: ...

    def mean(self, tensors: Sequence[Tensor]) -> None:
        """Each becomes the mean over the processes, in place; float32 of the same shapes everywhere."""
        ...

    def from_first(self, values: Sequence[bool]) -> list[bool]:
        """The first process's."""
        ...

    def autocast(self) -> AbstractContextManager:
        """Inside, networks compute in the precision that was chosen."""
        ...


class Alone:
    """One process, on the CPU, in the weights' own precision."""

    rank, count = 0, 1
    device = torch.device("cpu")

    def mean(self, tensors: Sequence[Tensor]) -> None:
        pass

    def from_first(self, values: Sequence[bool]) -> list[bool]:
        return list(values)

    def autocast(self) -> AbstractContextManager:
        return nullcontext()
