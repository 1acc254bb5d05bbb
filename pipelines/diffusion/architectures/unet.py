"""What all models with a text-conditioned UNet share: how it is asked, what may be painted into, LCM's guidance."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.device.evaluations import Network
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import PictureContext
from pipelines.diffusion.inpainting import beside
from pipelines.diffusion.native import NativeNetwork
from pipelines.errors import BadFile, Sentence
from pipelines.theory.process import Process, trained_process


@dataclass(frozen=True)
class UNetNetwork:
    """One UNet at one size of latents. Every call has exactly `batch_rows` rows, so company cannot change pixels."""

    unet: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor], **more: Any) -> Tensor:
        x = beside(x.to(self.unet.dtype), context.get("inpaint"))
        return self.unet(x, timesteps, return_dict=False, **self.network_inputs(context), **more)[0].float()

    def in_torch(self) -> UNetNetwork:
        """The same without a native way, for whoever asks it for more than its prediction."""
        return self

    def network_inputs(self, context: Mapping[str, Tensor]) -> dict[str, Any]:
        """The context by the names of the UNet's own arguments."""
        words = {name: tensor for name, tensor in context.items() if name != "inpaint"}
        told: dict[str, Any] = {name: tensor.to(self.unet.dtype) for name, tensor in words.items()}
        added = {name: told.pop(name) for name in ("text_embeds", "time_ids") if name in told}
        return told | {"added_cond_kwargs": added} if added else told


@dataclass(frozen=True)
class NativeUNet(UNetNetwork):
    """The same, computed by a native process as long as that gives torch's numbers."""

    native: NativeNetwork

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor], **more: Any) -> Tensor:
        in_torch = functools.partial(super().__call__, x, timesteps, context, **more)
        inputs = {"x": x, "timesteps": timesteps, **context}
        if more or not self.native.takes(inputs):
            return in_torch()
        answer = (len(x), self.unet.config.out_channels, *x.shape[2:])
        return self.native.judged(inputs, answer, in_torch)

    def in_torch(self) -> UNetNetwork:
        return UNetNetwork(self.unet, self.key, self.batch_rows)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it is not native any more."""
        return (self.native.judged.why,) if self.native.judged.why else ()


class UNetModel(Bundle):
    """A UNet distilled for guidance (LCM) is told the scale instead of asked twice."""

    skips_layers = True
    network_part = "unet"
    handle = UNetNetwork

    def network(self, shape: tuple[int, int, int]) -> Network:
        """Native where the UNet is the one that the graph was made for."""
        network, native = super().network(shape), self.native_of("unet")
        assert isinstance(network, UNetNetwork)
        if native is None or not native.suits(self.unet, shape):
            return network
        return NativeUNet(network.unet, network.key, network.batch_rows, native)

    @property
    def unet(self) -> Any:
        return self.part("unet")

    def _process(self) -> Process:
        return trained_process(self.info.configs["scheduler"])

    @property
    def latent_channels(self) -> int:
        return self.unet.config.out_channels

    @property
    def distilled(self) -> bool:
        return bool(self.unet.config.time_cond_proj_dim)

    def _extra_conditions(self, drawn: PictureContext, negative: bool) -> dict[str, Tensor]:
        if not self.distilled:
            return {}
        size = self.unet.config.time_cond_proj_dim
        return {"timestep_cond": guidance_embedding(drawn.guidance_scale, size, self.device)}

    def check_unet(self, text_width: int) -> None:
        """Raises BadFile where the UNet fits neither the autoencoder nor the text encoders, or is no painter."""
        unet, vae = self.unet.config, self.vae.config
        self.check_equal(
            Sentence("the UNet's out_channels and the decoder's latent_channels"),
            unet.out_channels,
            vae.latent_channels,
        )
        self.check_equal(
            Sentence("the UNet's cross_attention_dim and the text encoder's width"),
            unet.cross_attention_dim,
            text_width,
        )
        if unet.in_channels not in (unet.out_channels, 2 * unet.out_channels + 1):
            raise BadFile(
                "the UNet takes {in_channels} channels and gives {out_channels}; only models that paint from "
                "noise or into a mask can be used. Choose another model.",
                in_channels=unet.in_channels,
                out_channels=unet.out_channels,
            )


def guidance_embedding(guidance_scale: float, size: int, device: Any) -> Tensor:
    """(size,), the scale as a vector (arXiv:2310.04378): sines, then cosines, of 1000 (scale - 1) at frequencies from 1
    down to 1/10,000."""
    half = size // 2
    frequencies = torch.exp(torch.arange(half) * (-math.log(10_000) / (half - 1)))
    angles = 1000 * (guidance_scale - 1) * frequencies
    return torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()]), (0, size % 2)).to(device)
