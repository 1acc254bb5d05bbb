"""A LoRA's file to the products that it adds, by the modules of one model. Refused unless all of it fits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.diffusion.addons import lora_keys
from pipelines.diffusion.addons.lora_keys import ALPHA, DOWN, UP, Place, Places
from pipelines.errors import BadFile
from pipelines.models.addons import files
from pipelines.models.library.adapters import lora_base
from pipelines.models.library.kinds import NAMES


@dataclass(frozen=True)
class Product:
    """up @ down, its alpha / rank already in `up`; of a convolution, the kernel is in `down`."""

    down: Tensor  # (r, in) or (r, in, kh, kw)
    up: Tensor  # (out, r) or (out, r, 1, 1)

    def __call__(self, module: Any, x: Tensor) -> Tensor:
        """What it adds to the module's answer to x, where x is: it may visit a device for this one use."""
        down, up = self.down.to(x), self.up.to(x)
        if isinstance(module, nn.Linear):
            return F.linear(F.linear(x, down), up)
        return F.conv2d(F.conv2d(x, down, None, module.stride, module.padding, module.dilation), up)

    def __deepcopy__(self, memo: Any) -> Product:
        return self  # copies of a module share it, as they share their weights


def read(path: Path, places: Places) -> dict[Place, Product]:
    """A file's products by where they go. Raises BadFile unless every key is known and every shape fits."""
    tensors = files.tensors(path)
    halves = _halves(path, tensors)
    found = {name: _rows(path, name, half[UP], places) for name, half in halves.items()}
    lost = sorted(name for name, rows in found.items() if not rows)
    if lost:
        raise BadFile(
            f"{path.name[:60]} changes {len(lost)} of {len(halves)} modules that this model lacks "
            f"({lost[0][:60]}, ...): it was made for {_made_for(tensors)}. Choose another LoRA or model."
        )
    alphas = _alphas(path)
    products: dict[Place, Product] = {}
    for name, half in halves.items():
        for place, up in found[name].items():
            if place in products:
                raise BadFile(f"{path.name[:60]} changes {place[1][:80]} twice. Get the file again.")
            products[place] = _product(path, half | {UP: up}, places.modules[place], place, alphas)
    return products


def _rows(path: Path, name: str, up: Tensor, places: Places) -> dict[Place, Tensor]:
    """The up half by where its rows go: of an original's fused matrix to several modules."""
    try:
        return places.rows(name, up)
    except RuntimeError:
        raise BadFile(
            f"{path.name[:60]} does not fit this model: the {up.shape[0]} rows of {name[-70:]} cannot be shared out. "
            "Choose another LoRA or model."
        ) from None


def _halves(path: Path, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """By module name of the file: down, up and perhaps alpha."""
    if other := lora_keys.other_kind(iter(tensors)):
        raise BadFile(f"{path.name[:60]} is {other}, not a LoRA; only products of two matrices can be used.")
    halves: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        named = lora_keys.split(key)
        if named is None:
            raise BadFile(f"{path.name[:60]} is no LoRA: it holds {key[:80]}. Put it where its kind belongs.")
        halves[named[0]][named[1]] = tensor
    for name, half in halves.items():
        missing = [role for role in (DOWN, UP) if role not in half]
        if missing:
            raise BadFile(f"{path.name[:60]} lacks the {missing[0]} half of {name[:80]}. Get the file again.")
        if min(half[DOWN].dim(), half[UP].dim()) < 2:
            raise BadFile(f"{path.name[:60]} has halves of {name[:80]} that are no matrices. Get the file again.")
    return dict(halves)


def _product(path: Path, half: dict[str, Tensor], module: Any, place: Place, alphas: dict[str, float]) -> Product:
    down, up = half[DOWN].float(), half[UP].float()
    rank = down.shape[0]
    kernel = tuple(module.weight.shape[2:])  # () of a linear map
    shapes = (rank, module.weight.shape[1], *kernel), (module.weight.shape[0], rank, *(1 for _ in kernel))
    if rank == 0 or not (_is(down, shapes[0]) and _is(up, shapes[1])) or getattr(module, "groups", 1) != 1:
        size = f"{tuple(half[UP].shape)} x {tuple(half[DOWN].shape)} where {tuple(module.weight.shape)} is"
        raise BadFile(
            f"{path.name[:60]} does not fit this model: at {place[1][-70:]} it has {size}. "
            "Choose another LoRA or model."
        )
    alpha = half.get(ALPHA)
    if alpha is not None and alpha.numel() != 1:
        raise BadFile(f"{path.name[:60]} has an alpha that is no number. Get the file again.")
    scale = (float(alpha) if alpha is not None else alphas.get(place[0], rank)) / rank
    return Product(down.reshape(shapes[0]), up.reshape(shapes[1]) * scale)


def _is(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether it has that shape, but for dimensions of 1 at its end: a linear map may be said as a convolution."""
    return tuple(_without_ones(tensor.shape)) == tuple(_without_ones(shape))


def _without_ones(shape: Sequence[int]) -> list[int]:
    kept = list(shape)
    while len(kept) > 2 and kept[-1] == 1:
        kept.pop()
    return kept


def _alphas(path: Path) -> dict[str, float]:
    """Alpha of each part, as diffusers writes it into the header. Raises BadFile for settings that change more."""
    text = files.metadata(path).get("lora_adapter_metadata", "{}")
    try:
        settings = json.loads(text)
        for name, value in settings.items():
            if value and name.rpartition(".")[2] in ("alpha_pattern", "use_rslora", "use_dora", "lora_bias"):
                raise BadFile(f"{path.name[:60]} sets {name[:60]}, which is not supported. Choose another LoRA.")
        said = {name.rpartition("."): value for name, value in settings.items()}
        return {part: float(value) for (part, _, name), value in said.items() if name == "lora_alpha"}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BadFile(f"{path.name[:60]} has settings in its header that are damaged. Get the file again.") from None


def _made_for(tensors: dict[str, Tensor]) -> str:
    return NAMES.get(lora_base({name: tuple(tensor.shape) for name, tensor in tensors.items()}), "another base")
