"""Handwritten digits out of noise in their own pixels, by a network or by the ideal denoiser of the training pictures.

The ideal one is exact for the finite set, so that all it can draw is a training picture; beside each digit stands the
nearest one, which shows who has learned by heart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.data import digits
from pipelines.device.manager import DeviceManager
from pipelines.lab import pixel_ddpm
from pipelines.lab.requests import ALL, DDIM, IDEAL, DigitsRequest
from pipelines.lab.schedule import significant
from pipelines.theory.betas import respaced
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.guidance import guide
from pipelines.theory.ideal import Mixture
from pipelines.theory.reverse import Model, Reverse, drawn_from

SHOWN = 10
"""Digits side by side."""
MOST_FRAMES = 26


def answer(request: DigitsRequest, _devices: DeviceManager) -> dict[str, Any]:
    """`x` and `x0`: uint8 pictures of SHOWN digits side by side for each kept step, the noise first; `nearest`."""
    labels = torch.arange(SHOWN) if request.label == ALL else torch.full((SHOWN,), request.label)
    draw = torch.Generator().manual_seed(request.seed)
    x = torch.randn(SHOWN, pixel_ddpm.PIXELS, generator=draw)
    states = [(x, torch.zeros_like(x))]
    states += [(x.float(), x0.float()) for _, x, x0 in _taken_back(request, labels, x, draw)]
    kept = np.linspace(0, len(states) - 1, min(len(states), MOST_FRAMES)).round().astype(int)
    last = states[-1][0]
    gaps, places = torch.cdist(last, digits.training()[0]).min(1)
    return {
        "steps": kept.tolist(),
        "x": np.stack([side_by_side(states[i][0]) for i in kept]),
        "x0": np.stack([side_by_side(states[i][1]) for i in kept]),
        "nearest": side_by_side(digits.training()[0][places])[None],
        "gaps": [significant(v, 3) for v in gaps.tolist()],
        "gap_of_data": significant(_gap_of_data(), 3),
        "read_as": nearest_label(last).tolist(),
        "asked": labels.tolist(),
    }


def _taken_back(
    request: DigitsRequest, labels: Tensor, x: Tensor, draw: torch.Generator
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """After each step (t, x_{t-1}, x0_pred)."""
    betas, timesteps = respaced(pixel_ddpm.process().betas, request.num_inference_steps)
    told = (timesteps + request.shift).clamp(0, pixel_ddpm.NUM_TRAIN_TIMESTEPS - 1)
    model = model_of(request.model, labels, request.variance, request.guidance_scale)
    reverse = Reverse(DiffusionProcess(betas), model, request.variance, clip_denoised=request.clip_denoised)
    if request.sampler == DDIM:
        return reverse.ddim(x, drawn_from(draw), request.eta, told)
    return reverse.sample(x, drawn_from(draw), told)


def model_of(name: str, labels: Tensor, variance: str, guidance_scale: float = 1.0) -> Model:
    """What predicts eps at (x_t, t): for learned_range with the variance's share beside it. Raises BadRequest."""
    if name == IDEAL:
        return _ideal(labels, guidance_scale)
    shipped = _shipped(name)
    told, untold = shipped.predict(labels), shipped.predict(torch.full_like(labels, pixel_ddpm.NO_LABEL))

    def predict(x_t: Tensor, t: Tensor) -> Tensor:
        made = told(x_t, t)
        if guidance_scale != 1:
            without = untold(x_t, t)[:, : pixel_ddpm.PIXELS]
            eps = guide(made[:, : pixel_ddpm.PIXELS], without, guidance_scale)
            made = torch.cat([eps, made[:, pixel_ddpm.PIXELS :]], dim=1)
        return made if variance == "learned_range" else made[:, : pixel_ddpm.PIXELS]

    return predict


@cache
def _shipped(name: str) -> pixel_ddpm.PixelDDPM:
    """Read once: a bound asks for it with every choice of variance, a moved slider with every step."""
    return pixel_ddpm.load(name)


def _ideal(labels: Tensor, guidance_scale: float) -> Model:
    """The exact eps of the training pictures of each row's own label."""
    known, theirs = digits.training()
    everything = Mixture.of(known)
    parts = {label: Mixture.of(known[theirs == label]) for label in set(labels.tolist())}
    process = pixel_ddpm.process()

    def predict(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = float(process.sigmas[int(t[0])])
        x = x_t.double() * (1 + sigma**2) ** 0.5
        x0 = torch.empty_like(x)
        for label, part in parts.items():
            x0[labels == label] = part.denoise(x[labels == label], sigma)
        if guidance_scale != 1:
            x0 = guide(x0, everything.denoise(x, sigma), guidance_scale)
        return ((x - x0) / sigma).to(x_t.dtype)

    return predict


def nearest_label(pictures: Tensor) -> Tensor:
    """(N,): the labels of the nearest real digits."""
    known, labels = digits.load()
    return labels[torch.cdist(pictures, known).argmin(1)]


def _gap_of_data() -> float:
    """How far a digit that nobody trained on lies from the nearest training picture, on average."""
    return float(torch.cdist(digits.held_out()[0], digits.training()[0]).min(1).values.mean())


def side_by_side(pictures: Tensor) -> np.ndarray:
    """(N, 64) in [-1, 1], black ink on white -> uint8 (8, 8 N, 3)."""
    grey = (255 - (pictures.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    row = np.concatenate(list(grey.reshape(-1, digits.SIDE, digits.SIDE)), axis=1)
    return np.repeat(row[..., None], 3, axis=2)
