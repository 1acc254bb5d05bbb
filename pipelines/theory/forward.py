"""The forward process q(x_t | x_0) and its posterior, for any betas. Exact float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.theory import bound as bounds

if TYPE_CHECKING:
    from torch import Tensor


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
        """The variational bound of a model on examples x0, term by term; see pipelines.theory.bound."""
        return bounds.bound(self, model, x0, noise_fn, **options)


def _at(table: Tensor, t: int | Tensor, like: Tensor) -> Tensor:
    """table[t] in the dtype and place of `like`, shaped to broadcast over it."""
    values = table[t if isinstance(t, int) else t.to(table.device)].to(like.device, like.dtype)
    return values.reshape(values.shape + (1,) * (like.ndim - 1)) if values.ndim else values
