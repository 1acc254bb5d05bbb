"""One step of the learned reverse process: the mean and variance of p(x_{t-1} | x_t), and sampling by them or by DDIM.

DDPM (arXiv:2006.11239) eq. 11 with the variances of its sec. 3.2, or the learned one of improved DDPM
(arXiv:2102.09672) eq. 15; DDIM (arXiv:2010.02502) over the same process. Here x_t is in the model's own form,
sqrt(abar) x0 + sqrt(1 - abar) eps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import libs, stopping
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from pipelines.theory.protocols import ForwardProcess

Model = Callable[["Tensor", "Tensor"], "Tensor"]
"""(x_t of shape (N, C, ...), t of shape (N,)) -> the prediction, like x_t; for learned_range with 2C channels."""
Noise = Callable[["Tensor"], "Tensor"]

VARIANCES = ("fixed_small", "fixed_large", "learned_range")
PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")


def drawn_from(generator: Generator) -> Noise:
    """Fresh normal noise like what it is given, drawn from `generator`."""
    return lambda like: libs.torch().randn(like.shape, generator=generator, dtype=like.dtype)


@dataclass(frozen=True, eq=False)
class Prediction:
    """p(x_{t-1} | x_t) = N(mean, exp(log_variance)), and the x0 that it was made from."""

    mean: Tensor
    log_variance: Tensor
    x0_pred: Tensor


@dataclass(frozen=True)
class Reverse:
    """How a model's prediction becomes a distribution. Raises BadRequest for names that are not known."""

    process: ForwardProcess
    model: Model
    variance: str = "fixed_small"
    prediction_type: str = "epsilon"
    clip_denoised: bool = False

    def __post_init__(self) -> None:
        if self.variance not in VARIANCES:
            raise BadRequest(
                "variance must be one of {known}; got {got!r}.", known=", ".join(VARIANCES), got=str(self.variance)[:40]
            )
        if self.prediction_type not in PREDICTION_TYPES:
            given = str(self.prediction_type)[:40]
            raise BadRequest(
                "prediction_type must be one of {known}; got {got!r}.", known=", ".join(PREDICTION_TYPES), got=given
            )
        if self.prediction_type == "epsilon" and float(self.process.betas[-1]) == 1:
            raise BadRequest(
                "with zero terminal SNR the last x_t is pure noise, from which a predicted epsilon gives no x0. "
                "Use v_prediction or sample, or switch zero terminal SNR off."
            )

    def __call__(self, x_t: Tensor, t: int, told: int | None = None) -> Prediction:
        """The step from x_t at t. `told` is the timestep that the model hears of, if it is another."""
        stopping.check()
        torch = libs.torch()
        made = self.model(x_t, torch.full((len(x_t),), t if told is None else told, device=x_t.device))
        made, log_variance = self._log_variance(made, x_t, t)
        x0_pred = self._x0(made, x_t, t)
        if self.clip_denoised:
            x0_pred = x0_pred.clamp(-1, 1)
        mean, _, _ = self.process.q_posterior(x0_pred, x_t, t)
        return Prediction(mean, log_variance, x0_pred)

    def sample(
        self, x: Tensor, noise_fn: Noise, timesteps: Tensor | None = None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """From x_T down: after each step (t, x_{t-1}, x0_pred). The last x is the mean, without noise.

        timesteps: what the model hears of at each t, for a respaced process; (T,) rising.
        """
        for t in reversed(range(len(self.process.betas))):
            told = None if timesteps is None else int(timesteps[t])
            step = self(x, t, told)
            x = step.mean
            if t > 0:
                x = x + (0.5 * step.log_variance).exp() * noise_fn(x)
            yield t, x, step.x0_pred

    def ddim(
        self, x: Tensor, noise_fn: Noise, eta: float = 0.0, timesteps: Tensor | None = None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As `sample`, by DDIM's eq. 12 and 16: eta 0 draws no noise, eta 1 is `sample` with fixed_small.

        A clipped x0_pred has another eps than the one predicted; it is derived again, as the authors' code does it.
        """
        process = self.process
        for t in reversed(range(len(process.betas))):
            x0_pred = self(x, t, None if timesteps is None else int(timesteps[t])).x0_pred
            _, variance, _ = process.q_posterior(x0_pred, x, t)
            fresh = eta * variance.sqrt()
            kept = process.alphas_cumprod[t]
            kept_next = process.alphas_cumprod[t - 1] if t else kept.new_ones(())
            eps = (x - kept.sqrt().to(x) * x0_pred) / (1 - kept).sqrt().to(x)
            x = kept_next.sqrt().to(x) * x0_pred + (1 - kept_next - fresh**2).clamp(min=0).sqrt().to(x) * eps
            if t > 0 and eta > 0:
                x = x + fresh * noise_fn(x)
            yield t, x, x0_pred

    def _log_variance(self, made: Tensor, x_t: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """The prediction without its variance part, and the log-variance of p(x_{t-1} | x_t)."""
        *_, small = self.process.q_posterior(x_t, x_t, t)
        if self.variance == "fixed_small":
            return made, small
        large = self.process.betas[t].log().to(small)
        if self.variance == "fixed_large":  # beta_0 would blur the last step: DDPM takes the posterior's there
            return made, large if t else small
        made, share = made.chunk(2, dim=1)
        share = (share + 1) / 2  # from [-1, 1] to [0, 1]
        return made, share * large + (1 - share) * small

    def _x0(self, made: Tensor, x_t: Tensor, t: int) -> Tensor:
        process = self.process
        signal, noise = process.alphas_cumprod[t].sqrt().to(x_t), (1 - process.alphas_cumprod[t]).sqrt().to(x_t)
        if self.prediction_type == "epsilon":
            return (x_t - noise * made) / signal
        if self.prediction_type == "v_prediction":
            return signal * x_t - noise * made
        return made
