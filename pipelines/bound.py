"""The variational bound of a diffusion model, term by term: what its training loss is a weighting of.

Ho et al. (arXiv:2006.11239) eq. 5, for one draw of the noise at every t:
L_T = KL(q(x_T | x0) || N(0, I)), L_{t-1} = KL(q(x_{t-1} | x_t, x0) || p(x_{t-1} | x_t)), L_0 = -log p(x0 | x_1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.schedules import DiffusionProcess

Model = Callable[["Tensor", "Tensor"], "Tensor"]
"""(x_t of shape (N, C, ...), t of shape (N,)) -> the prediction, like x_t; for learned_range with 2C channels."""
Noise = Callable[["Tensor"], "Tensor"]

VARIANCES = ("fixed_small", "fixed_large", "learned_range")
PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True, eq=False)
class Bound:
    """In bits per dimension, for each of N examples. terms[:, t] is L_t: the decoder's first, then the divergences."""

    terms: Tensor  # (N, T)
    prior: Tensor  # (N,)

    @property
    def total(self) -> Tensor:
        """(N,): an upper bound of the negative log-likelihood, on average over draws of the noise."""
        return self.terms.sum(1) + self.prior


def bound(
    process: DiffusionProcess,
    model: Model,
    x0: Tensor,
    noise_fn: Noise,
    variance: str = "fixed_small",
    prediction_type: str = "epsilon",
    clip_denoised: bool = False,
    levels: int | None = 256,
) -> Bound:
    """The bound on examples x0, (N, C, ...) float in [-1, 1], with one draw `noise_fn(x0)` for each t.

    levels: how many equidistant values data can take from -1 to 1; L_0 is then the probability of a value's bin, the
    outer bins open (arXiv:2006.11239 eq. 13). None: the data is continuous and L_0 is a density's logarithm; it and the
    total can be negative. clip_denoised holds the model's x0 within [-1, 1].
    """
    if variance not in VARIANCES:
        raise BadRequest(f"variance must be one of {', '.join(VARIANCES)}; got {str(variance)[:40]!r}.")
    if prediction_type not in PREDICTION_TYPES:
        given = str(prediction_type)[:40]
        raise BadRequest(f"prediction_type must be one of {', '.join(PREDICTION_TYPES)}; got {given!r}.")
    if levels is not None and levels < 2:
        raise BadRequest(f"levels must be at least 2, or None for continuous data; got {levels}.")
    torch = libs.torch()
    terms = []
    for t in range(len(process.betas)):
        x_t = process.q_sample(x0, t, noise_fn(x0))
        made = model(x_t, torch.full((len(x0),), t, device=x0.device))
        made, log_variance = _log_variance(process, made, x0, t, variance)
        x0_pred = _x0(process, made, x_t, t, prediction_type)
        if clip_denoised:
            x0_pred = x0_pred.clamp(-1, 1)
        mean, _, _ = process.q_posterior(x0_pred, x_t, t)
        if t == 0:
            nats = _decoder(x0, mean, log_variance, levels)
        else:
            wanted, _, wanted_log_variance = process.q_posterior(x0, x_t, t)
            nats = normal_kl(wanted, wanted_log_variance, mean, log_variance)
        terms.append(_bits_per_dim(nats))
    last = len(process.betas) - 1
    signal = process.q_sample(x0, last, torch.zeros_like(x0))
    spread = (1 - process.alphas_cumprod[last]).log().to(x0)
    prior = normal_kl(signal, spread, torch.zeros_like(x0), torch.zeros_like(spread))
    return Bound(torch.stack(terms, dim=1), _bits_per_dim(prior))


def normal_kl(mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(other_mean, other_variance)) in nats, value by value."""
    gap = (mean - other_mean) ** 2 * (-other_log_variance).exp()
    return 0.5 * (other_log_variance - log_variance - 1 + (log_variance - other_log_variance).exp() + gap)


def _log_variance(process: DiffusionProcess, made: Tensor, x0: Tensor, t: int, variance: str) -> tuple[Tensor, Tensor]:
    """The prediction without its variance part, and the log-variance of p(x_{t-1} | x_t)."""
    *_, small = process.q_posterior(x0, x0, t)
    if variance == "fixed_small":
        return made, small
    large = process.betas[t].log().to(small) if t else small
    if variance == "fixed_large":
        return made, large
    made, share = made.chunk(2, dim=1)  # improved DDPM (arXiv:2102.09672) eq. 15, the share from [-1, 1] to [0, 1]
    share = (share + 1) / 2
    return made, share * process.betas[t].log().to(small) + (1 - share) * small


def _x0(process: DiffusionProcess, made: Tensor, x_t: Tensor, t: int, prediction_type: str) -> Tensor:
    signal, noise = process.alphas_cumprod[t].sqrt().to(x_t), (1 - process.alphas_cumprod[t]).sqrt().to(x_t)
    if prediction_type == "epsilon":
        return (x_t - noise * made) / signal
    if prediction_type == "v_prediction":
        return signal * x_t - noise * made
    return made


def _decoder(x0: Tensor, mean: Tensor, log_variance: Tensor, levels: int | None) -> Tensor:
    """-log p(x0 | x_1) in nats, value by value."""
    if levels is None:
        return 0.5 * (math.log(2 * math.pi) + log_variance + (x0 - mean) ** 2 * (-log_variance).exp())
    torch = libs.torch()
    half, precision = 1 / (levels - 1), (-0.5 * log_variance).exp()
    above, below = (x0 - mean + half) * precision, (x0 - mean - half) * precision
    # the difference of two values of the distribution function, from the side on which both are small
    high, low = torch.where(above + below > 0, -below, above), torch.where(above + below > 0, -above, below)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    inside = log_high + torch.log1p(-(log_low - log_high).exp())
    lowest, highest = x0 < -1 + half, x0 > 1 - half
    outer = torch.special.log_ndtr(torch.where(lowest, above, -below))
    return -torch.where(lowest | highest, outer, inside)


def _bits_per_dim(nats: Tensor) -> Tensor:
    """(N, ...) -> (N,): the mean over an example's values, in bits."""
    return nats.flatten(1).mean(1) / math.log(2)
