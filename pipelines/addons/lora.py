"""LoRA (arXiv:2106.09685): W x + scale * up(down x), the product held beside weights that stay as they are.

The model with LoRAs is a variant that shares every tensor of the base, so that two jobs with different ones share the
base and nothing else, and without them the base is what it was, bit for bit.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.addons import files, lora_keys
from pipelines.addons.lora_keys import ALPHA, DOWN, UP, Places
from pipelines.addons.requests import Wanted
from pipelines.addons.sharing import sharing
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile

PARTS = ("unet", "transformer", "text_encoder", "text_encoder_2")
CONTEXT_WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "SDXL"}
Place = tuple[str, str]  # a part, and the path of a module in it


@dataclass(frozen=True)
class Product:
    """up @ down, its alpha / rank already in `up`; of a convolution, the kernel is in `down`."""

    down: Tensor  # (r, in) or (r, in, kh, kw)
    up: Tensor  # (out, r) or (out, r, 1, 1)

    def __mul__(self, weight: float) -> Product:
        return Product(self.down, self.up * weight)


class Added:
    """A hook that adds a product to what a module answers."""

    def __init__(self, products: Sequence[Product], module: Any) -> None:
        like = {"dtype": module.weight.dtype, "device": module.weight.device}
        self._down = torch.cat([product.down for product in products]).to(**like)  # (sum of ranks, in, ...)
        self._up = torch.cat([product.up for product in products], dim=1).to(**like)

    def __call__(self, module: Any, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        if isinstance(module, nn.Linear):
            return answer + F.linear(F.linear(given[0], self._down), self._up)
        low = F.conv2d(given[0], self._down, None, module.stride, module.padding, module.dilation)
        return answer + F.conv2d(low, self._up)


def with_loras(bundle: Bundle, wanted: Sequence[Wanted]) -> Bundle:
    """The model with LoRAs of those names, each with its weight in the network and in the text encoders.

    Raises NotFound for a name that is not here and BadFile for a file that does not fit; nothing has changed then.
    """
    parts = {name: part for name in PARTS if (part := bundle.part(name)) is not None}
    places = Places(parts, bundle.network_part)
    added: defaultdict[Place, list[Product]] = defaultdict(list)
    told = []
    for name, weight, text_weight in wanted:
        path = files.find(files.LORA, name)
        for place, product in read(path, places).items():
            scale = weight if place[0] == bundle.network_part else text_weight
            if scale:
                added[place].append(product * scale)
        if weight:
            told.append((files.identity(path), float(weight)))
    if not added:
        return bundle
    changed = {part: _changed(parts[part], part, added) for part in {part for part, _ in added}}
    in_network = bundle.network_part in changed
    mark = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
    return bundle.with_parts(changed, f"{bundle.key}+{mark}" if in_network else bundle.key)


def _changed(module: Any, part: str, added: dict[Place, list[Product]]) -> Any:
    copy = sharing(module)
    for (whose, path), products in added.items():
        if whose == part:
            target = copy.get_submodule(path)
            target.register_forward_hook(Added(products, target))
    return copy


def read(path: Path, places: Places) -> dict[Place, Product]:
    """A file's products by where they go. Raises BadFile unless every key is known and every shape fits."""
    tensors = files.tensors(path)
    halves = _halves(path, tensors)
    found = {name: places.find(name) for name in halves}
    lost = sorted(name for name, place in found.items() if place is None)
    if lost:
        raise BadFile(
            f"{path.name[:60]} changes {len(lost)} of {len(halves)} modules that this model lacks "
            f"({lost[0][:60]}, ...): it was made for {_made_for(tensors)}. Choose another LoRA or model."
        )
    alphas = _alphas(path)
    products: dict[Place, Product] = {}
    for name, half in halves.items():
        place = found[name]
        assert place is not None
        if place in products:
            raise BadFile(f"{path.name[:60]} changes {place[1][:80]} twice. Get the file again.")
        products[place] = _product(path, half, places.modules[place], place, alphas)
    return products


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
    return dict(halves)


def _product(path: Path, half: dict[str, Tensor], module: Any, place: Place, alphas: dict[str, float]) -> Product:
    down, up = half[DOWN].float(), half[UP].float()
    rank = down.shape[0] if down.dim() else 0
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
    """The base that a file was made for, by the width of the text it attends to."""
    if any(mark in key for key in tensors for mark in ("double_blocks", "single_transformer_blocks")):
        return "FLUX"
    if any("joint_blocks" in key or ".add_k_proj" in key for key in tensors):
        return "Stable Diffusion 3"
    if any(key.startswith(("lora_te2_", "text_encoder_2.")) or "add_embedding" in key for key in tensors):
        return "SDXL"
    texts = (
        tensor.shape[1] for key, tensor in tensors.items() if "attn2" in key and "to_k" in key and tensor.dim() > 1
    )
    return next((CONTEXT_WIDTHS[width] for width in texts if width in CONTEXT_WIDTHS), "another base")
