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
DISCARD_PENULTIMATE = ("dpm_2", "dpm_2_ancestral")
"""Those that AUTOMATIC1111 and ComfyUI run on the levels of one step more, without the last one before 0: from there
on, halfway to 0 in log sigma is nowhere."""


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


@sampler("DPM2")
def dpm_2(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """The slope halfway in log sigma carries the whole step (k-diffusion's DPM-Solver-2): order 2, two evaluations."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        x = _by_the_middle(denoiser, x, x0_pred, sigma, math.sqrt(sigma * sigma_next), sigma_next)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM2 a")
def dpm_2_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM2 down to below the next level, which is halfway there, then fresh noise up to it (k-diffusion)."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        x = _by_the_middle(denoiser, x, x0_pred, sigma, sigma_next, sigma_next**2 / sigma)
        if sigma_next > 0:
            x = x + sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2) * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM++ 2S a")
def dpmpp_2s_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM-Solver++(2S) (arXiv:2211.01095 algorithm 1, r = 1/2) to below the next level, then noise up to it."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = x0_middle = denoiser(x, sigma)
        ratio = sigma_next / sigma
        if sigma_next > 0:  # which lies halfway, in log sigma, to where the step without noise ends
            x0_middle = denoiser(_towards(x0_pred, x, ratio), sigma_next)
        x = _towards(x0_middle, x, ratio**2)
        if sigma_next > 0:
            x = x + sigma_next * math.sqrt(1 - ratio**2) * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM++ SDE")
def dpmpp_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM-Solver++ for the stochastic equation, one step at a time, r = 1/2: a ddpm step to the middle, and the guess
    there for the whole step. The step's noise is that of two halves, so the first half's is the middle's own."""
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = x0_middle = denoiser(x, sigma)
        ratio, fresh = sigma_next / sigma, x * 0
        if sigma_next > 0:
            middle, first = math.sqrt(sigma * sigma_next), noise(x)
            x_middle = _towards(x0_pred, x, ratio) + middle * math.sqrt(1 - ratio) * first
            x0_middle = denoiser(x_middle, middle)
            fresh = sigma_next * math.sqrt(1 - ratio) * (math.sqrt(ratio) * first + noise(x))
        x = _towards(x0_middle, x, ratio**2) + fresh
        yield Step(i, sigma_next, x, x0_pred)


@sampler("DPM++ 3M SDE")
def dpmpp_3m_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM++ 2M SDE with the last three guesses, as k-diffusion and all tools built on it run it: with half of the third
    order's term, so that the order is 2."""
    return _parabolic_sde(denoiser, x, sigmas, noise, bend_share=0.5)


@sampler("DPM++ 3M SDE exact")
def dpmpp_3m_sde_exact(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """DPM++ 2M SDE with the guess as a parabola through the last three, integrated exactly: order 3 in the guess."""
    return _parabolic_sde(denoiser, x, sigmas, noise, bend_share=1)


def _parabolic_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, bend_share: float
) -> Iterator[Step]:
    """`bend_share`: how much of the parabola's second-order term is added."""
    known: list[tuple[float, Tensor]] = []  # -log sigma and guess, the newest first
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        known = [(-math.log(sigma), x0_pred), *known[:2]]
        ratio = (sigma_next / sigma) ** 2
        x = _towards(x0_pred, x, ratio)
        if sigma_next > 0:
            (slope, bend), h = _slope_and_bend(known), _h(sigma, sigma_next)
            first = 1 + math.expm1(-2 * h) / (2 * h)  # 2h phi_2 of the paper, for -2h; 1 - first / h is 4h phi_3
            x = x + h * first * slope + bend_share * h * h * (1 - first / h) * bend
            x = x + sigma_next * math.sqrt(1 - ratio) * noise(x)
        yield Step(i, sigma_next, x, x0_pred)


@sampler("LMS")
def lms(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Linear multistep (Adams-Bashforth, k-diffusion): the last four slopes as a cubic in sigma, integrated exactly.

    The step to sigma 0 is Euler's, as nothing extrapolates well there.
    """
    known: list[tuple[float, Tensor]] = []  # sigma and slope, the newest first
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        known = [(sigma, (x - x0_pred) / sigma), *known[:3]]
        if sigma_next > 0:
            weights = _cubic_weights([level for level, _ in known], sigma, sigma_next)
            for weight, (_, slope) in zip(weights, known, strict=True):
                x = x + weight * slope
        else:
            x = x0_pred
        yield Step(i, sigma_next, x, x0_pred)


@sampler("LCM")
def lcm(
    denoiser: Denoiser, x: Tensor, sigmas: Iterable[float] | Tensor, noise: Noise, eta: float = 0.0
) -> Iterator[Step]:
    """Consistency models (arXiv:2303.01469 algorithm 1): the guess, under wholly fresh noise of the next level.

    For networks distilled to guess the end of the path in one step; others lose contrast and detail with it.
    """
    for i, (sigma, sigma_next) in enumerate(_steps(sigmas)):
        x0_pred = denoiser(x, sigma)
        x = x0_pred + sigma_next * noise(x) if sigma_next > 0 else x0_pred
        yield Step(i, sigma_next, x, x0_pred)


def _steps(sigmas: Iterable[float] | Tensor) -> Iterator[tuple[float, float]]:
    return pairwise([float(sigma) for sigma in sigmas])


def _towards(x0: Tensor, x: Tensor, ratio: float) -> Tensor:
    """Keep the share `ratio` of the way from x0 to x: exactly x0 where it is 0."""
    return x0 + ratio * (x - x0)


def _by_the_middle(
    denoiser: Denoiser, x: Tensor, x0_pred: Tensor, sigma: float, middle: float, sigma_next: float
) -> Tensor:
    """x at sigma_next, by the slope at the level between; to sigma 0 there is none, and it is x0_pred."""
    if middle == 0:
        return x0_pred
    x_middle = _towards(x0_pred, x, middle / sigma)
    return x + (sigma_next - sigma) / middle * (x_middle - denoiser(x_middle, middle))


def _slope_and_bend(known: list[tuple[float, Tensor]]) -> tuple[Tensor, Tensor]:
    """Of the polynomial through up to three (place, value), at the first: derivative, and half the second one."""
    if len(known) == 1:
        return known[0][1] * 0, known[0][1] * 0
    (p0, v0), (p1, v1), *oldest = known
    newer = (v0 - v1) / (p0 - p1)
    if not oldest:
        return newer, newer * 0
    ((p2, v2),) = oldest
    bend = (newer - (v1 - v2) / (p1 - p2)) / (p0 - p2)
    return newer + (p0 - p1) * bend, bend


def _cubic_weights(places: list[float], start: float, end: float) -> list[float]:
    """How much the value at each of up to four places counts in the integral, from start to end, of the polynomial
    through them; Gauss' two points make it exact."""
    center, reach = (start + end) / 2, (end - start) / 2
    at = (center - reach / math.sqrt(3), center + reach / math.sqrt(3))

    def lagrange(place: float, x: float) -> float:
        return math.prod((x - other) / (place - other) for other in places if other != place)

    return [reach * sum(lagrange(place, x) for x in at) for place in places]


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
