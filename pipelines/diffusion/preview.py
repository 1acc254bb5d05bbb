"""Latents to a picture to look at, through one linear map: no decoder is run for a live frame."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.errors import BadFile

# Stable Diffusion 1.x, by least squares over many of its latents; found by Keturn in 2022 for all to use
SD1_FACTORS = (
    (0.298, 0.207, 0.208),
    (0.187, 0.286, 0.173),
    (-0.158, 0.189, 0.264),
    (-0.184, -0.271, -0.473),
)


@dataclass(frozen=True)
class LinearPreview:
    """One latent pixel of C channels -> a patch of p x p pixels: weight (C, 3*p*p), bias (3*p*p), RGB in [-1, 1]."""

    weight: Tensor
    bias: Tensor

    def __post_init__(self) -> None:
        patch = math.isqrt(self.weight.shape[1] // 3)
        if self.weight.shape[1] != 3 * patch * patch or self.bias.shape != self.weight.shape[1:]:
            raise BadFile("preview.safetensors must hold weight (C, 3*p*p) and bias (3*p*p); remove the file.")

    @property
    def patch(self) -> int:
        return math.isqrt(self.weight.shape[1] // 3)

    def __call__(self, latents: Tensor) -> np.ndarray:
        """Latents (n, C, h, w) in the network's own scale -> uint8 (n, h*p, w*p, 3)."""
        n, channels, h, w = latents.shape
        p = self.patch
        flat = latents.permute(0, 2, 3, 1).reshape(-1, channels).to(self.weight)  # (n*h*w, C)
        rgb = torch.addmm(self.bias, flat, self.weight)  # (n*h*w, 3*p*p), each patch as c, y, x
        levels = rgb.add_(1).mul_(127.5).nan_to_num_(0).clamp_(0, 255).to(torch.uint8)
        pictures = levels.view(n, h, w, 3, p, p).permute(0, 1, 4, 2, 5, 3)  # (n, h, p, w, p, 3)
        return pictures.reshape(n, h * p, w * p, 3).cpu().numpy()

    def to(self, device: Any) -> "LinearPreview":
        return LinearPreview(self.weight.to(device, torch.float32), self.bias.to(device, torch.float32))


def sd1_preview() -> LinearPreview:
    return LinearPreview(torch.tensor(SD1_FACTORS), torch.zeros(3))


def fitted_preview(decode: Any, channels: int, device: Any, size: int = 8) -> LinearPreview:
    """Least squares between random latents and the mean colour of what `decode` makes of each latent pixel.

    `decode` takes latents (1, C, h, w) in the network's own scale and gives RGB (1, 3, H, W) in [-1, 1].
    """
    noise = torch.Generator("cpu").manual_seed(0)
    rows, colours = [], []
    for _ in range(2 + channels // 16):
        latents = torch.randn(1, channels, size, size, generator=noise)
        picture = decode(latents.to(device)).float().cpu()
        pooled = torch.nn.functional.adaptive_avg_pool2d(picture, size)  # (1, 3, size, size)
        rows.append(latents.permute(0, 2, 3, 1).reshape(-1, channels))
        colours.append(pooled.permute(0, 2, 3, 1).reshape(-1, 3))
    known = torch.cat(rows)
    inputs = torch.cat([known, torch.ones(len(known), 1)], dim=1)  # (N, C + 1)
    solution = torch.linalg.lstsq(inputs.double(), torch.cat(colours).double()).solution.float()
    return LinearPreview(solution[:-1].contiguous(), solution[-1].contiguous())
