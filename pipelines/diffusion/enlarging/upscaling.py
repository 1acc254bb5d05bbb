"""An upscaler of somebody else at work: tile by tile with margins, so that memory is bounded and no seam shows."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging import esrgan
from pipelines.events import Progress
from pipelines.models.addons import files

TILE = 128
MOST_MARGIN = 48
"""Deep networks could look further; what lies beyond it moves no level of the result."""

Picture = NDArray[np.uint8]


class Foreign:
    """The network on a device. One tile at a time, so that several jobs take no more memory than one."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self._network.parameters())

    def to(self, device: Any) -> Foreign:
        self._network.to(device)
        return self

    def enlarge(self, picture: Picture, factor: int, tile: int = TILE) -> Generator[Progress, None, Picture]:
        """uint8 (H, W, 3) -> uint8 (factor H, factor W, 3), telling before each tile how many are done.

        The network runs until the picture is at least as large as asked for; what is too large is made smaller.
        """
        height, width = picture.shape[:2]
        grown = yield from self._once(picture, tile)
        while self._network.scale > 1 and grown.shape[0] < factor * height:
            grown = yield from self._once(grown, tile)
        if grown.shape[0] == factor * height:
            return grown
        size = factor * width, factor * height
        return np.array(Image.fromarray(grown).resize(size, Image.Resampling.LANCZOS))

    def _once(self, picture: Picture, tile: int) -> Generator[Progress, None, Picture]:
        height, width = picture.shape[:2]
        scale, fold = self._network.scale, self._network.folded
        padded = np.pad(picture, ((0, -height % fold), (0, -width % fold), (0, 0)), mode="edge")
        enlarged = np.empty((padded.shape[0] * scale, padded.shape[1] * scale, 3), np.uint8)
        margin = min(self._network.margin, MOST_MARGIN // fold * fold)
        corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
        for done, (top, left) in enumerate(corners):
            yield Progress("upscaling", done, len(corners))
            above, before = min(top, margin), min(left, margin)
            part = self._run(padded[top - above : top + tile + margin, left - before : left + tile + margin])
            whole = part[above * scale :][: tile * scale, before * scale :][:, : tile * scale]
            inside = enlarged[top * scale :, left * scale :][: tile * scale, : tile * scale]
            inside[:] = whole[: inside.shape[0], : inside.shape[1]]
        return enlarged[: height * scale, : width * scale]

    def _run(self, part: Picture) -> Picture:
        device = next(self._network.parameters()).device
        with self._lock, torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(part)).to(device).permute(2, 0, 1)[None].float() / 255
            levels = self._network(x)[0].clamp(0, 1).mul(255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).cpu().numpy()


def lease(name: str, devices: DeviceManager) -> AbstractContextManager[Foreign]:
    """The upscaler of that name on the device, for the block's time. Raises NotFound, BadFile."""
    path = files.find(files.UPSCALER, name)
    mark = hashlib.sha256(files.identity(path).encode()).hexdigest()[:16]
    return devices.lease(f"{name}@{mark}", lambda: Foreign(esrgan.load(path)))
