"""How many numbers a LoRA's file adds to a model, by its header: its factors may be small and their product is not."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor

from pipelines.diffusion.addons.lora_keys import ALPHA, DORA, MAGNITUDE, SCALE, by_module
from pipelines.diffusion.addons.lora_kinds import built
from pipelines.diffusion.addons.lora_terms import Misfit
from pipelines.models import strangers
from pipelines.models.addons import files
from pipelines.models.strangers import Shapes

READ = (ALPHA, SCALE, "on_input")
"""What is read while a term is built; of all else the shape is enough."""


def numbers(path: Path) -> int:
    """Of all that the file could add to a model which has every module. Raises BadFile."""
    return _numbers(path, files.identity(path))


@functools.lru_cache(maxsize=64)
def _numbers(path: Path, state: str) -> int:
    shapes = strangers.check_safetensors(path)
    return sum(_of_module(shapes, keys) for keys in by_module(shapes).values())


def _of_module(shapes: Shapes, keys: dict[str, str]) -> int:
    roles = {role: _stand_in(role, shapes[key]) for role, key in keys.items()}
    try:
        whole = built(roles, lambda rank: 1.0)
    except Misfit:
        return 0
    lengths = sum(roles[role].numel() for role in (DORA, MAGNITUDE) if whole and role in whole.roles)
    return lengths + sum(tensor.numel() for tensor in whole.term.tensors()) if whole else 0


def _stand_in(role: str, shape: tuple[int, ...]) -> Tensor:
    return torch.ones(shape) if role in READ else torch.empty(shape, device="meta")
