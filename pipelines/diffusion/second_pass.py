"""From what the first pass painted to what the second starts from: larger latents, under noise again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging import use
from pipelines.events import Event, Progress
from pipelines.requests.limits import OWN_UPSCALER

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle
    from pipelines.theory.samplers import Denoiser


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A picture of its own for each of the batch, as latents (n, C, h, w); nothing of it is kept as it is."""

    latents: Tensor

    def noised(self, noise: Tensor, sigma: float) -> Tensor:
        return self.latents + sigma * noise

    def keeping(self, denoiser: Denoiser) -> Denoiser:
        return denoiser

    def finished(self, picture: np.ndarray) -> np.ndarray:
        return picture


def enlarged(
    latents: Tensor,
    width: int,
    height: int,
    how: str,
    model: Bundle,
    devices: DeviceManager,
    decode: Callable[[Tensor], np.ndarray],
) -> Generator[Event, None, Enlarged]:
    """Latents (n, C, h, w) of pictures that become width x height. Each by itself: company cannot change it.

    "latent" stretches the latents (bilinear, as A1111's "Latent"); the others enlarge the decoded picture and
    encode it.
    """
    larger = []
    for i, one in enumerate(latents):
        yield Progress("upscaling", i, len(latents))
        if how == "latent":
            shape = model.latent_shape(width, height)
            larger.append(F.interpolate(one[None], size=shape[1:], mode="bilinear")[0])
            continue
        picture = decode(one)
        if how != "lanczos":
            network = OWN_UPSCALER if how == "ours" else how
            picture = yield from _by_network(network, picture, width / picture.shape[1], devices)
        resized = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
        larger.append(model.encode_picture(np.array(resized)))
    return Enlarged(torch.stack(larger))


def _by_network(
    name: str, picture: np.ndarray, scale: float, devices: DeviceManager
) -> Generator[Event, None, np.ndarray]:
    """Two or four times as large, whichever the scale asks for at least."""
    with use.lease(name, devices) as network:
        return (yield from network.enlarge(picture, 2 if scale <= 2 else 4))
