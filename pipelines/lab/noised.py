"""One picture under more and more noise: q(x_t | x_0) at chosen t, with the present numbers for the formula.

The noise is added to its pixels, or to its latents in the embedded model, where that model meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.lab.picture import in_latents, picture_of
from pipelines.lab.schedule import ScheduleRequest, significant
from pipelines.lab.timesteps import index_of
from pipelines.params import Choice, Flag, Picture, Range, param
from pipelines.requests.limits import LARGEST_SHORT_SEED
from pipelines.theory.betas import MAX_TIMESTEPS
from pipelines.theory.forward import DiffusionProcess

if TYPE_CHECKING:
    from torch import Tensor

STRIP = 8
PIXELS, LATENTS = SPACES = ("pixels", "latents")
DECODER, PREVIEW = THROUGH = ("decoder", "preview")


@dataclass(frozen=True)
class NoisedRequest(ScheduleRequest):
    """A schedule, a step of it, and the picture: one's own, or a drawn scene where none is given."""

    t: int = param(500, Range(0, MAX_TIMESTEPS), "The step to look at, from 0 (clean) to T; beyond it the last.")
    image: str = param("", Picture(), "The picture under the noise.")
    space: str = param(PIXELS, Choice(SPACES), "What the noise is added to: pixels, or the model's latents.")
    through: str = param(DECODER, Choice(THROUGH), "How latents are shown: by the decoder, or one linear map.")
    strip: bool = param(True, Flag(), "Whether the strip of even steps is answered too; it does not depend on t.")
    model: str = param("aigc-mini", Choice(models.installed, models.resolve), "The trained model of the latents.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Of the noise, which is the same at every step.")


def answer(request: NoisedRequest, devices: DeviceManager) -> dict[str, Any]:
    """`shown`: the uint8 picture at t; `strip`, where asked for: pictures at STRIP even `steps` from 0 to T.

    At t = 0 it is the picture itself; `beta` is None there, where no step of noise leads to.
    """
    torch = libs.torch()
    process = request.process()
    last = len(process.betas)
    t = min(request.t, last)
    with _space(request, devices) as space:
        draw = torch.Generator().manual_seed(request.seed)
        noise = torch.randn(space.x0.shape, generator=draw, dtype=space.x0.dtype)
        steps = np.linspace(0, last, STRIP).round().astype(int).tolist() if request.strip else []
        seen = [space.show(_at(process, space.x0, step, noise)) for step in [t, *steps]]
        shape = list(space.x0.shape)
    return {
        "t": t,
        "shape": shape,
        "shown": seen[0][None],
        **({"steps": steps, "strip": np.stack(seen[1:])} if request.strip else {}),
        **_numbers(process, t),
    }


def _at(process: DiffusionProcess, x0: Tensor, t: int, noise: Tensor) -> Tensor:
    return process.q_sample(x0, index_of(t), noise) if t else x0


def _numbers(process: DiffusionProcess, t: int) -> dict[str, float | None]:
    """Of the formula: what stands before x0 and before the noise, and the beta of that step."""
    if not t:
        return {"signal": 1.0, "noise": 0.0, "beta": None}
    abar, beta = (float(table[index_of(t)]) for table in (process.alphas_cumprod, process.betas))
    return {"signal": significant(abar**0.5), "noise": significant((1 - abar) ** 0.5), "beta": significant(beta)}


@dataclass(frozen=True, eq=False)
class Space:
    """The clean picture as float64 numbers of mean square about 1, and what shows such numbers as uint8 (H, W, 3)."""

    x0: Tensor
    show: Callable[[Tensor], np.ndarray]


@contextmanager
def _space(request: NoisedRequest, devices: DeviceManager) -> Iterator[Space]:
    if request.space == PIXELS:
        yield Space(libs.torch().tensor(picture_of(request)).double() / 127.5 - 1, _pixels)  # (SIDE, SIDE, 3)
        return
    with in_latents(request, request.model, devices) as (model, _, latents):

        def decoded(x: Tensor) -> np.ndarray:
            return model.decode(x.float().to(model.device))

        def previewed(x: Tensor) -> np.ndarray:
            return model.preview(x[None])[0]

        yield Space(latents.cpu().double(), decoded if request.through == DECODER else previewed)


def _pixels(x: Tensor) -> np.ndarray:
    """What lies outside [-1, 1] is cut off, as on any screen."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
