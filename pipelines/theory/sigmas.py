"""Spacings of sigma: which noise levels a sampler visits. Exact float64; torch only comes with a call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipelines import libs

if TYPE_CHECKING:
    from torch import Tensor


class SigmaSchedule(Protocol):
    def __call__(self, n: int, sigma_min: float, sigma_max: float, path: Tensor | None = None) -> Tensor: ...


SIGMA_SCHEDULES: dict[str, SigmaSchedule] = {}
"""name -> f(n, sigma_min, sigma_max, path) -> (n,) float64 from high to low, without a final 0; of "ddim_uniform" n or
more.

`path` is the rising sigma of every training timestep. FOLLOWS_PATH names the spacings that use it; the others use only
the two ends.
"""
SIGMA_SCHEDULE_LABELS: dict[str, str] = {}  # as AUTOMATIC1111 and the tools that read its files call them
FOLLOWS_PATH = ("path", "linspace", "simple", "ddim_uniform", "beta_quantiles")


def sigma_schedule(label: str) -> Callable[[Callable[..., np.ndarray]], SigmaSchedule]:
    """Register a spacing under its own name, with the name that other tools give it."""

    def register(formula: Callable[..., np.ndarray]) -> SigmaSchedule:
        def schedule(n: int, sigma_min: float, sigma_max: float, path: Tensor | None = None) -> Tensor:
            return libs.torch().from_numpy(formula(n, sigma_min, sigma_max, path))

        schedule.__name__, schedule.__doc__ = formula.__name__, formula.__doc__  # type: ignore[attr-defined]
        SIGMA_SCHEDULES[formula.__name__] = schedule
        SIGMA_SCHEDULE_LABELS[formula.__name__] = label
        return schedule

    return register


@sigma_schedule("SGM Uniform")
def path(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Uniform in t, "trailing": T, T - T/n, ... down to T/n, so that the last t is visited (arXiv:2305.08891)."""
    count = _length(path)
    if n > count:  # more steps than the path has points
        return _between(path, np.linspace(count - 1, 0, n))
    return _between(path, trailing(count, n))


@sigma_schedule("Uniform")
def linspace(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Uniform in t from the last training timestep to the first, both visited."""
    return _between(path, np.linspace(_length(path) - 1, 0, n))


@sigma_schedule("Karras")
def karras(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """EDM (arXiv:2206.00364) eq. 5 with rho = 7: more steps at low noise."""
    return np.linspace(sigma_max ** (1 / 7), sigma_min ** (1 / 7), n) ** 7


@sigma_schedule("Exponential")
def exponential(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Uniform in log sigma, which is uniform in log-SNR: each step divides sigma by the same number."""
    return np.exp(np.linspace(math.log(sigma_max), math.log(sigma_min), n))


@sigma_schedule("KL Optimal")
def kl_optimal(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Align Your Steps (arXiv:2404.14507) eq. 9: uniform in arctan sigma."""
    return np.tan(np.linspace(math.atan(sigma_max), math.atan(sigma_min), n))


@sigma_schedule("Simple")
def simple(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Uniform in t from the last one down, rounded up: ComfyUI's "simple", Stable Diffusion 3's own."""
    count = _length(path)
    if n > count:
        return _between(path, np.linspace(count - 1, 0, n))
    return _between(path, count - 1 - np.floor(np.arange(n) * (count / n)))


@sigma_schedule("DDIM")
def ddim_uniform(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Uniform in t, "leading": every (T // n)th from t = 1 up, as DDIM and Stable Diffusion 1 were run. The last
    timesteps are not visited, and where n does not divide T there are more than n (31 for 30 of 1000)."""
    count = _length(path)
    if n >= count:
        return _between(path, np.linspace(count - 1, 0, n))
    return _between(path, np.arange(1.0, max(count, 2), count // n)[::-1])


@sigma_schedule("Beta")
def beta_sigmas(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Sigmas at the quantiles 1, ..., 0 of the Beta(0.6, 0.6) distribution between both ends: AUTOMATIC1111's "Beta",
    which takes the quantiles of arXiv:2407.12173 in sigma instead of t. Nothing to do with the betas of training."""
    return sigma_min + _beta_quantile(np.linspace(1, 0, n)) * (sigma_max - sigma_min)


@sigma_schedule("Beta of timesteps")
def beta_quantiles(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Timesteps at the quantiles 1, 1 - 1/n, ... of the Beta(0.6, 0.6) distribution, so most at both ends
    (arXiv:2407.12173; ComfyUI's "beta"). Whole timesteps, as there, unless two would be the same."""
    t = _beta_quantile(1 - np.arange(n) / n) * (_length(path) - 1)
    whole = np.rint(t)
    return _between(path, whole if (np.diff(whole) < 0).all() else t)


@sigma_schedule("Align Your Steps")
def align_your_steps(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """The levels found best for Stable Diffusion 1.5 (arXiv:2404.14507), between them by the logarithm.

    For another range of sigma they are stretched in the logarithm, so that both ends are visited.
    """
    return _stretched(ALIGNED_SD1, n, sigma_min, sigma_max)


@sigma_schedule("Align Your Steps XL")
def align_your_steps_xl(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """The same for Stable Diffusion XL."""
    return _stretched(ALIGNED_SDXL, n, sigma_min, sigma_max)


ALIGNED_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
ALIGNED_SDXL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


def _stretched(table: tuple[float, ...], n: int, sigma_min: float, sigma_max: float) -> np.ndarray:
    """n levels along the table, its first taken to sigma_max and its last to sigma_min."""
    known = np.log(table)
    share = (known - known[-1]) / (known[0] - known[-1])  # from 1 down to 0
    at = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(known)), share)
    return np.exp(math.log(sigma_min) + at * (math.log(sigma_max) - math.log(sigma_min)))


def _beta_quantile(p: np.ndarray, a: float = 0.6) -> np.ndarray:
    """Quantiles of Beta(a, a) by its lower half, which mirrors the upper. In u = x^a the density there is smooth."""
    u = np.linspace(0, 0.5**a, 4097)
    density = (1 - u ** (1 / a)) ** (a - 1)
    mass = np.append(0, np.cumsum(density[1:] + density[:-1]))
    lower = np.interp(np.minimum(p, 1 - p), mass / (2 * mass[-1]), u) ** (1 / a)
    return np.where(p <= 0.5, lower, 1 - lower)


def trailing(count: int, n: int) -> np.ndarray:
    """n of `count` timesteps, evenly spread, from the last one down."""
    return np.round(count - np.arange(n) * (count / n)) - 1


def _length(path: Tensor | None) -> int:
    if path is None:
        raise TypeError("this spacing follows a path of sigmas; pass path=")
    return len(path)


def _between(path: Tensor | None, t: np.ndarray) -> np.ndarray:
    """sigma at a fractional timestep, by the logarithm."""
    known = np.log(np.asarray(path, dtype=np.float64))
    return np.exp(np.interp(t, np.arange(len(known)), known))
