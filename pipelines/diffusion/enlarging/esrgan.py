"""Upscaling networks that other people trained: RRDBNet (ESRGAN, arXiv:1809.00219; Real-ESRGAN, arXiv:2107.10833) and
Real-ESRGAN's compact one, built after the shapes in their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.errors import BadFile, Sentence
from pipelines.models.addons import files

SLOPE, RESIDUAL = 0.2, 0.2
WRAPPERS = ("params_ema.", "params.", "module.")
MOST_BLOCKS = 64
OTHERS = {
    "relative_position": Sentence("SwinIR, HAT or DAT"),
    "upsampler.dysample": Sentence("DySample"),
    "attn": Sentence("a transformer"),
}


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the answers of all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for i in range(1, 6):
            conv = nn.Conv2d(width + (i - 1) * growth, growth if i < 5 else width, 3, padding=1)
            self.add_module(f"conv{i}", conv)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for i in range(1, 5):
            seen = torch.cat([seen, F.leaky_relu(self.get_submodule(f"conv{i}")(seen), SLOPE)], 1)
        return x + RESIDUAL * self.get_submodule("conv5")(seen)


class Rrdb(nn.Module):
    """Three dense blocks, and a way around them."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(width, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """(N, 3, H, W) -> (N, 3, scale H, scale W), both about in [0, 1]. `folded` takes squares of that side as channels
    before all else, so that a network that quadruples doubles or keeps the size."""

    def __init__(self, width: int, growth: int, blocks: int, doublings: int, folded: int) -> None:
        super().__init__()
        self.folded, self.doublings = folded, doublings
        self.scale = 2**doublings // folded
        self.margin = folded * (15 * blocks + 4)
        self.conv_first = nn.Conv2d(3 * folded**2, width, 3, padding=1)
        self.body = nn.Sequential(*(Rrdb(width, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        for i in range(1, doublings + 1):
            self.add_module(f"conv_up{i}", nn.Conv2d(width, width, 3, padding=1))
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv_first(F.pixel_unshuffle(x, self.folded))
        x = first + self.conv_body(self.body(first))
        for i in range(1, self.doublings + 1):
            x = F.leaky_relu(self.get_submodule(f"conv_up{i}")(F.interpolate(x, scale_factor=2)), SLOPE)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE))


class Compact(nn.Module):
    """Convolutions with PReLU in between, whose answer is added to the enlarged picture."""

    folded = 1

    def __init__(self, width: int, layers: int, scale: int) -> None:
        super().__init__()
        self.scale, self.margin = scale, layers
        widths = [3, *[width] * (layers - 1), 3 * scale**2]
        body: list[nn.Module] = []
        for i in range(layers):
            body += [nn.Conv2d(widths[i], widths[i + 1], 3, padding=1), nn.PReLU(width)]
        self.body = nn.Sequential(*body[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.scale) + F.pixel_shuffle(self.body(x), self.scale)


def load(path: Path) -> Any:
    """The network of a file. Raises BadFile unless every weight is known and fits."""
    tensors = {_bare(name): tensor.float() for name, tensor in files.tensors(path).items()}
    renamed = dict(_renamed(tensors))
    try:
        network = _network(renamed)
    except (KeyError, IndexError, ValueError):
        network = None
    if network is None or _shapes(network.state_dict()) != _shapes(renamed):
        kinds = (label for mark, label in OTHERS.items() if any(mark in name for name in tensors))
        kind = next(kinds, Sentence("another kind"))
        raise BadFile(
            "{file} is an upscaler of {kind} ({tensor}); only ESRGAN, Real-ESRGAN and its compact form can "
            "be used. Choose another.",
            file=path.name[:60],
            kind=kind,
            tensor=min(tensors)[:60],
        )
    network.load_state_dict(renamed)
    return network.eval().requires_grad_(False)


def _network(tensors: Mapping[str, Tensor]) -> Any:
    if "body.0.weight" in tensors:
        width, layers = len(tensors["body.0.weight"]), sum(tensor.dim() == 4 for tensor in tensors.values())
        last = tensors[f"body.{2 * layers - 2}.weight"]
        return Compact(width, layers, _root(len(last)))
    width, seen = tensors["conv_first.weight"].shape[:2]
    blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("body."))
    doublings = sum(name.startswith("conv_up") and name.endswith("weight") for name in tensors)
    if blocks > MOST_BLOCKS or doublings > 3:
        raise ValueError("more than any real one")
    folded = _root(seen)
    if 2**doublings % folded:
        raise ValueError("makes the picture smaller")
    return RRDBNet(width, len(tensors["body.0.rdb1.conv1.weight"]), blocks, doublings, folded)


def _root(channels: int) -> int:
    """The side of the squares of RGB pixels that so many channels hold."""
    side = round((channels / 3) ** 0.5)
    if 3 * side**2 != channels or side not in (1, 2, 4, 8):
        raise ValueError("no squares of pixels")
    return side


def _bare(name: str) -> str:
    for wrapper in WRAPPERS:
        name = name.removeprefix(wrapper)
    return name


def _renamed(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """All names as Real-ESRGAN has them; the old ones number the layers, the very first ones say RRDB_trunk."""
    numbers = {int(found[1]) for name in tensors if (found := re.fullmatch(r"model\.(\d+)\.weight", name))}
    *doublings, fine, last = sorted(numbers - {0}) if len(numbers) > 2 else (-2, -1)
    layers = {0: "conv_first", fine: "conv_hr", last: "conv_last"}
    layers |= {number: f"conv_up{i}" for i, number in enumerate(doublings, 1)}
    for name, tensor in tensors.items():
        new = re.sub(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0\.", r"body.\1.rdb\2.\3.", name)
        new = re.sub(r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2.", new)
        new = re.sub(r"^model\.1\.sub\.\d+\.", "conv_body.", new)
        new = re.sub(r"^model\.(\d+)\.", lambda found: f"{layers.get(int(found[1]), found[0])}.", new)
        for theirs, ours in (("trunk_conv.", "conv_body."), ("upconv", "conv_up"), ("HRconv.", "conv_hr.")):
            new = re.sub(f"^{theirs}", ours, new)
        yield new, tensor


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
