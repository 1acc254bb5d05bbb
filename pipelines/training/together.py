"""Several processes that learn as one, by accelerate: on graphics cards, or on the CPU over gloo."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import Tensor


class Together:
    """As many as torchrun or accelerate started, one too: on graphics cards, or on the CPU over gloo."""

    def __init__(self, mixed_precision: str = "no") -> None:
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
