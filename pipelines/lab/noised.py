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
from pipelines.lab.timesteps import from_clean, index_of
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
    numbers_only: bool = param(False, Flag(), "Whether only the numbers are answered that make the pictures.")
    model: str = param("aigc-mini", Choice(models.installed, models.resolve), "The trained model of the latents.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Of the noise, which is the same at every step.")


def answer(request: NoisedRequest, devices: DeviceManager) -> dict[str, Any]:
    """The numbers of the step t, and where asked for of STRIP even `steps` from 0 to T, as `signals`, `noises`.

    With pictures `shown` is the uint8 picture at t, `strip` are those of the steps, `shape` is what was noised. At
    t = 0 it is the picture itself; `beta` is None there, where no step of noise leads to.
    """
    process = request.process()
    last = len(process.betas)
    t = min(request.t, last)
    steps = np.linspace(0, last, STRIP).round().astype(int).tolist() if request.strip else []
    abar = from_clean(1.0, process.alphas_cumprod)[[t, *steps]]
    (signal, *signals), (noise, *noises) = _significant(abar.sqrt()), _significant((1 - abar).sqrt())
    beta = significant(float(process.betas[index_of(t)])) if t else None
    numbers = {"t": t, "signal": signal, "noise": noise, "beta": beta}
    if request.strip:
        numbers |= {"steps": steps, "signals": signals, "noises": noises}
    return numbers | ({} if request.numbers_only else _pictures(request, process, [t, *steps], devices))


def _significant(values: Tensor) -> list[float]:
    return [significant(value) for value in values.tolist()]


def _pictures(
    request: NoisedRequest, process: DiffusionProcess, steps: list[int], devices: DeviceManager
) -> dict[str, Any]:
    with _space(request, devices) as space:
        noise = noise_like(space.x0, request.seed)
        seen = [space.show(_at(process, space.x0, step, noise)) for step in steps]
        pictures = {"shape": list(space.x0.shape), "shown": seen[0][None]}
    return pictures | ({"strip": np.stack(seen[1:])} if request.strip else {})


def noise_like(x0: Tensor, seed: int) -> Tensor:
    torch = libs.torch()
    return torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed), dtype=x0.dtype)


def _at(process: DiffusionProcess, x0: Tensor, t: int, noise: Tensor) -> Tensor:
    return process.q_sample(x0, index_of(t), noise) if t else x0


@dataclass(frozen=True, eq=False)
class Space:
    """The clean picture as float64 numbers of mean square about 1, and what shows such numbers as uint8 (H, W, 3)."""

    x0: Tensor
    show: Callable[[Tensor], np.ndarray]


@contextmanager
def _space(request: NoisedRequest, devices: DeviceManager) -> Iterator[Space]:
    if request.space == PIXELS:
        yield Space(in_pixels(picture_of(request)), _pixels)
        return
    with in_latents(request, request.model, devices) as (model, _, latents):

        def decoded(x: Tensor) -> np.ndarray:
            return model.decode(x.float().to(model.device))

        def previewed(x: Tensor) -> np.ndarray:
            return model.preview(x[None])[0]

        yield Space(latents.cpu().double(), decoded if request.through == DECODER else previewed)


def in_pixels(picture: np.ndarray) -> Tensor:
    """(SIDE, SIDE, 3) float64 in [-1, 1]."""
    return libs.torch().tensor(picture).double() / 127.5 - 1


def _pixels(x: Tensor) -> np.ndarray:
    """What lies outside [-1, 1] is cut off, as on any screen."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
