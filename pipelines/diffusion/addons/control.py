"""ControlNet (arXiv:2302.05543): a second network sees a picture of edges, depth or a pose, and adds what it says to
the UNet's inner states. Each row of a batch brings its own picture, strength and part of the steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.device.manager import DeviceManager
from pipelines.device.worker import Network
from pipelines.diffusion.addons import control_loading
from pipelines.diffusion.addons.control_picture import hint
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.start import fitted
from pipelines.errors import BadRequest, NotFound
from pipelines.models.addons import files
from pipelines.requests.addons import controlled
from pipelines.theory.path import NoisePath

PICTURE, STRENGTH = "control_picture", "control_strength"


@dataclass(frozen=True)
class ControlledNetwork:
    """A UNet with a ControlNet beside it."""

    unet: UNetNetwork
    control: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        words = {name: tensor for name, tensor in context.items() if name not in (PICTURE, STRENGTH)}
        scale, first, last = context[STRENGTH].unbind(1)  # each (n,)
        scale = torch.where((timesteps <= first) & (timesteps >= last), scale, 0)
        if not bool(scale.any()):
            return self.unet(x, timesteps, words)
        dtype = self.control.dtype
        down, middle = self.control(
            x.to(dtype),
            timesteps,
            controlnet_cond=context[PICTURE].to(dtype),
            return_dict=False,
            **self.unet.network_inputs(words),
        )
        scale = scale.to(dtype)[:, None, None, None]
        more = {"down_block_additional_residuals": [each * scale for each in down]}
        return self.unet(x, timesteps, words, **more, mid_block_additional_residual=middle * scale)


@dataclass(frozen=True)
class Control:
    """A ControlNet on the device, and the picture that it is shown."""

    name: str
    module: Any
    picture: NDArray[np.uint8]  # (H, W, 3), of the result's size
    scale: float
    start: float
    end: float

    def fitted(self, width: int, height: int) -> Control:
        """The same for a picture of another size."""
        return replace(self, picture=fitted(self.picture, width, height))

    def network(self, unet: Network) -> ControlledNetwork:
        assert isinstance(unet, UNetNetwork)  # as `leased` has looked after
        return ControlledNetwork(unet, self.module, f"{unet.key}+{self.name}", unet.batch_rows)

    def extra_conditions(self, path: NoisePath, device: Any) -> dict[str, Tensor]:
        """What one row's condition says of it: the picture in [0, 1], and the strength with its first and last t."""
        first, last = path.within(self.start, self.end)
        picture = torch.from_numpy(self.picture).permute(2, 0, 1).float() / 255  # (3, H, W)
        return {PICTURE: picture.to(device), STRENGTH: torch.tensor([self.scale, first, last], device=device)}


@contextmanager
def leased(request: Any, bundle: Bundle, devices: DeviceManager) -> Iterator[Control | None]:
    """The ControlNet that a request asks for, for the block's time; None without one."""
    if not controlled(request):
        yield None
        return
    if bundle.info.architecture not in ("sd", "sdxl"):
        raise BadRequest("control_model works with Stable Diffusion 1, 2 and XL only. Choose another model or none.")
    picture = _picture(request)
    path = files.find(files.CONTROL, request.control_model)
    mark = hashlib.sha256(files.identity(path).encode()).hexdigest()[:16]
    key = f"{request.control_model}@{mark} for {bundle.info.name}"
    with devices.lease(key, lambda: control_loading.load(path, bundle)) as control:
        yield Control(key, control.module, picture, request.control_scale, request.control_start, request.control_end)


def _picture(request: Any) -> NDArray[np.uint8]:
    picture = request.picture("control_image")
    if picture is None:
        raise NotFound("the control picture is not here. Choose it again.")
    return hint(request, picture)
