"""The noise that a network was trained with: what it calls x, its own timesteps, and what its answer means.

Samplers know x = x0 + sigma * eps. A variance-preserving network (DDPM, Stable Diffusion, SDXL, PixArt) was shown
sqrt(abar) x0 + sqrt(1 - abar) eps; a rectified flow (SD3, FLUX) was shown (1 - t) x0 + t eps. Both are x, scaled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.params import described
from pipelines.theory.path import MODEL, NoisePath, noise_path, timestep_of_sigma

PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")
NEXT_TO_NOISE = 1 - 1e-6
"""The t that stands for 1, where sigma = t / (1 - t) would be infinite."""
ENDS = (("base_image_seq_len", 256), ("base_shift", 0.5), ("max_image_seq_len", 4096), ("max_shift", 1.15))
"""What a shift that depends on the picture's size goes between, with diffusers' defaults."""


class Process(Protocol):
    """What the loop needs to know of a network's noise."""

    @property
    def alphas_cumprod(self) -> Tensor: ...
    def scale(self, sigma: float) -> float:
        """What takes x = x0 + sigma * eps to the network's own form."""
        ...

    def timestep(self, sigma: float) -> float: ...
    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor: ...
    def predicting(self, prediction_type: str) -> Process:
        """The same noise with a network whose answers are of that kind, where they are not always of one."""
        ...

    def path(self, latent_pixels: int, **asked: Any) -> NoisePath:
        """The steps of a run, as `noise_path` is asked for them."""
        ...

    def with_timesteps(self, path: NoisePath) -> NoisePath:
        """The same levels with this network's own timesteps."""
        ...


@dataclass(frozen=True)
class TrainedProcess:
    """The variance-preserving noise of abar (T,), and a network that predicts eps, v or x0."""

    alphas_cumprod: Tensor
    prediction_type: str

    def __post_init__(self) -> None:
        if self.prediction_type not in PREDICTION_TYPES:
            raise BadFile(
                "prediction_type must be one of {known}; the model says {given}.",
                known=", ".join(PREDICTION_TYPES),
                given=described(self.prediction_type),
            )

    def predicting(self, prediction_type: str) -> Self:
        """The same noise, with a network whose answers are of that kind."""
        return replace(self, prediction_type=prediction_type)

    @property
    def sigmas(self) -> Tensor:
        return ((1 - self.alphas_cumprod) / self.alphas_cumprod).sqrt()

    def scale(self, sigma: float) -> float:
        return vp_scale(sigma)

    def timestep(self, sigma: float) -> float:
        return timestep_of_sigma(self.sigmas, sigma)

    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor:
        return x0_from(prediction, self.prediction_type, x, sigma)

    def path(self, latent_pixels: int, **asked: Any) -> NoisePath:
        return noise_path(self.alphas_cumprod, **asked)

    def with_timesteps(self, path: NoisePath) -> NoisePath:
        return path


@dataclass(frozen=True)
class FlowProcess:
    """A rectified flow (arXiv:2209.03003): x_t = (1 - t) x0 + t eps, and a network that predicts eps - x0.

    `shift` moves the steps towards noise, as large pictures need it (arXiv:2403.03206, eq. 23); `dynamic`, where it is
    set, lets the shift grow with the picture: its logarithm is linear in the number of the network's tokens.
    `to_the_end` says that an evenly spaced path reaches the last timestep (SD3) instead of stopping a step before it
    (FLUX).
    """

    shift: float = 1.0
    num_train_timesteps: int = 1000
    dynamic: tuple[tuple[int, float], tuple[int, float]] | None = None
    to_the_end: bool = False

    def predicting(self, prediction_type: str) -> Self:
        return self

    @property
    def alphas_cumprod(self) -> Tensor:
        """Those of a variance-preserving process with the same signal-to-noise ratio at each timestep."""
        t = self.shifted(np.arange(1, self.num_train_timesteps + 1) / self.num_train_timesteps, self.shift)
        signal = (1 - t) ** 2
        return torch.from_numpy(signal / (signal + t**2))

    @staticmethod
    def shifted(t: np.ndarray, shift: float) -> np.ndarray:
        return shift * t / (1 + (shift - 1) * t)

    def scale(self, sigma: float) -> float:
        return 1 / (1 + sigma)

    def timestep(self, sigma: float) -> float:
        return self.num_train_timesteps * sigma / (1 + sigma)

    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor:
        """x0 = x_t - t v, written so that nothing large is subtracted from something large."""
        return (x - sigma * prediction) * self.scale(sigma)

    def path(self, latent_pixels: int, **asked: Any) -> NoisePath:
        own = asked.get("beta_schedule", MODEL) == MODEL and asked.get("sigma_schedule", "path") == "path"
        if not own:
            return self.with_timesteps(noise_path(self.alphas_cumprod, **asked))
        discard = int(asked.get("discard_penultimate", False))
        t = self.times(asked["num_inference_steps"] + discard, latent_pixels)[: asked["num_inference_steps"]]
        levels = np.minimum(t, NEXT_TO_NOISE)
        sigmas = np.append(levels / (1 - levels), 0.0)
        return NoisePath(torch.from_numpy(sigmas), torch.from_numpy(t * self.num_train_timesteps))

    def times(self, steps: int, latent_pixels: int) -> np.ndarray:
        """(steps,) t from 1 down, as FlowMatchEulerDiscreteScheduler visits them."""
        last = self.shifted(np.array([1 / self.num_train_timesteps]), self.shift)[0] if self.to_the_end else 1 / steps
        return self.shifted(np.linspace(1.0, last, steps), self._shift_at(latent_pixels))

    def _shift_at(self, latent_pixels: int) -> float:
        if self.dynamic is None:
            return self.shift
        (few, low), (many, high) = self.dynamic
        return math.exp(low + (high - low) * (latent_pixels / 4 - few) / (many - few))

    def with_timesteps(self, path: NoisePath) -> NoisePath:
        timesteps = [self.timestep(sigma) for sigma in path.sigmas.tolist()[:-1]]
        return replace(path, timesteps=torch.tensor(timesteps, dtype=torch.float64))


def vp_scale(sigma: float) -> float:
    """sqrt(abar) of a noise level: what takes x = x0 + sigma * eps to a variance-preserving network's own form."""
    return 1 / math.sqrt(1 + sigma * sigma)


def x0_from(prediction: Tensor, prediction_type: str, x: Tensor, sigma: float) -> Tensor:
    """The guess of the clean latents from what the network predicted at x = x0 + sigma * eps."""
    if prediction_type == "epsilon":
        return x - sigma * prediction
    if prediction_type == "v_prediction":  # v = sqrt(abar) eps - sqrt(1 - abar) x0 (arXiv:2202.00512, appendix D)
        scale = vp_scale(sigma)
        return x * (scale * scale) - prediction * (sigma * scale)
    return prediction


def trained_process(config: dict[str, Any]) -> TrainedProcess:
    """The variance-preserving process that a scheduler's config describes, as diffusers computes it."""
    known = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    settings = {name: config[name] for name in known if config.get(name) is not None}
    settings["rescale_betas_zero_snr"] = bool(config.get("rescale_betas_zero_snr", False))
    alphas_cumprod = _alphas_cumprod(settings)
    if alphas_cumprod is None:
        raise _no_schedule(settings)
    return TrainedProcess(alphas_cumprod, config.get("prediction_type", "epsilon"))


def _alphas_cumprod(settings: dict[str, Any]) -> Tensor | None:
    """(T,) float64, falling between 1 and 0; None where the settings describe none such."""
    try:
        alphas_cumprod = libs.diffusers().DDPMScheduler(**settings).alphas_cumprod.double()
        steps = len(alphas_cumprod)
    except (ValueError, TypeError, IndexError, NotImplementedError, RuntimeError):
        return None
    if steps < 2:
        return None
    if alphas_cumprod[-1] == 0:  # zero terminal SNR: its sigma would be infinite; diffusers stops at 2**-24 as well
        alphas_cumprod[-1] = min(2.0**-24, float(alphas_cumprod[-2]) / 2)
    falling = bool((alphas_cumprod.diff() < 0).all())
    return alphas_cumprod if falling and 0 < alphas_cumprod[-1] < alphas_cumprod[0] < 1 else None


def _no_schedule(settings: dict[str, Any]) -> BadFile:
    """With the setting that alone spoils the usual schedule, where there is one."""
    spoils = next((name for name, value in settings.items() if _alphas_cumprod({name: value}) is None), None)
    if spoils is None:
        return BadFile("the betas in scheduler_config.json must lie between 0 and 1. Copy the folder again.")
    return BadFile(
        "scheduler_config.json describes no known noise schedule: {key} is {value}. Copy the folder again.",
        key=spoils,
        value=described(settings[spoils]),
    )


def flow_process(config: dict[str, Any], to_the_end: bool) -> FlowProcess:
    """The flow of a FlowMatchEulerDiscreteScheduler's config."""
    few, low, many, high = (_number(config, name, default) for name, default in ENDS)
    dynamic = ((int(few), low), (int(many), high)) if config.get("use_dynamic_shifting") else None
    timesteps = int(_number(config, "num_train_timesteps", 1000))
    process = FlowProcess(_number(config, "shift", 1), timesteps, dynamic, to_the_end)
    if not 0 < process.shift <= 100 or process.num_train_timesteps < 2 or few == many:
        raise BadFile("scheduler_config.json has a shift or a number of timesteps that no flow has. Copy it again.")
    return process


def _number(config: dict[str, Any], name: str, default: float) -> float:
    given = config.get(name)
    value = default if given is None else given
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise BadFile(
            "scheduler_config.json describes no known flow: {key} is {value}. Copy the folder again.",
            key=name,
            value=described(value),
        )
    return float(value)
