"""What a β schedule does to the signal, step by step: the curves of the workbench and its two gauges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.device.manager import DeviceManager
from pipelines.lab.timesteps import from_clean
from pipelines.params import Choice, Curve, Flag, Range, Request, param
from pipelines.theory.betas import (
    BETA_SCHEDULES,
    MAX_OFFSET,
    MAX_TIMESTEPS,
    MIN_TIMESTEPS,
    OFFSET,
    drawn,
    make_betas,
    zero_terminal_snr,
)
from pipelines.theory.forward import DiffusionProcess

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = "drawn"
MOST_POINTS = 120
"""Of a curve: more than a screen shows."""
LEFT_OVER = 0.1
"""The share of the signal's amplitude at the end above which sampling from pure noise starts at the wrong place."""
PRIOR_TOO_LARGE = 0.01
"""Bits per dimension of L_T above which the bound pays for that."""


def schedule_names() -> tuple[str, ...]:
    return (*BETA_SCHEDULES, DRAWN)


@dataclass(frozen=True)
class ScheduleRequest(Request):
    """A β schedule, by name or drawn by hand."""

    beta_schedule: str = param("linear", Choice(schedule_names), "The formula of the schedule, or a drawn curve.")
    num_train_timesteps: int = param(1000, Range(MIN_TIMESTEPS, MAX_TIMESTEPS), "T, how many steps the process has.")
    beta_start: float = param(0.0, Range(0, 0.999), "First beta; 0 takes the schedule's own, rescaled to T.")
    beta_end: float = param(0.0, Range(0, 0.999), "Last beta; 0 takes the schedule's own, rescaled to T.")
    offset: float = param(OFFSET, Range(0, MAX_OFFSET, 0.002), "s of the cosine schedule; the others have none.")
    zero_snr: bool = param(False, Flag(), "Shift and scale the signal so that nothing of it is left at the end.")
    curve: tuple = param((), Curve(64), "Points (position from 0 to 1, beta) of a drawn schedule.")

    def check(self) -> None:
        self.betas()

    def betas(self) -> Tensor:
        """(T,) float64. Raises BadRequest."""
        if self.beta_schedule == DRAWN:
            betas = drawn(self.curve, self.num_train_timesteps)
        else:
            betas = make_betas(
                self.beta_schedule, self.num_train_timesteps, self.beta_start, self.beta_end, self.offset
            )
        return zero_terminal_snr(betas) if self.zero_snr else betas

    def process(self) -> DiffusionProcess:
        return DiffusionProcess(self.betas())


def answer(request: ScheduleRequest, _devices: DeviceManager) -> dict[str, Any]:
    """Curves over t (thinned to what a screen shows, ends kept), and what is left of the signal at the end.

    A curve is None where it is not a number: no step leads to t = 0, and log SNR is infinite where nothing of the noise
    or of the signal is left.
    """
    torch = libs.torch()
    process = request.process()
    count = len(process.betas)
    t = torch.linspace(0, count, min(count + 1, MOST_POINTS), dtype=torch.float64).round().long()
    one = torch.ones(1, dtype=torch.float64)
    _, variance, _ = process.q_posterior(one, one, torch.arange(count))
    alphas_cumprod = from_clean(1.0, process.alphas_cumprod)[t]
    curves = {
        "beta": from_clean(math.nan, process.betas)[t],
        "alphas_cumprod": alphas_cumprod,
        "signal": alphas_cumprod.sqrt(),
        "noise": (1 - alphas_cumprod).sqrt(),
        "log_snr": from_clean(math.inf, process.log_snr)[t],
        "posterior_variance": from_clean(math.nan, variance)[t],
    }
    left = float(process.alphas_cumprod[-1].sqrt())
    prior = prior_bits(float(process.alphas_cumprod[-1]))
    return {
        "t": t.tolist(),
        "curves": {name: [finite(v) for v in values.tolist()] for name, values in curves.items()},
        "signal_left": significant(left),
        "prior_bits": significant(prior),
        "most_signal": LEFT_OVER,
        "most_prior": PRIOR_TOO_LARGE,
        "too_much_left": left > LEFT_OVER or prior > PRIOR_TOO_LARGE,
    }


def prior_bits(abar: float) -> float:
    """L_T in bits per dimension for data of mean square 1: KL(N(sqrt(abar) x0, 1 - abar) || N(0, 1))."""
    return -0.5 * math.log1p(-abar) / math.log(2)


def finite(value: float) -> float | None:
    """To the digits of `significant`, or None where JSON has no such number."""
    return significant(value) if math.isfinite(value) else None


def significant(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
