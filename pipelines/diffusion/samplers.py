"""Samplers: each walks a picture down a list of noise levels, one yielded step at a time.

All share one contract. The state is x = x0 + sigma * eps; `denoiser(x, sigma) -> x0_pred` is the model, whatever it
predicts inside; `sigmas` descends and usually ends in 0, where the state is x0_pred itself; `noise(x)` draws like x.
Nothing is evaluated before a step is asked for, so closing the generator stops at once.

A variance-preserving model's state is x / sqrt(1 + sigma^2). Its forward process is this one, scaled, so the DDPM and
DDIM of the papers and the solvers of diffusers are exactly the steps below, and tests hold them to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Denoiser = Callable[["Tensor", float], "Tensor"]
Noise = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, eq=False)
class Step:
    """The state x after step `index` (from 0), at noise level `sigma`, and the guess x0_pred that the step used."""

    index: int
    sigma: float
    x: Tensor
    x0_pred: Tensor


class Sampler(Protocol):
    def __call__(
        self, denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
    ) -> Iterator[Step]: ...


SAMPLERS: dict[str, Sampler] = {}
SAMPLER_LABELS: dict[str, str] = {}  # as AUTOMATIC1111 and the tools that read its files call them
READS_ETA = ("ddim",)  # the others take eta too, so that all are called alike, and leave it aside


def sampler(label: str) -> Callable[[Sampler], Sampler]:
    """Register a sampler under its own name, with the name that other tools give it."""

    def register(function: Sampler) -> Sampler:
        name = function.__name__  # type: ignore[attr-defined]
        SAMPLERS[name], SAMPLER_LABELS[name] = function, label
        return function

    return register


@sampler("Euler")
def euler(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Straight along dx/dsigma = (x - x0) / sigma. EDM (arXiv:2206.00364) algorithm 1 without its correction."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        x = _towards(x0_pred, x, sigma_next / sigma)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("Euler a")
def euler_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Euler down to below the next level, then fresh noise up to it (k-diffusion). The same step as ddpm."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        sigma_down = sigma_next**2 / sigma
        x = _towards(x0_pred, x, sigma_down / sigma)
        if sigma_next > 0:
            x = x + math.sqrt(sigma_next**2 - sigma_down**2) * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("Heun")
def heun(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Euler, then again with the mean of the slopes at both ends: order 2, two evaluations a step but the last."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        ahead = _towards(x0_pred, x, sigma_next / sigma)
        if sigma_next > 0:
            slope = (x - x0_pred) / sigma
            slope_ahead = (ahead - denoiser(ahead, sigma_next)) / sigma_next
            ahead = x + (sigma_next - sigma) * (slope + slope_ahead) / 2
        x = ahead
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM++ 2M")
def dpmpp_2m(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM-Solver++ (arXiv:2211.01095) algorithm 2: order 2 in log sigma, from the last two guesses."""
    x0_last, h_last = None, 0.0
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        h = _h(sigma, sigma_next)
        x = _towards(_extrapolated(x0_pred, x0_last, h, h_last), x, sigma_next / sigma)
        x0_last, h_last = x0_pred, h
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM++ 2M SDE")
def dpmpp_2m_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM++ 2M for the stochastic equation, midpoint form: as much fresh noise as ddpm, and order 2 in the guess."""
    x0_last, h_last = None, 0.0
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        h = _h(sigma, sigma_next)
        ratio = (sigma_next / sigma) ** 2
        x = _towards(_extrapolated(x0_pred, x0_last, h, h_last), x, ratio)
        if sigma_next > 0:
            x = x + sigma_next * math.sqrt(1 - ratio) * noise(x)
        x0_last, h_last = x0_pred, h
        yield Step(i, sigma_next, x, x0_pred)


@sampler("UniPC")
def unipc(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """UniPC (arXiv:2302.04867), order 2, B2(h): DPM++ 2M, and each new guess first corrects the step that led to it."""
    start = x  # of the step before
    x0_last = x0_before = None
    sigma_last, h_last, h_before = 0.0, 0.0, 0.0
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        if x0_last is not None:
            x0_mean = _corrected(x0_pred, x0_last, x0_before, h_last, h_before)
            x = _towards(x0_mean, start, sigma / sigma_last)
        start, h = x, _h(sigma, sigma_next)
        x = _towards(_extrapolated(x0_pred, x0_last, h, h_last), x, sigma_next / sigma)
        x0_before, x0_last, h_before, h_last, sigma_last = x0_last, x0_pred, h_last, h, sigma
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DDIM")
def ddim(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DDIM (arXiv:2010.02502) eq. 12 and 16. eta 0 draws no noise and equals euler; eta 1 equals ddpm."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        eps = (x - x0_pred) / sigma
        fresh = eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2)
        x = x0_pred + math.sqrt(sigma_next**2 - fresh**2) * eps
        if fresh > 0:
            x = x + fresh * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DDPM")
def ddpm(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DDPM (arXiv:2006.11239): a draw from q(x_next | x, x0_pred), with the posterior's own variance (fixed_small)."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        ratio = (sigma_next / sigma) ** 2
        x = ratio * x + (1 - ratio) * x0_pred
        if sigma_next > 0:
            x = x + math.sqrt(sigma_next**2 * (1 - ratio)) * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


def _steps(sigmas: Iterable[float] | Tensor) -> Iterator[tuple[float, float]]:
    return pairwise([float(sigma) for sigma in sigmas])


def _towards(x0: Tensor, x: Tensor, ratio: float) -> Tensor:
    """Keep the share `ratio` of the way from x0 to x: exactly x0 where it is 0."""
    return x0 + ratio * (x - x0)


def _h(sigma: float, sigma_next: float) -> float:
    """The step in -log sigma, half the log-SNR."""
    return math.log(sigma / sigma_next) if sigma_next > 0 else math.inf


def _extrapolated(x0_pred: Tensor, x0_last: Tensor | None, h: float, h_last: float) -> Tensor:
    """The guess half a step ahead, from the last two; x0_pred itself in the first step and in the step to sigma 0."""
    if x0_last is None or math.isinf(h):
        return x0_pred
    return x0_pred + (h / h_last) / 2 * (x0_pred - x0_last)


def _corrected(x0_pred: Tensor, x0_last: Tensor, x0_before: Tensor | None, h: float, h_before: float) -> Tensor:
    """UniC: the mean guess over a step that began at x0_last and led to x0_pred. h: that step in -log sigma."""
    if x0_before is None:
        return x0_last + (x0_pred - x0_last) / 2
    whole = math.expm1(-h)
    first = -whole / h - 1  # h phi_2 and h phi_3 of the paper, for -h
    b1, b2 = first / whole, 2 * (-first / h - 0.5) / whole
    r = -h_before / h
    before = (b1 - b2) / (1 - r)
    return x0_last + before / r * (x0_before - x0_last) + (b1 - before) * (x0_pred - x0_last)
