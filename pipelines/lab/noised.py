"""One picture under more and more noise: q(x_t | x_0) at chosen t, with the present numbers for the formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pipelines import libs
from pipelines.data import scenes
from pipelines.device import DeviceManager
from pipelines.lab.schedule import ScheduleRequest, significant
from pipelines.params import Picture, Range, Request, param
from pipelines.requests import LARGEST_SEED
from pipelines.schedules import MAX_TIMESTEPS

SIDE = 128
"""Of the pictures that are shown, in pixels."""
STRIP = 8


@dataclass(frozen=True)
class NoisedRequest(ScheduleRequest):
    """A schedule, a step of it, and the picture: one's own, or a drawn scene where none is given."""

    t: int = param(500, Range(0, MAX_TIMESTEPS - 1), "The step to look at, from 0 to T - 1; beyond it the last.")
    image: str = param("", Picture(), "The picture under the noise.")
    seed: int = param(0, Range(0, LARGEST_SEED), "Of the noise, which is the same at every step.")


Asked = NoisedRequest


def answer(request: NoisedRequest, _devices: DeviceManager) -> dict[str, Any]:
    """`strip`: uint8 pictures at STRIP even steps from 0 to the end; `shown`: the one at t; in pixels, not latents."""
    torch = libs.torch()
    process = request.process()
    last = len(process.betas) - 1
    x0 = torch.tensor(picture_of(request)).double() / 127.5 - 1  # (SIDE, SIDE, 3)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(request.seed), dtype=torch.float64)
    t = min(request.t, last)
    steps = np.linspace(0, last, STRIP).round().astype(int).tolist()
    return {
        "t": t,
        "steps": steps,
        "strip": np.stack([_pixels(process.q_sample(x0, step, noise)) for step in steps]),
        "shown": _pixels(process.q_sample(x0, t, noise))[None],
        "signal": significant(float(process.alphas_cumprod[t].sqrt())),
        "noise": significant(float((1 - process.alphas_cumprod[t]).sqrt())),
        "beta": significant(float(process.betas[t])),
    }


def picture_of(request: Request) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8: the middle square of the given one, a drawn scene where none is given."""
    given = request.picture("image")
    if given is None:
        scene = scenes.arrange("yellow", [("panda", "", "")], "", np.random.default_rng(0))
        return scenes.draw(scene)
    image = Image.fromarray(given)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _pixels(x: Any) -> np.ndarray:
    """What lies outside [-1, 1] is cut off, as on any screen."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
