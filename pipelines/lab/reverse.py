"""A picture under noise, taken back by the embedded model: at every step what the network says, and what guidance adds.

The picture is noised and denoised in the model's latents. All four views go through the model's linear preview: the
state x_t, the guess x0_pred, the predicted eps, and by how much guidance moved the guess (grey: not at all).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs, models, stopping
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.lab.picture import in_latents
from pipelines.lab.schedule import ScheduleRequest, significant
from pipelines.lab.timesteps import index_of, t_of
from pipelines.params import Choice, Curve, Picture, Range, Text, param
from pipelines.requests.choices import sampler_names, sigma_schedule_names
from pipelines.requests.limits import LARGEST_SHORT_SEED
from pipelines.theory.betas import MAX_TIMESTEPS
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath, path_from
from pipelines.theory.samplers import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.denoiser import Denoiser

MOST_STEPS = 50
STRONGEST = 15.0


@dataclass(frozen=True)
class ReverseRequest(ScheduleRequest):
    """A picture, the step of a schedule from which it goes back, and how."""

    prompt: str = param("a panda on a yellow background", Text(300), "What the model is told to see in the noise.")
    negative_prompt: str = param("", Text(300), "What guidance pushes away from.")
    image: str = param("", Picture(), "The picture under the noise.")
    t: int = param(700, Range(1, MAX_TIMESTEPS), "The step from which it goes back; beyond T the last.")
    sampler: str = param("ddim", Choice(sampler_names), "How each step follows from the network's guess.")
    num_inference_steps: int = param(10, Range(1, MOST_STEPS), "How many steps lead back.")
    sigma_schedule: str = param("path", Choice(sigma_schedule_names), "How the steps are spaced.")
    eta: float = param(0.0, Range(0, 1), "How much fresh noise DDIM adds at each step.")
    guidance_scale: float = param(
        3.0, Range(0, STRONGEST), "How strongly the prompt is followed; 1 is without guidance, 0 without the prompt."
    )
    guidance_curve: tuple = param((), Curve(24), "Points (position from 0 to 1, scale) of guidance drawn by hand.")
    shift: int = param(0, Range(-500, 500), "Tell the network a timestep that is so much off: what the mapping is for.")
    model: str = param("aigc-mini", Choice(models.installed, models.resolve), "The trained model.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Of the noise.")

    def check(self) -> None:
        super().check()
        if any(not (0 <= place <= 1 and 0 <= scale <= STRONGEST) for place, scale in self.guidance_curve):
            raise BadRequest(
                "guidance_curve must lie between position 0 and 1, and scale 0 and {most:g}.", most=STRONGEST
            )

    @property
    def guidance(self) -> Guidance:
        return Guidance(self.guidance_scale, curve=self.guidance_curve)


def answer(request: ReverseRequest, devices: DeviceManager) -> dict[str, Any]:
    """`x`, `x0`, `eps`, `guided`: uint8 pictures (N, H, W, 3), one a step; `source` and `result`: one each, decoded."""
    from pipelines.diffusion.run import PictureNoise

    with in_latents(request, request.model, devices) as (model, source, latents):
        process = request.process()
        t, steps = min(request.t, len(process.betas)), request.num_inference_steps
        known = model.process.alphas_cumprod
        path = model.process.with_timesteps(path_from(known, process, index_of(t), request.sigma_schedule, steps))
        height, width, _ = source.shape
        shape = model.latent_shape(width, height)
        watched = Watched(_denoiser(request, model, devices, path, shape))
        noise = PictureNoise([request.seed], shape, model.device)
        x = latents + float(path.sigmas[0]) * noise()
        for step in SAMPLERS[request.sampler](watched, x, path.sigmas, lambda like: noise(), request.eta):
            x = step.x
        said = [watched.said[sigma] for sigma in path.sigmas.tolist()[:-1]]  # some samplers look between them too
        return {
            "t": t,
            "sigmas": [significant(v) for v in path.sigmas.tolist()],
            "timesteps": [significant(t_of(v)) for v in path.timesteps.tolist()],
            "told": [significant(t_of(v)) for v in watched.denoiser.path.timesteps.tolist()],
            "scales": [significant(watched.denoiser.scale(s.sigma)) for s in said],
            "guidance_share": [significant(s.guidance_share) for s in said],
            "notes": list(path.notes),
            "source": source[None],
            "result": model.decode(x[0])[None],
            **_views(said, model),
        }


@dataclass(frozen=True, eq=False)
class Guess:
    """The network's guess of the clean latents at x = x0 + sigma * eps: with the prompt alone, and guided."""

    sigma: float
    x: Tensor
    x0_prompted: Tensor
    x0_pred: Tensor

    @property
    def eps(self) -> Tensor:
        return (self.x - self.x0_pred) / self.sigma

    @property
    def guidance_share(self) -> float:
        """How large what guidance added to eps is beside eps itself."""
        added = (self.x0_prompted - self.x0_pred) / self.sigma
        return float(added.norm() / self.eps.norm().clamp_min(1e-12))


class Watched:
    """A denoiser that keeps what it says the first time at each noise level, without guidance too."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser
        self.said: dict[float, Guess] = {}

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """Raises BadRequest where the guess is not a number."""
        stopping.check()
        cond, uncond = self.denoiser.both(x, sigma)
        prompted = self.denoiser.x0(cond, x, sigma)
        x0_pred = self.denoiser.x0(self.denoiser.guided(cond, uncond, sigma), x, sigma)
        if not bool(x0_pred.isfinite().all()):
            raise BadRequest(
                "the picture became NaN at sigma {sigma:.3g}; lower the guidance or the shift.", sigma=sigma
            )
        self.said.setdefault(sigma, Guess(sigma, x, prompted, x0_pred))
        return x0_pred


def _denoiser(
    request: ReverseRequest, model: Bundle, devices: DeviceManager, path: NoisePath, shape: tuple[int, int, int]
) -> Denoiser:
    """The network with the prompt, told the timesteps of the path or, with a shift, other ones."""
    from pipelines.diffusion.conditions import PictureContext, PromptPair
    from pipelines.diffusion.denoiser import Denoiser

    last = len(model.process.alphas_cumprod) - 1
    told = replace(path, timesteps=(path.timesteps + request.shift).clamp(0, last))
    written = PromptPair.read(request.prompt, request.negative_prompt)
    factor = model.latent_factor
    drawn = PictureContext(shape[2] * factor, shape[1] * factor, request.guidance_scale)
    conditions, _ = written.conditions(model, len(path), drawn)
    return Denoiser(model.network(shape), devices.worker(), model.process, told, conditions, request.guidance)


def _views(said: list[Guess], model: Bundle) -> dict[str, np.ndarray]:
    def shown(rows: list[Tensor]) -> np.ndarray:
        return model.preview(libs.torch().cat(rows))

    guess, prompted = shown([s.x0_pred for s in said]), shown([s.x0_prompted for s in said])
    moved = (guess.astype(np.int16) - prompted) // 2 + 128
    return {
        "x": shown([s.x * model.process.scale(s.sigma) for s in said]),
        "x0": guess,
        "eps": shown([s.eps for s in said]),
        "guided": moved.clip(0, 255).astype(np.uint8),
    }
