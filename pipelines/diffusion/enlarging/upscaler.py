"""Doubles flat art: a bicubic enlargement, and what a small network of ours adds to it.

The network sees each pixel only as its difference from its surroundings, so a plain area stays exactly what it is. It
looks no further than MARGIN pixels; tiles that overlap by that much give the picture that it would give at once.
"""

import threading
from collections.abc import Generator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from pipelines import places
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadFile, BadRequest
from pipelines.events import Progress
from pipelines.models import strangers
from pipelines.requests.limits import FACTORS

WEIGHTS = places.EMBEDDED / "upscaler" / "model.safetensors"
WIDTH, LAYERS = 32, 6
SLOPE = 0.1
SURROUNDINGS = 3
"""A pixel's surroundings reach this far; their mean is taken off it."""
MARGIN = LAYERS + SURROUNDINGS
TILE = 128
"""The side of a tile without its margins: bounds the memory, whatever the size of the picture."""

Picture = NDArray[np.uint8]


class Doubler(nn.Module):
    """(N, 3, H + 2 MARGIN, W + 2 MARGIN) -> (N, 3, 2H, 2W), both about in [0, 1]; no layer pads."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *[WIDTH] * (LAYERS - 1), 3 * 2 * 2)
        layers = [nn.Conv2d(before, after, 3) for before, after in pairwise(widths)]
        for layer in layers[:-1]:
            nn.init.kaiming_normal_(layer.weight, SLOPE)
        nn.init.zeros_(layers[-1].weight)  # begins as plain bicubic
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        base = F.interpolate(x, scale_factor=2, mode="bicubic")
        base = base[..., 2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN]  # (N, 3, 2H, 2W)
        s = SURROUNDINGS
        difference = x[..., s:-s, s:-s] - F.avg_pool2d(x, 2 * s + 1, stride=1)  # (N, 3, H + 2 LAYERS, W + 2 LAYERS)
        nothing = torch.zeros_like(difference[:1, :, : 2 * LAYERS + 1, : 2 * LAYERS + 1])
        return base + F.pixel_shuffle(self._answer(difference) - self._answer(nothing), 2)

    def _answer(self, difference: Tensor) -> Tensor:
        *inner, last = self.layers
        for layer in inner:
            difference = F.leaky_relu(layer(difference), SLOPE)
        return last(difference)  # (N, 12, H, W)


class Upscaler:
    """The network on a device. One picture at a time, so that several jobs take no more memory than one."""

    def __init__(self, doubler: Doubler) -> None:
        self._doubler = doubler.eval().requires_grad_(False)
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self._doubler.parameters())

    def to(self, device: Any) -> "Upscaler":
        self._doubler.to(device)
        return self

    def __call__(self, picture: Picture, factor: int, tile: int = TILE) -> Picture:
        """`enlarge` in one go."""
        steps = self.enlarge(picture, factor, tile)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def enlarge(self, picture: Picture, factor: int, tile: int = TILE) -> Generator[Progress, None, Picture]:
        """uint8 (H, W, 3) -> uint8 (factor H, factor W, 3), telling before each tile how many of all are done.

        Raises BadRequest where the factor is not 2 or 4.
        """
        if factor not in FACTORS.values():
            raise BadRequest("factor must be 2 or 4; got {got}.", got=factor)
        height, width = picture.shape[:2]
        passes = [2**i for i in range(factor.bit_length() - 1)]
        total = sum(len(_tiles(height * grown, width * grown, tile)) for grown in passes)
        done = 0
        for grown in passes:
            padded = np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
            doubled = np.empty((2 * height * grown, 2 * width * grown, 3), np.uint8)
            for top, left, bottom, right in _tiles(height * grown, width * grown, tile):
                yield Progress("upscaling", done, total)
                part = padded[top : bottom + 2 * MARGIN, left : right + 2 * MARGIN]
                doubled[2 * top : 2 * bottom, 2 * left : 2 * right] = self._double(part)
                done += 1
            picture = doubled
        return picture

    def _double(self, part: Picture) -> Picture:
        """A tile with its margins, uint8 (h + 2 MARGIN, w + 2 MARGIN, 3) -> uint8 (2h, 2w, 3)."""
        device = next(self._doubler.parameters()).device
        with self._lock, torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(part)).to(device).permute(2, 0, 1)[None].float() / 255
            levels = self._doubler(x)[0].clamp(0, 1).mul(255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).cpu().numpy()


def upscale(picture: Picture, factor: int, devices: DeviceManager) -> Picture:
    """uint8 (H, W, 3) -> uint8 (factor H, factor W, 3), in one go."""
    with lease(devices) as upscaler:
        return upscaler(picture, factor)


def lease(devices: DeviceManager) -> AbstractContextManager[Upscaler]:
    """The upscaler on the device, for the block's time. Raises BadFile where its weights are missing or damaged."""
    return devices.lease("upscaler", load)


def load(file: Path = WEIGHTS) -> Upscaler:
    """The upscaler with the weights of a file, computing in float32 whatever they are stored in."""
    if not file.is_file():
        raise BadFile("the upscaler's weights are missing (assets/models/upscaler/model.safetensors). Copy them again.")
    doubler = Doubler()
    wanted = {name: tuple(weight.shape) for name, weight in doubler.state_dict().items()}
    if strangers.check_safetensors(file) != wanted:
        raise BadFile("the upscaler's weights are those of another network. Copy assets/models/upscaler again.")
    doubler.load_state_dict(load_file(file))
    return Upscaler(doubler)


def _tiles(height: int, width: int, side: int) -> list[tuple[int, int, int, int]]:
    """(top, left, bottom, right) of tiles of at most side x side that cover the picture once."""
    return [
        (top, left, min(top + side, height), min(left + side, width))
        for top in range(0, height, side)
        for left in range(0, width, side)
    ]
