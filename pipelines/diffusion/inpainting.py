"""Checkpoints trained to paint into a mask: their UNet sees the mask beside x, and the picture outside of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipelines.diffusion.attachment import Attachment

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.conditions import Condition
    from pipelines.diffusion.start import StartPicture
    from pipelines.theory.path import NoisePath

GREY = 127.5  # 0 in [-1, 1]: how these networks were shown what they shall paint


@dataclass(frozen=True, eq=False)
class SeenMask(Attachment):
    """What a network that paints into masks is shown; nothing for others."""

    condition: Condition
    sees_whole = True

    @classmethod
    def of(cls, model: Bundle, shape: tuple[int, int, int], picture: StartPicture | None) -> tuple[SeenMask, ...]:
        """None or one, for latents of that shape."""
        condition = mask_condition(model, shape, picture)
        return (cls(condition),) if condition else ()

    def conditioned(self, model: Bundle, path: NoisePath) -> Bundle:
        return model.with_conditions(self.condition)


def mask_condition(model: Bundle, shape: tuple[int, int, int], picture: StartPicture | None) -> Condition:
    """{"inpaint": (1 + C, h, w)}: the mask, 1 where it is free, and the latents of what is left of the picture.

    Without a picture everything is to be painted, without a mask too. Nothing for other networks.
    """
    if not model.paints_into_masks:
        return {}
    factor = model.latent_factor
    free, left = np.ones(shape[1:], np.float32), np.full((shape[1] * factor, shape[2] * factor, 3), GREY, np.float32)
    if picture is not None and picture.painted is not None:
        free = picture.free().astype(np.float32)
        left = np.where(picture.painted[..., None], np.float32(GREY), picture.picture).astype(np.float32)
    mask = torch.from_numpy(free)[None].to(model.device)
    return {"inpaint": torch.cat([mask, model.encode_picture(left)])}


def beside(x: Tensor, inpaint: Tensor | None) -> Tensor:
    """What the network is given: x (n, C, h, w), and (n, 1 + C, h, w) behind it."""
    return x if inpaint is None else torch.cat([x, inpaint.to(x.dtype)], dim=1)
