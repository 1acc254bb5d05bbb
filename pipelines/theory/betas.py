"""Beta schedules: how much noise is added at every step of training. Exact float64.

torch is imported when a function is called, so that the names can be listed early.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.theory.sigmas import trailing

if TYPE_CHECKING:
    from torch import Tensor


MIN_TIMESTEPS, MAX_TIMESTEPS = 10, 4000
MIN_BETA, MAX_BETA = 1e-8, 0.999
OFFSET, MAX_OFFSET = 0.008, 0.5
"""Of the cosine schedule: s of improved DDPM, and the most that is taken."""
READS_OFFSET = ("cosine",)


class BetaSchedule(Protocol):
    def __call__(
        self, num_train_timesteps: int, beta_start: float | None = None, beta_end: float | None = None, **more: float
    ) -> Tensor: ...


BETA_SCHEDULES: dict[str, BetaSchedule] = {}


def beta_schedule(formula: Callable[..., np.ndarray]) -> BetaSchedule:
    """Register a formula under its own name as a schedule that returns a float64 tensor."""

    def schedule(
        num_train_timesteps: int, beta_start: float | None = None, beta_end: float | None = None, **more: float
    ) -> Tensor:
        return libs.torch().from_numpy(formula(num_train_timesteps, beta_start, beta_end, **more))

    schedule.__name__, schedule.__doc__ = formula.__name__, formula.__doc__  # type: ignore[attr-defined]
    BETA_SCHEDULES[formula.__name__] = schedule
    return schedule


def make_betas(
    name: str,
    num_train_timesteps: int,
    beta_start: float | None = None,
    beta_end: float | None = None,
    offset: float = OFFSET,
) -> Tensor:
    """The named schedule, its values checked: (num_train_timesteps,) float64, each in (0, 1). Raises BadRequest.

    Ends that are not given (None or 0) are the schedule's own, rescaled by 1000 / num_train_timesteps so that the last
    step is nearly pure noise whatever the number of steps; ends that are given are taken as they are. The offset is
    read by those in READS_OFFSET.
    """
    if name not in BETA_SCHEDULES:
        raise BadRequest(
            "beta_schedule must be one of {known}; got {got!r}.", known=", ".join(BETA_SCHEDULES), got=str(name)[:40]
        )
    check_timesteps(num_train_timesteps)
    for field, beta in (("beta_start", beta_start), ("beta_end", beta_end)):
        if beta and not MIN_BETA <= beta <= MAX_BETA:  # also refuses NaN
            raise BadRequest(
                "{field} must be {least:g} to {most:g}, or 0 for the schedule's own; got {got:g}.",
                field=field,
                least=MIN_BETA,
                most=MAX_BETA,
                got=beta,
            )
    if not 0 <= offset <= MAX_OFFSET:  # also refuses NaN
        raise BadRequest("offset must be 0 to {most:g}; got {got:g}.", most=MAX_OFFSET, got=offset)
    more = {"offset": offset} if name in READS_OFFSET else {}
    return BETA_SCHEDULES[name](int(num_train_timesteps), beta_start or None, beta_end or None, **more)


def check_timesteps(num_train_timesteps: float) -> None:
    """Raises BadRequest."""
    if num_train_timesteps != int(num_train_timesteps) or not MIN_TIMESTEPS <= num_train_timesteps <= MAX_TIMESTEPS:
        raise BadRequest(
            "num_train_timesteps must be a whole number from {least} to {most}; got {got}.",
            least=MIN_TIMESTEPS,
            most=MAX_TIMESTEPS,
            got=num_train_timesteps,
        )


def _ends(
    num_train_timesteps: int, beta_start: float | None, beta_end: float | None, own: tuple[float, float]
) -> tuple[float, float]:
    """The given ends, else the schedule's own at T = 1000, rescaled to T and capped: at T = 20 the last would be 1."""
    start, end = (min(beta * 1000 / num_train_timesteps, MAX_BETA) for beta in own)
    return beta_start or start, beta_end or end


@beta_schedule
def linear(num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    """DDPM (arXiv:2006.11239): from 1e-4 to 0.02 at T = 1000. diffusers: "linear"."""
    return np.linspace(*_ends(num_train_timesteps, beta_start, beta_end, (1e-4, 0.02)), num_train_timesteps)


@beta_schedule
def scaled_linear(num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    """Latent and Stable Diffusion: linear in the root of beta, from 0.00085 to 0.012. diffusers: the same name."""
    start, end = _ends(num_train_timesteps, beta_start, beta_end, (0.00085, 0.012))
    return np.linspace(start**0.5, end**0.5, num_train_timesteps) ** 2


@beta_schedule
def cosine(
    num_train_timesteps: int, beta_start: float | None, beta_end: float | None, offset: float = OFFSET
) -> np.ndarray:
    """Improved DDPM (arXiv:2102.09672) eq. 17. diffusers: "squaredcos_cap_v2".

    The offset keeps the first betas from vanishing: with 0 the first steps add hardly any noise.
    It has no ends of its own, so the given ones bound it: no beta below beta_start or above beta_end (0.999).
    """
    t = np.arange(num_train_timesteps + 1) / num_train_timesteps
    alpha_bar = np.cos((t + offset) / (1 + offset) * math.pi / 2) ** 2
    betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
    return np.minimum(np.maximum(betas, beta_start or 0), beta_end or MAX_BETA)


@beta_schedule
def sigmoid(num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    """GeoDiff (arXiv:2203.02923), diffusers' "sigmoid": an S from beta_start to beta_end over logits -6 to 6.

    Not the sigmoid of lucidrains' package, whose S is in the cumulative product of 1 - beta.
    """
    start, end = _ends(num_train_timesteps, beta_start, beta_end, (1e-4, 0.02))
    return start + (end - start) / (1 + np.exp(-np.linspace(-6, 6, num_train_timesteps)))


@beta_schedule
def quadratic(num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    """DDPM's "quad": the formula of scaled_linear with the ends of linear, 1e-4 to 0.02."""
    start, end = _ends(num_train_timesteps, beta_start, beta_end, (1e-4, 0.02))
    return np.linspace(start**0.5, end**0.5, num_train_timesteps) ** 2


@beta_schedule
def constant(num_train_timesteps: int, beta_start: float | None, beta_end: float | None) -> np.ndarray:
    """The same beta at every step: 0.01 at T = 1000, about the mean of linear. Where one end is given, it is that."""
    if beta_start and beta_end and beta_start != beta_end:
        raise BadRequest(
            "a constant schedule has one beta; got beta_start {beta_start:g} and beta_end {beta_end:g}. Make "
            "them equal, or set one of them to 0.",
            beta_start=beta_start,
            beta_end=beta_end,
        )
    own, _ = _ends(num_train_timesteps, None, None, (0.01, 0.01))
    return np.full(num_train_timesteps, beta_start or beta_end or own)


def drawn(points: Sequence[tuple[float, float]], num_train_timesteps: int) -> Tensor:
    """A schedule by hand: (position, beta) with positions from 0 to 1, joined by straight lines in the log of beta.

    Positions may come in any order; before the first and after the last point beta stays. Raises BadRequest.
    """
    check_timesteps(num_train_timesteps)
    if len(points) < 2:
        raise BadRequest("a drawn schedule needs at least two points (position, beta); got {got}.", got=len(points))
    places, betas = np.array(sorted(points), dtype=np.float64).T
    if not (np.isfinite(places).all() and (np.diff(places) > 0).all() and places[0] >= 0 and places[-1] <= 1):
        raise BadRequest("a drawn schedule's positions must be different numbers from 0 to 1.")
    if not ((betas >= MIN_BETA) & (betas <= MAX_BETA)).all():
        raise BadRequest(
            "a drawn schedule's betas must be {least:g} to {most:g}; got {got}.",
            least=MIN_BETA,
            most=MAX_BETA,
            got=betas.tolist(),
        )
    t = (np.arange(num_train_timesteps) + 0.5) / num_train_timesteps
    return libs.torch().from_numpy(np.exp(np.interp(t, places, np.log(betas))))


def zero_terminal_snr(betas: Tensor) -> Tensor:
    """The schedule shifted and scaled so that nothing of the signal is left at the end (arXiv:2305.08891 alg. 1).

    The first step's signal stays as it is; the last beta becomes 1. diffusers: rescale_betas_zero_snr.
    """
    signal = (-betas.double()).log1p().cumsum(0).div(2).exp()  # sqrt of alphas_cumprod
    signal = (signal - signal[-1]) * (signal[0] / (signal[0] - signal[-1]))
    alphas_cumprod = signal**2
    return 1 - alphas_cumprod / libs.torch().cat([alphas_cumprod.new_ones(1), alphas_cumprod[:-1]])


def respaced(betas: Tensor, num_inference_steps: int) -> tuple[Tensor, Tensor]:
    """The betas of a shorter process that visits some of the timesteps, evenly spread to the last; and those timesteps.

    Improved DDPM (arXiv:2102.09672) sec. 4: alphas_cumprod of the short process is that of the long one at its steps.
    """
    count = len(betas)
    if not 1 <= num_inference_steps <= count:
        raise BadRequest(
            "num_inference_steps must be 1 to the {count} that there are; got {got}.",
            count=count,
            got=num_inference_steps,
        )
    kept = trailing(count, num_inference_steps)[::-1].astype(int)
    torch = libs.torch()
    timesteps = torch.from_numpy(kept)
    logs = (-betas.double()).log1p().cumsum(0)[timesteps]
    steps = torch.cat([logs[:1], logs[1:] - logs[:-1]])
    return -steps.expm1(), timesteps
