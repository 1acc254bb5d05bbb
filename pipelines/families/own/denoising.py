"""A UNet2DModel of one's own as a family: pictures without a prompt, by the noise that its own scheduler describes.

It is sampled as everything here is, through `denoiser(x, sigma) -> x0_pred`. Where clip_sample is set, each guess is
held within its range, and eps follows from the held guess (diffusers' use_clipped_model_output); DDPM needs no eps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.errors import BadFile
from pipelines.families import Sampling, State
from pipelines.families.diffusion import INVERTED, Denoising
from pipelines.theory.path import timestep_of_sigma
from pipelines.theory.process import trained_process, vp_scale, x0_from
from pipelines.theory.samplers import SAMPLERS

if TYPE_CHECKING:
    from pipelines.families.own import OwnInfo
    from pipelines.theory.samplers import Noise


class OwnDiffusion(Denoising):
    """The network with its process. Sampled by DDIM as a family, by any sampler where `walk` is asked."""

    heeds: ClassVar = frozenset({"steps", "temperature"})

    def __init__(self, network: Any, info: OwnInfo) -> None:
        nn.Module.__init__(self)
        self.network, self.shape, self.classes = network, info.shape, info.classes
        self.settings = dict(info.scheduler or {})
        self.process = trained_process(self.settings)
        if self.settings.get("thresholding"):
            raise BadFile("scheduler_config.json sets thresholding, which is not done here. Set it to false.")

    @property
    def nbytes(self) -> int:
        return sum(weight.nbytes for weight in self.network.state_dict().values())

    @property
    def device(self) -> torch.device:
        return self.network.device

    @property
    def num_train_timesteps(self) -> int:
        return len(self.process.alphas_cumprod)

    def predict(self, x: Tensor, sigma: float, labels: Tensor) -> Tensor:
        """The network's guess, in the precision of x; the network itself computes in its own."""
        t = round(timestep_of_sigma(self.process.sigmas, sigma))
        told = {"class_labels": labels.clamp(min=0).to(x.device)} if self.classes else {}
        x_t = (x * vp_scale(sigma)).to(self.network.dtype)
        said = self.network(x_t, torch.full((len(x),), t, device=x.device), **told).sample[:, : x.shape[1]]
        x0_pred = x0_from(said.to(x), self.process.prediction_type, x, sigma)
        if not self.settings.get("clip_sample", True):
            return x0_pred
        reach = float(self.settings.get("clip_sample_range") or 1.0)
        return x0_pred.clamp(-reach, reach)

    def own_form(self, x: Tensor, sigma: float) -> Tensor:
        return x * vp_scale(sigma)

    def timesteps(self, steps: int) -> np.ndarray:
        """(steps,), falling: spaced as the scheduler's config says, with fewer where the network knows fewer."""
        total = self.num_train_timesteps
        steps = min(steps, total)
        match self.settings.get("timestep_spacing", "leading"):
            case "trailing":
                places = np.round(np.arange(total, 0, -total / steps)) - 1
            case "linspace":
                places = np.linspace(0, total - 1, steps).round()[::-1]
            case _:
                places = (np.arange(steps) * (total // steps))[::-1] + int(self.settings.get("steps_offset") or 0)
        return places.astype(int).clip(0, total - 1)

    def sigmas(self, steps: int) -> Tensor:
        """(steps + 1,) float64; the last is 0, or the least that the network knows where the config wants it so."""
        known = self.process.sigmas
        last = known[:1] if self.settings.get("set_alpha_to_one") is False else known.new_zeros(1)
        return torch.cat([known[self.timesteps(steps)], last])

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        return self.walk(z * how.temperature, labels, how.steps, "ddim", torch.zeros_like)

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """The noise x_T from which DDIM leads to x; only without clipping is that way invertible."""
        highest = float(self.sigmas(INVERTED)[0])
        return super().encode(x, labels) * highest * vp_scale(highest)

    def walk(self, z: Tensor, labels: Tensor, steps: int, sampler: str, noise: Noise) -> Iterator[State]:
        """From x_T = z to pictures, by any of SAMPLERS; the state in double precision, for sigma begins at 157."""
        sigmas = self.sigmas(steps)
        x = z.double() / vp_scale(float(sigmas[0]))
        calls = 0

        def denoise(x: Tensor, sigma: float) -> Tensor:
            nonlocal calls
            calls += 1
            return self.predict(x, sigma, labels)

        for step in SAMPLERS[sampler](denoise, x, sigmas, noise, 0.0):
            yield State(self.own_form(step.x, step.sigma).float(), step.x0_pred.float(), calls)
