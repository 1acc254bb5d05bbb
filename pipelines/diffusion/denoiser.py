"""A trained UNet, its prompt and its guidance behind one contract: `denoiser(x, sigma) -> x0_pred`.

Samplers know x = x0 + sigma * eps; the network knows x_vp = sqrt(abar) x0 + sqrt(1 - abar) eps, a timestep, and one
of three predictions. The evaluation itself is the device's worker's: there the rows of several jobs meet.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pipelines.diffusion.conditions import Conditions, Told
from pipelines.diffusion.guidance import Guidance, guide
from pipelines.diffusion.path import NoisePath, timestep_of_sigma
from pipelines.errors import BadFile
from pipelines.worker import Rows, Worker

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True)
class UNetNetwork:
    """One UNet at one size of latents. Every call has exactly `batch_rows` rows, so company cannot change pixels."""

    unet: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        dtype = self.unet.dtype
        return self.unet(x.to(dtype), timesteps, encoder_hidden_states=context.to(dtype), return_dict=False)[0].float()


@dataclass(frozen=True)
class TrainedProcess:
    """The noise that a network was trained with: abar and sigma of its own timesteps, and what it predicts."""

    alphas_cumprod: Tensor
    prediction_type: str

    def __post_init__(self) -> None:
        if self.prediction_type not in PREDICTION_TYPES:
            given = str(self.prediction_type)[:40]
            raise BadFile(f"prediction_type must be one of {', '.join(PREDICTION_TYPES)}; the model says {given}.")

    @property
    def sigmas(self) -> Tensor:
        return ((1 - self.alphas_cumprod) / self.alphas_cumprod).sqrt()


def vp_scale(sigma: float) -> float:
    """sqrt(abar) of a noise level: what takes x = x0 + sigma * eps to the network's own form."""
    return 1 / math.sqrt(1 + sigma * sigma)


def x0_from(prediction: Tensor, prediction_type: str, x: Tensor, sigma: float) -> Tensor:
    """The guess of the clean latents from what the network predicted at x = x0 + sigma * eps."""
    if prediction_type == "epsilon":
        return x - sigma * prediction
    if prediction_type == "v_prediction":  # v = sqrt(abar) eps - sqrt(1 - abar) x0 (arXiv:2202.00512, appendix D)
        scale = vp_scale(sigma)
        return x * (scale * scale) - prediction * (sigma * scale)
    return prediction


@dataclass
class Denoiser:
    """The network with a prompt bound to it, for n pictures at once on the same path of noise levels.

    `notes` collects what the worker had to do differently, for the recipe.
    """

    network: UNetNetwork
    worker: Worker
    process: TrainedProcess
    path: NoisePath
    conditions: Conditions
    guidance: Guidance = field(default_factory=Guidance)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        visited = self.path.sigmas.tolist()[:-1]
        self._timesteps = dict(zip(visited, self.path.timesteps.tolist(), strict=True))
        self._scales = {s: self.guidance.at(i, len(visited)) for i, s in enumerate(visited)}
        self._told = {s: self.conditions.at(i) for i, s in enumerate(visited)}

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self.x0(self.predict(x, sigma), x, sigma)

    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor:
        return x0_from(prediction, self.process.prediction_type, x, sigma)

    def predict(self, x: Tensor, sigma: float) -> Tensor:
        """What the network says, guided: eps, v or x0 of shape (n, C, h, w)."""
        told = self.told(sigma)
        if self.scale(sigma) == 1 and told.single:
            return self._evaluate(x * vp_scale(sigma), sigma, told.alone(len(x)))
        return self.guided(*self.both(x, sigma), sigma)

    def scale(self, sigma: float) -> float:
        """The guidance scale at that level of the path."""
        return self._scales.get(sigma, 1.0)

    def told(self, sigma: float) -> Told:
        """The conditions at that level; between two levels of the path those of the step that it lies in."""
        if sigma not in self._told:
            passed = sum(level >= sigma for level in self.path.sigmas.tolist()[:-1])
            self._told[sigma] = self.conditions.at(max(0, passed - 1))
        return self._told[sigma]

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """What the network says with the prompt and without it."""
        told = self.told(sigma)
        scaled = (x * vp_scale(sigma)).repeat(told.rows, 1, 1, 1)
        return told.apart(self._evaluate(scaled, sigma, told.all(len(x))))

    def guided(self, cond: Tensor, uncond: Tensor, sigma: float) -> Tensor:
        scale, rescale = self.scale(sigma), self.guidance.rescale
        if not rescale:
            return guide(cond, uncond, scale)
        # one picture at a time: a deviation over a batch need not be summed in the same order as over one picture
        pairs = zip(cond.split(1), uncond.split(1), strict=True)
        return torch.cat([guide(c, u, scale, rescale) for c, u in pairs])

    def _evaluate(self, scaled: Tensor, sigma: float, context: Tensor) -> Tensor:
        timesteps = torch.full((len(scaled),), self._timestep(sigma), device=scaled.device, dtype=torch.float32)
        return self.worker.evaluate(self.network, Rows(scaled, timesteps, context), self._note)

    def _timestep(self, sigma: float) -> float:
        if sigma not in self._timesteps:
            self._timesteps[sigma] = timestep_of_sigma(self.process.sigmas, sigma)
        return self._timesteps[sigma]

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
