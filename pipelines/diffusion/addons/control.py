"""ControlNet (arXiv:2302.05543): a second network sees a picture of edges, depth or a pose, and adds what it says to
the UNet's inner states. Each row of a batch brings its own picture, strength and part of the steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.device.evaluations import Network
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import control_loading
from pipelines.diffusion.addons.control_picture import hint
from pipelines.diffusion.addons.strength import scale_at, strength_of
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.start import fitted
from pipelines.errors import BadRequest, NotFound
from pipelines.models.addons import files
from pipelines.requests.control import ControlNet
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import NoisePath


@dataclass(frozen=True)
class Beside:
    """A ControlNet, and what the conditions call its picture and its strength."""

    module: Any
    picture: str
    strength: str

    def residuals(
        self,
        unet: UNetNetwork,
        x: Tensor,
        timesteps: Tensor,
        context: Mapping[str, Tensor],
        words: Mapping[str, Tensor],
    ) -> tuple[list[Tensor], Tensor] | None:
        """What it adds to the UNet's inner states: those on the way down, and the middle; None at strength 0."""
        scale = scale_at(context[self.strength], timesteps)  # (n,)
        if not bool(scale.any()):
            return None
        dtype = self.module.dtype
        down, middle = self.module(
            x.to(dtype),
            timesteps,
            controlnet_cond=context[self.picture].to(dtype),
            return_dict=False,
            **unet.network_inputs(words),
        )
        scale = scale.to(dtype)[:, None, None, None]
        return [each * scale for each in down], middle * scale


@dataclass(frozen=True)
class ControlledNetwork:
    """A UNet with ControlNets beside it. Several add up, as in diffusers' MultiControlNetModel."""

    unet: UNetNetwork
    controls: tuple[Beside, ...]
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        own = {name for control in self.controls for name in (control.picture, control.strength)}
        words = {name: tensor for name, tensor in context.items() if name not in own}
        each = [control.residuals(self.unet, x, timesteps, context, words) for control in self.controls]
        used = [residuals for residuals in each if residuals is not None]
        if not used:
            return self.unet(x, timesteps, words)
        down = [sum(states[1:], states[0]) for states in zip(*(down for down, _ in used), strict=True)]
        middle = [middle for _, middle in used]
        return self.unet(
            x,
            timesteps,
            words,
            down_block_additional_residuals=down,
            mid_block_additional_residual=sum(middle[1:], middle[0]),
        )


@dataclass(frozen=True)
class Control(Attachment):
    """A ControlNet on the device, and the picture that it is shown."""

    unit: ControlNet
    place: int
    """Among those of the request: networks with the same key call what they are told alike."""
    name: str
    module: Any
    picture: NDArray[np.uint8]  # (H, W, 3), of the result's size

    sees_whole = True

    def fitted(self, width: int, height: int) -> Control:
        return replace(self, picture=fitted(self.picture, width, height))

    def _beside(self) -> Beside:
        return Beside(self.module, f"control_picture_{self.place}", f"control_strength_{self.place}")

    def network(self, network: Network) -> ControlledNetwork:
        if isinstance(network, ControlledNetwork):
            key = f"{network.key}+{self.name}"
            return replace(network, controls=(*network.controls, self._beside()), key=key)
        assert isinstance(network, UNetNetwork)  # as `attached` has looked after
        unet = network.in_torch()  # it is asked for more than its prediction in some steps, and must be one in all
        return ControlledNetwork(unet, (self._beside(),), f"{network.key}+{self.name}", network.batch_rows)

    def conditioned(self, model: Bundle, path: NoisePath) -> Bundle:
        """Each row is told the picture in [0, 1], and the strength with its first and last t."""
        beside, device = self._beside(), model.device
        picture = torch.from_numpy(self.picture).permute(2, 0, 1).float() / 255  # (3, H, W)
        strength = strength_of(self.unit, path)
        return model.with_conditions({beside.picture: picture.to(device), beside.strength: strength.to(device)})


@contextmanager
def attached(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[tuple[Control, ...]]:
    """The ControlNets that a request asks for, for the block's time. Raises BadRequest, NotFound, BadFile."""
    with ExitStack() as held:
        units = enumerate(request.used_controls())
        yield tuple(_leased(unit, place, request, base, devices, held) for place, unit in units)


def _leased(
    unit: ControlNet, place: int, request: TextToImageRequest, base: Bundle, devices: DeviceManager, held: ExitStack
) -> Control:
    if base.info.architecture not in ("sd", "sdxl"):
        raise BadRequest("control_model works with Stable Diffusion 1, 2 and XL only. Choose another model or none.")
    picture = request.picture(unit.numbered("control_image"))
    if picture is None:
        raise NotFound("the control picture is not here. Choose it again.")
    path = files.find(files.CONTROL, unit.model)
    mark = hashlib.sha256(f"{files.identity(path)} {base.info.name}".encode()).hexdigest()[:16]
    key = f"{unit.model}@{mark}"
    control = held.enter_context(devices.lease(key, lambda: control_loading.load(path, base)))
    return Control(unit, place, key, control.module, hint(unit, picture, request.width, request.height))
