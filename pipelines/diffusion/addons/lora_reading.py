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
from pipelines.errors import BadFile, Sentence
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
            "{file} changes {number} of {all} modules that this model lacks ({first}, ...): it was made for "
            "{base}. Choose another LoRA or model.",
            file=path.name[:60],
            number=len(lost),
            all=len(halves),
            first=lost[0][:60],
            base=_made_for(tensors),
        )
    alphas = _alphas(path)
    products: dict[Place, Product] = {}
    for name, half in halves.items():
        for place, up in found[name].items():
            if place in products:
                raise BadFile(
                    "{file} changes {place} twice. Get the file again.", file=path.name[:60], place=place[1][:80]
                )
            products[place] = _product(path, half | {UP: up}, places.modules[place], place, alphas)
    return products


def _rows(path: Path, name: str, up: Tensor, places: Places) -> dict[Place, Tensor]:
    """The up half by where its rows go: of an original's fused matrix to several modules."""
    try:
        return places.rows(name, up)
    except RuntimeError:
        raise BadFile(
            "{file} does not fit this model: the {rows} rows of {name} cannot be shared out. Choose another "
            "LoRA or model.",
            file=path.name[:60],
            rows=up.shape[0],
            name=name[-70:],
        ) from None


def _halves(path: Path, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """By module name of the file: down, up and perhaps alpha."""
    if other := lora_keys.other_kind(iter(tensors)):
        raise BadFile(
            "{file} is {other}, not a LoRA; only products of two matrices can be used.",
            file=path.name[:60],
            other=other,
        )
    halves: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        named = lora_keys.split(key)
        if named is None:
            raise BadFile(
                "{file} is no LoRA: it holds {held}. Put it where its kind belongs.", file=path.name[:60], held=key[:80]
            )
        halves[named[0]][named[1]] = tensor
    for name, half in halves.items():
        missing = [role for role in (DOWN, UP) if role not in half]
        if missing:
            raise BadFile(
                "{file} lacks the {missing} half of {name}. Get the file again.",
                file=path.name[:60],
                missing=missing[0],
                name=name[:80],
            )
        if min(half[DOWN].dim(), half[UP].dim()) < 2:
            raise BadFile(
                "{file} has halves of {name} that are no matrices. Get the file again.",
                file=path.name[:60],
                name=name[:80],
            )
    return dict(halves)


def _product(path: Path, half: dict[str, Tensor], module: Any, place: Place, alphas: dict[str, float]) -> Product:
    down, up = half[DOWN].float(), half[UP].float()
    rank = down.shape[0]
    kernel = tuple(module.weight.shape[2:])  # () of a linear map
    shapes = (rank, module.weight.shape[1], *kernel), (module.weight.shape[0], rank, *(1 for _ in kernel))
    if rank == 0 or not (_is(down, shapes[0]) and _is(up, shapes[1])) or getattr(module, "groups", 1) != 1:
        raise BadFile(
            "{file} does not fit this model: at {place} it has {up} x {down} where {weight} is. Choose another LoRA or "
            "model.",
            file=path.name[:60],
            place=place[1][-70:],
            up=tuple(half[UP].shape),
            down=tuple(half[DOWN].shape),
            weight=tuple(module.weight.shape),
        )
    alpha = half.get(ALPHA)
    if alpha is not None and alpha.numel() != 1:
        raise BadFile("{file} has an alpha that is no number. Get the file again.", file=path.name[:60])
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
                raise BadFile(
                    "{file} sets {name}, which is not supported. Choose another LoRA.",
                    file=path.name[:60],
                    name=name[:60],
                )
        said = {name.rpartition("."): value for name, value in settings.items()}
        return {part: float(value) for (part, _, name), value in said.items() if name == "lora_alpha"}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BadFile(
            "{file} has settings in its header that are damaged. Get the file again.", file=path.name[:60]
        ) from None


def _made_for(tensors: dict[str, Tensor]) -> str:
    return NAMES.get(
        lora_base({name: tuple(tensor.shape) for name, tensor in tensors.items()}), Sentence("another base")
    )
