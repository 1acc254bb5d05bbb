"""An IP-Adapter's file to what a picture goes through: a projection, then keys and values of each cross-attention."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.models.addons import files
from pipelines.models.addons.ip_files import ATTENTION, PROJECTION

PLACE = re.compile(r"(\d{1,6})\.to_([kv])_ip\.weight")


class Keys(nn.Linear):
    """Of tokens whose last number says how strongly each is followed; it is not part of what they say."""

    def forward(self, tokens: Tensor) -> Tensor:  # (..., D + 1) -> (..., H)
        return super().forward(tokens[..., :-1])


class Values(nn.Linear):
    """As strong as the tokens' last number: attention is linear in its values, so that scales what comes out of it."""

    def forward(self, tokens: Tensor) -> Tensor:  # (..., D + 1) -> (..., H)
        return super().forward(tokens[..., :-1]) * tokens[..., -1:]


@dataclass(frozen=True)
class IPAdapter:
    """The adapter on a device, for the device manager. `processors` are in the order of the UNet's attentions."""

    projection: Any
    processors: tuple[Any, ...]

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for module in (self.projection, *self.processors) for p in module.parameters())

    def to(self, device: Any) -> IPAdapter:
        for module in (self.projection, *self.processors):
            module.to(device)
        return self

    def tokens(self, embeds: Tensor) -> Tensor:
        """What the image encoder said of one picture -> (T, D), as long as words and as wide."""
        like = next(self.projection.parameters())
        with torch.inference_mode():
            return self.projection(embeds.to(like.device, like.dtype))[0]


def load(path: Path, dtype: Any) -> IPAdapter:
    """Raises BadFile for weights that are not numbers, are missing, or do not go together."""
    tensors = files.tensors(path)
    with libs.door:
        projection = _projection(path, tensors, dtype)
        processors = tuple(_processor(key.to(dtype), value.to(dtype)) for key, value in _pairs(path, tensors))
    return IPAdapter(projection, processors)


def _projection(path: Path, tensors: dict[str, Tensor], dtype: Any) -> Any:
    """As diffusers reads it. Its module is made without memory first: sizes in a stranger's file may be anything."""
    given = {name.removeprefix(PROJECTION): t for name, t in tensors.items() if name.startswith(PROJECTION)}
    unet = libs.named("diffusers", "UNet2DConditionModel")
    for_model = SimpleNamespace(device=torch.device("cpu"), dtype=dtype)
    try:
        module = unet._convert_ip_adapter_image_proj_to_diffusers(for_model, given, low_cpu_mem_usage=True)
    except (KeyError, IndexError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    if any(p.is_meta for p in module.parameters()) or _size(module.parameters()) != _size(given.values()):
        raise _damaged(path)
    return module.eval().requires_grad_(False)


def _pairs(path: Path, tensors: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Keys and values (H, D) of each place, in order."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if place := PLACE.fullmatch(name.removeprefix(ATTENTION)):
            found.setdefault(int(place[1]), {})[place[2]] = tensor
    pairs = [found[place] for place in sorted(found)]
    if not pairs or any(len(pair) < 2 or pair["k"].dim() != 2 or pair["k"].shape != pair["v"].shape for pair in pairs):
        raise _damaged(path)
    return [(pair["k"], pair["v"]) for pair in pairs]


def _processor(key: Tensor, value: Tensor) -> Any:
    kind = libs.function("diffusers.models.attention_processor", "IPAdapterAttnProcessor2_0")
    with torch.device("meta"):
        processor = kind(*key.shape)
    processor.to_k_ip, processor.to_v_ip = _layers(Keys, key), _layers(Values, value)
    return processor.eval().requires_grad_(False)


def joined(processor: Any, more: Any) -> Any:
    """A processor that reads the pictures of both; `more` alone where the first reads none."""
    if not hasattr(processor, "to_k_ip"):
        return more
    layer = more.to_k_ip[0]
    kind = type(more)
    with torch.device("meta"):
        both = kind(layer.out_features, layer.in_features, num_tokens=(4,) * (len(processor.to_k_ip) + 1))
    both.to_k_ip = nn.ModuleList([*processor.to_k_ip, *more.to_k_ip])
    both.to_v_ip = nn.ModuleList([*processor.to_v_ip, *more.to_v_ip])
    return both.eval()


def _layers(kind: type[nn.Linear], weight: Tensor) -> nn.ModuleList:
    layer = kind(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return nn.ModuleList([layer])


def _size(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _damaged(path: Path) -> BadFile:
    return BadFile(
        "{file} lacks weights of an IP-Adapter or mixes two. Get the file again.", file=files.name_of(path)[:60]
    )
