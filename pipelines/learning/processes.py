"""Who trains together: one process alone, or several that share each step's parts and the mean of their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
import torch.distributed as dist
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


class Together:
    """As many as torchrun or accelerate started, one too: on graphics cards, or on the CPU over gloo."""

    def __init__(self, mixed_precision: str = "no") -> None:
        from accelerate import Accelerator

        cpu = not torch.accelerator.is_available()  # else several CPU processes would not know of one another
        self.accelerator = Accelerator(cpu=cpu, mixed_precision=mixed_precision)
        self.rank: int = self.accelerator.process_index
        self.count: int = self.accelerator.num_processes
        self.device: torch.device = self.accelerator.device

    def mean(self, tensors: Sequence[Tensor]) -> None:
        if self.count == 1:
            return
        message = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(message)
        message /= self.count
        for tensor, part in zip(tensors, message.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def from_first(self, values: Sequence[bool]) -> list[bool]:
        if self.count == 1:
            return list(values)
        message = torch.tensor(values, dtype=torch.uint8, device=self.device)
        dist.broadcast(message, src=0)
        return [bool(value) for value in message.tolist()]

    def autocast(self) -> AbstractContextManager:
        return self.accelerator.autocast()

    def first_before_others(self) -> AbstractContextManager:
        """Inside, the first process does its work while the others still wait."""
        return self.accelerator.main_process_first()

    def close(self) -> None:
        """When all are done: who leaves while another still reads makes it fail."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
