"""The variational bound of a diffusion model, term by term: what its training loss is a weighting of.

Ho et al. (arXiv:2006.11239) eq. 5, for one draw of the noise at every t:
L_T = KL(q(x_T | x0) || N(0, I)), L_{t-1} = KL(q(x_{t-1} | x_t, x0) || p(x_{t-1} | x_t)), L_0 = -log p(x0 | x_1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.theory.reverse import Model, Noise, Reverse

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.theory.protocols import ForwardProcess


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
    process: ForwardProcess,
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
    if levels is not None and levels < 2:
        raise BadRequest("levels must be at least 2, or None for continuous data; got {got}.", got=levels)
    torch = libs.torch()
    reverse = Reverse(process, model, variance, prediction_type, clip_denoised)
    terms = []
    for t in range(len(process.betas)):
        x_t = process.q_sample(x0, t, noise_fn(x0))
        made = reverse(x_t, t)
        if t == 0:
            nats = decoder_nats(x0, made.mean, made.log_variance, levels)
        else:
            wanted, _, wanted_log_variance = process.q_posterior(x0, x_t, t)
            nats = normal_kl(wanted, wanted_log_variance, made.mean, made.log_variance)
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


def decoder_nats(x0: Tensor, mean: Tensor, log_variance: Tensor, levels: int | None) -> Tensor:
    """-log N(x0; mean, variance) in nats, value by value; with levels of each value's bin instead of the density."""
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
