"""The papers' count of timesteps, in which every experiment is asked and answers: t = 0 is clean, t = 1 … T is noise.

Tables of a process begin with the first noise and so do the numbers that networks are fed: both lie one below t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import libs

if TYPE_CHECKING:
    from torch import Tensor


def index_of(t: int) -> int:
    """Where the tables of a process hold the step t, from 1 to T."""
    return t - 1


def t_of(index: float) -> float:
    """The papers' t of a place in those tables, or of the number that a network is fed, which need not be whole."""
    return index + 1


def from_clean(clean: float, table: Tensor) -> Tensor:
    """(T,) -> (T + 1,): a table with what holds at t = 0 before it."""
    return libs.torch().cat([table.new_tensor([clean]), table])
