"""DoRA (arXiv:2402.09353): the direction of W + s up down, and a learned magnitude m: W' = m (W + D) / |W + D|.

The norm is of each row (peft; LyCORIS by default, `dora_scale` of (out, 1, ...)) or of each column over all rows
(LyCORIS with wd_on_out=False and OneTrainer, `dora_scale` of (1, in, ...)). Alpha is inside of the norm, as all of them
train it; A1111 applies it to the finished difference instead, and ComfyUI takes the norm of each row of W alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pipelines.diffusion.addons.lora_keys import Place
from pipelines.diffusion.addons.lora_terms import Misfit, Rescaled, Term

Rows = Mapping[Place, tuple[Any, Tensor | None]]
"""Each module, and which rows of the file's matrix it has, None for all."""


def decomposed(pieces: Mapping[Place, Term], magnitude: Tensor, modules: Rows) -> dict[Place, Term]:
    """The same terms of one matrix with their directions' lengths: (out,), (out, 1, ...) or (1, in, ...).

    Raises Misfit.
    """
    merged = {place: _merged(pieces[place], module) for place, (module, _) in modules.items()}
    lengths = magnitude.flatten()
    if magnitude.dim() > 1 and magnitude.shape[0] == 1 < len(lengths):
        squares = sum(weight.square().transpose(0, 1).flatten(1).sum(1) for weight in merged.values())
        gain = _gain(lengths, torch.as_tensor(squares).sqrt())
        return {place: Rescaled(pieces[place], into=gain).shaped(module) for place, (module, _) in modules.items()}
    return {
        place: Rescaled(
            pieces[place], _gain(lengths if rows is None else lengths[rows], merged[place].flatten(1).norm(dim=1))
        ).shaped(module)
        for place, (module, rows) in modules.items()
    }


def _merged(piece: Term, module: Any) -> Tensor:
    weight = module.weight.detach()
    return weight.float() + piece.matrix(module).to(weight.device)


def _gain(magnitude: Tensor, norm: Tensor) -> Tensor:
    """How much longer each row or column becomes, less 1."""
    if magnitude.shape != norm.shape:
        raise Misfit
    return magnitude / norm.cpu().clamp_min(torch.finfo(torch.float32).eps) - 1
