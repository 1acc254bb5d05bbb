"""What a beta schedule means when sampling: the noise levels to visit, and the network's own timestep for each.

A trained network knows noise levels, not betas. So a schedule of any length gives a path of sigmas; the sampler visits
some points of it, and each is handed to the network as the timestep that has the same log-SNR.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines import libs
from pipelines.errors import BadRequest, Sentence
from pipelines.theory.betas import BETA_SCHEDULES, make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.sigmas import FOLLOWS_PATH, SIGMA_SCHEDULES

if TYPE_CHECKING:
    from torch import Tensor

MODEL = "model"  # the beta schedule that the network was trained with
LOG_SIGMA_MAX = 5.1  # sigma 164: a cosine schedule ends at 20,291 only because beta is capped; diffusers' -lambda_min
MIN_GAP = 1e-3  # between the logarithms of two sigmas: multistep samplers divide by it
NEAR_THE_TOP = 0.1  # a path that ends within 10 % of sigma_max needs no step before it
FEWEST_LEADING = 10  # steps of DDIM's spacing that may begin below the top, as they do in other tools


@dataclass(frozen=True, eq=False)
class NoisePath:
    """sigmas: (n + 1,) float64, strictly descending, the last 0. timesteps: (n,) float64, the network's own.

    n is the number of steps asked for, or another that the notes give the reason of.
    """

    sigmas: Tensor
    timesteps: Tensor
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.timesteps)

    def last(self, part: float) -> NoisePath:
        """That part of its steps, counted from the end and rounded down, but one at least; as diffusers cuts it."""
        return self.ending(max(1, int(len(self) * part)))

    def ending(self, n: int) -> NoisePath:
        """Its last n steps."""
        return NoisePath(self.sigmas[-n - 1 :], self.timesteps[-n:], self.notes)

    def turned(self, step: int, other: NoisePath) -> NoisePath:
        """Its levels down to the one after `step` steps, then what of the other path's lies below that."""
        torch = libs.torch()
        below = other.sigmas < float(self.sigmas[step]) * math.exp(-MIN_GAP / 2)
        sigmas = torch.cat([self.sigmas[: step + 1], other.sigmas[below]])
        return NoisePath(sigmas, torch.cat([self.timesteps[: step + 1], other.timesteps[below[:-1]]]), other.notes)

    def within(self, start: float, end: float) -> tuple[float, float]:
        """The first and the last timestep of the steps that lie wholly in that part of the run; where none does, two
        between which nothing lies."""
        n = len(self)
        inside = [t for i, t in enumerate(self.timesteps.tolist()) if i / n >= start and (i + 1) / n <= end]
        return (inside[0], inside[-1]) if inside else (-math.inf, math.inf)


def noise_path(
    network_alphas_cumprod: Tensor,
    beta_schedule: str = MODEL,
    num_train_timesteps: int = 1000,
    beta_start: float | None = None,
    beta_end: float | None = None,
    sigma_schedule: str = "path",
    num_inference_steps: int = 20,
    discard_penultimate: bool = False,
) -> NoisePath:
    """The steps of one sampling run. `beta_schedule` is "model" or one of BETA_SCHEDULES; `discard_penultimate`: the
    levels of one step more, without the last one before 0. Raises BadRequest."""
    _check(sigma_schedule, num_inference_steps)
    network, low, high = _known_range(network_alphas_cumprod)
    if beta_schedule == MODEL:
        known, notes = network, _fixed_notes(len(network), num_train_timesteps, beta_start, beta_end)
    else:
        known, notes = _own_path(beta_schedule, num_train_timesteps, beta_start, beta_end), []
    known = np.clip(known, low, high)

    levels = np.clip(_visited(known, high, sigma_schedule, num_inference_steps + discard_penultimate), low, high)
    if discard_penultimate:
        levels = levels[:-1]
    if len(levels) != num_inference_steps:
        notes.append(_strided_note(len(known), len(levels), num_inference_steps))
    leading = beta_schedule == MODEL and num_inference_steps >= FEWEST_LEADING
    if levels[0] < high - NEAR_THE_TOP and not leading:
        notes.append(_added_note(levels[0], high, num_inference_steps))
        levels = np.concatenate([[high], levels])
    if beta_schedule != MODEL and sigma_schedule not in FOLLOWS_PATH:
        notes.append(
            Sentence(
                "The spacing {sigma_schedule} uses only the ends of the noise path, not the shape of its betas.",
                sigma_schedule=sigma_schedule,
            )
        )
    return _finish(_spread(levels, low), network, notes)


def path_from(
    network_alphas_cumprod: Tensor, process: DiffusionProcess, t: int, sigma_schedule: str, num_inference_steps: int
) -> NoisePath:
    """From step t (from 0) of any process down: for a picture that is under the noise of that step already.

    Where fewer levels are left than steps are asked for, there are fewer steps, and a note. Raises BadRequest.
    """
    _check(sigma_schedule, num_inference_steps)
    network, low, high = _known_range(network_alphas_cumprod)
    known = np.clip(-process.log_snr.numpy() / 2, low, high)[: t + 1]
    top = float(known[-1])
    n = min(num_inference_steps, len(known), 1 + int((top - low) / MIN_GAP))
    fewer = Sentence("From this t only {n} steps are left of the {steps}.", n=n, steps=num_inference_steps)
    notes = [fewer] if n < num_inference_steps else []
    levels = np.clip(_visited(known, top, sigma_schedule, n), low, top)
    levels[0] = top  # linspace and trailing end there by themselves, up to rounding
    return _finish(_spread(levels, low), network, notes)


def _check(sigma_schedule: str, num_inference_steps: int) -> None:
    if sigma_schedule not in SIGMA_SCHEDULES:
        raise BadRequest(
            "sigma_schedule must be one of {known}; got {got!r}.",
            known=", ".join(SIGMA_SCHEDULES),
            got=sigma_schedule[:40],
        )
    if num_inference_steps < 1:
        raise BadRequest("num_inference_steps must be at least 1; got {got}.", got=num_inference_steps)


def _known_range(network_alphas_cumprod: Tensor) -> tuple[np.ndarray, float, float]:
    """log sigma of the network's timesteps, rising, and the lowest and highest that a path may visit."""
    network = _log_sigmas(network_alphas_cumprod)
    return network, float(network[0]), min(float(network[-1]), LOG_SIGMA_MAX)


def _visited(known: np.ndarray, high: float, sigma_schedule: str, n: int) -> np.ndarray:
    """(n,) log sigma, from high to low, as the spacing chooses them from the `known` ones."""
    visit = SIGMA_SCHEDULES[sigma_schedule]
    return np.log(visit(n, math.exp(known[0]), math.exp(high), libs.torch().from_numpy(np.exp(known))).numpy())


def timestep_of_sigma(network_sigmas: Tensor, sigma: float) -> float:
    """The timestep at which the network met this noise level, interpolated in log-SNR and held within its range.

    network_sigmas: (T,) rising. On the grid the answer is a whole number.
    """
    return _timestep(np.log(np.asarray(network_sigmas, dtype=np.float64)), math.log(sigma))


def _timestep(network: np.ndarray, level: float) -> float:
    t = float(np.interp(level, network, np.arange(len(network))))
    # A table of alphas_cumprod in float32 is off by up to some thousandths of a timestep.
    return float(round(t)) if abs(t - round(t)) < 0.01 else t


def _log_sigmas(alphas_cumprod: Tensor) -> np.ndarray:
    """(T,) log sigma, rising; finite also for an alphas_cumprod of 0 (zero terminal SNR)."""
    torch = libs.torch()
    known = torch.as_tensor(alphas_cumprod, dtype=torch.float64, device="cpu").clamp(2.0**-48, 1 - 2.0**-48)
    return (((1 - known) / known).log() / 2).numpy()


def _own_path(name: str, num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    process = DiffusionProcess(make_betas(name, num_train_timesteps, beta_start, beta_end))
    return (-process.log_snr / 2).numpy()


def _spread(levels: np.ndarray, low: float) -> np.ndarray:
    """Strictly descending: points that clamping made equal are spread evenly up to the next one that differs."""
    last = len(levels) - 1
    kept = [0]
    for i in range(1, last + 1):
        if levels[kept[-1]] - levels[i] >= MIN_GAP * (i - kept[-1]):
            kept.append(i)
    values = levels.copy()
    if kept[-1] != last:  # the run lies at the bottom: its last point stays, the others move up
        while len(kept) > 1 and values[kept[-1]] - values[last] < MIN_GAP * (last - kept[-1]):
            kept.pop()
        if len(kept) == 1 and values[0] - values[last] < MIN_GAP * last:
            values[last] = low  # the whole path lies above what the network knows
        kept.append(last)
    return np.interp(np.arange(last + 1), kept, values[kept])


def _finish(levels: np.ndarray, network: np.ndarray, notes: Iterable[str]) -> NoisePath:
    tensor = libs.torch().from_numpy
    timesteps = np.array([_timestep(network, level) for level in levels])
    return NoisePath(tensor(np.append(np.exp(levels), 0.0)), tensor(timesteps), tuple(notes))


def _added_note(top: float, high: float, num_inference_steps: int) -> str:
    return Sentence(
        "The schedule ends at sigma {end:.3g}, below the {start:.3g} at which the model starts, so a first step at "
        "{start:.3g} was added: {steps} steps in all.",
        end=math.exp(top),
        start=math.exp(high),
        steps=num_inference_steps + 1,
    )


def _strided_note(timesteps: int, levels: int, num_inference_steps: int) -> str:
    return Sentence(
        "DDIM's spacing takes one timestep in {stride}: {levels} steps instead of {steps}.",
        stride=timesteps // num_inference_steps,
        levels=levels,
        steps=num_inference_steps,
    )


def _fixed_notes(own: int, num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> list[str]:
    """The model's own betas cannot be changed; say so where somebody tried."""
    if num_train_timesteps == own and not beta_start and not beta_end:
        return []
    others = ", ".join(BETA_SCHEDULES)
    return [
        Sentence(
            "The model's own betas are fixed at {own} timesteps, so num_train_timesteps, beta_start and beta_end "
            "change nothing here; they shape the schedules {others}.",
            own=own,
            others=others,
        )
    ]
