"""How much noise there is at every step of a diffusion: beta schedules, the forward process, spacings of sigma.

Everything here is exact float64. torch is imported when a function is called, so that the names can be listed early.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipelines import bound as bounds
from pipelines import libs
from pipelines.errors import BadRequest

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
        raise BadRequest(f"beta_schedule must be one of {', '.join(BETA_SCHEDULES)}; got {str(name)[:40]!r}.")
    check_timesteps(num_train_timesteps)
    for field, beta in (("beta_start", beta_start), ("beta_end", beta_end)):
        if beta and not MIN_BETA <= beta <= MAX_BETA:  # also refuses NaN
            raise BadRequest(
                f"{field} must be {MIN_BETA:g} to {MAX_BETA:g}, or 0 for the schedule's own; got {beta:g}."
            )
    if not 0 <= offset <= MAX_OFFSET:  # also refuses NaN
        raise BadRequest(f"offset must be 0 to {MAX_OFFSET:g}; got {offset:g}.")
    more = {"offset": offset} if name in READS_OFFSET else {}
    return BETA_SCHEDULES[name](int(num_train_timesteps), beta_start or None, beta_end or None, **more)


def check_timesteps(num_train_timesteps: float) -> None:
    """Raises BadRequest."""
    if num_train_timesteps != int(num_train_timesteps) or not MIN_TIMESTEPS <= num_train_timesteps <= MAX_TIMESTEPS:
        raise BadRequest(
            f"num_train_timesteps must be a whole number from {MIN_TIMESTEPS} to {MAX_TIMESTEPS}; "
            f"got {num_train_timesteps}."
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
            f"a constant schedule has one beta; got beta_start {beta_start:g} and beta_end {beta_end:g}. "
            "Make them equal, or set one of them to 0."
        )
    own, _ = _ends(num_train_timesteps, None, None, (0.01, 0.01))
    return np.full(num_train_timesteps, beta_start or beta_end or own)


def drawn(points: Sequence[tuple[float, float]], num_train_timesteps: int) -> Tensor:
    """A schedule by hand: (position, beta) with positions from 0 to 1, joined by straight lines in the log of beta.

    Positions may come in any order; before the first and after the last point beta stays. Raises BadRequest.
    """
    check_timesteps(num_train_timesteps)
    if len(points) < 2:
        raise BadRequest(f"a drawn schedule needs at least two points (position, beta); got {len(points)}.")
    places, betas = np.array(sorted(points), dtype=np.float64).T
    if not (np.isfinite(places).all() and (np.diff(places) > 0).all() and places[0] >= 0 and places[-1] <= 1):
        raise BadRequest("a drawn schedule's positions must be different numbers from 0 to 1.")
    if not ((betas >= MIN_BETA) & (betas <= MAX_BETA)).all():
        raise BadRequest(f"a drawn schedule's betas must be {MIN_BETA:g} to {MAX_BETA:g}; got {betas.tolist()}.")
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
        raise BadRequest(f"num_inference_steps must be 1 to the {count} that there are; got {num_inference_steps}.")
    kept = _trailing(count, num_inference_steps)[::-1].astype(int)
    torch = libs.torch()
    timesteps = torch.from_numpy(kept)
    logs = (-betas.double()).log1p().cumsum(0)[timesteps]
    steps = torch.cat([logs[:1], logs[1:] - logs[:-1]])
    return -steps.expm1(), timesteps


class DiffusionProcess:
    """The forward process of a beta schedule and its exact posterior; t runs from 0 to T - 1.

    betas, alphas_cumprod, snr, log_snr, sigmas: (T,) float64. snr = alphas_cumprod / (1 - alphas_cumprod) and
    sigmas = snr ** -0.5, the noise level in the form x0 + sigma * eps. They are built from sums of log(1 - beta), so
    log_snr stays finite where alphas_cumprod underflows. The last beta may be 1 (zero_terminal_snr): then the last
    log_snr is -inf and the last of sigmas inf.
    """

    def __init__(self, betas: Tensor) -> None:
        betas = libs.torch().as_tensor(betas).double()
        if betas.ndim != 1 or not len(betas) or not bool(((betas > 0) & (betas <= 1)).all() & (betas[:-1] < 1).all()):
            raise BadRequest("betas must be a list of numbers, each above 0 and below 1; only the last may be 1.")
        log_alphas_cumprod = (-betas).log1p().cumsum(0)
        self.betas = betas
        self.alphas_cumprod = log_alphas_cumprod.exp()
        self.log_snr = log_alphas_cumprod - (-log_alphas_cumprod.expm1()).log()
        self.snr = self.log_snr.exp()
        self.sigmas = (-self.log_snr / 2).exp()
        self._one_minus = -log_alphas_cumprod.expm1()  # 1 - alphas_cumprod without cancellation near t = 0
        self._previous = betas.new_ones(len(betas))
        self._previous[1:] = self.alphas_cumprod[:-1]
        one_minus_previous = betas.new_zeros(len(betas))
        one_minus_previous[1:] = self._one_minus[:-1]
        self._mean_of_x0 = self._previous.sqrt() * betas / self._one_minus
        self._mean_of_x_t = (1 - betas).sqrt() * one_minus_previous / self._one_minus
        self._variance = betas * one_minus_previous / self._one_minus

    def q_sample(self, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
        """x_t given x0. t: one number, or (N,) for x0 of shape (N, ...)."""
        return _at(self.alphas_cumprod.sqrt(), t, x0) * x0 + _at(self._one_minus.sqrt(), t, x0) * noise

    def q_posterior(self, x0: Tensor, x_t: Tensor, t: int | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, variance and clipped log-variance of q(x_{t-1} | x_t, x0); the last two broadcast over x0.

        At t = 0 the variance is 0, and its logarithm is clipped to that of t = 1.
        """
        mean = _at(self._mean_of_x0, t, x0) * x0 + _at(self._mean_of_x_t, t, x0) * x_t
        first = self._variance[1:2] if len(self.betas) > 1 else self.betas
        log_variance = libs.torch().cat([first, self._variance[1:]]).log()
        return mean, _at(self._variance, t, x0), _at(log_variance, t, x0)

    def bound(self, model: bounds.Model, x0: Tensor, noise_fn: bounds.Noise, **options: Any) -> bounds.Bound:
        """The variational bound of a model on examples x0, term by term; see pipelines.bound."""
        return bounds.bound(self, model, x0, noise_fn, **options)


def _at(table: Tensor, t: int | Tensor, like: Tensor) -> Tensor:
    """table[t] in the dtype and place of `like`, shaped to broadcast over it."""
    values = table[t if isinstance(t, int) else t.to(table.device)].to(like.device, like.dtype)
    return values.reshape(values.shape + (1,) * (like.ndim - 1)) if values.ndim else values


class SigmaSchedule(Protocol):
    def __call__(self, n: int, sigma_min: float, sigma_max: float, path: Tensor | None = None) -> Tensor: ...


SIGMA_SCHEDULES: dict[str, SigmaSchedule] = {}
"""name -> f(n, sigma_min, sigma_max, path) -> (n,) float64 from high to low, without a final 0.

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
    return _between(path, _trailing(count, n))


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
    timesteps are not visited."""
    count = _length(path)
    if n >= count:
        return _between(path, np.linspace(count - 1, 0, n))
    return _between(path, 1.0 + np.arange(n)[::-1] * (count // n))


@sigma_schedule("Beta")
def beta_quantiles(n: int, sigma_min: float, sigma_max: float, path: Tensor | None) -> np.ndarray:
    """Timesteps at the quantiles 1, 1 - 1/n, ... of the Beta(0.6, 0.6) distribution, so most at both ends
    (arXiv:2407.12173; ComfyUI's "beta"). Nothing to do with the betas of training."""
    return _between(path, _beta_quantile(1 - np.arange(n) / n) * (_length(path) - 1))


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


def _trailing(count: int, n: int) -> np.ndarray:
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
