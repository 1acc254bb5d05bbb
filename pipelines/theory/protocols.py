"""What the bound and the reverse process need to know of a forward process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class ForwardProcess(Protocol):
    """q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I), as `DiffusionProcess` implements it."""

    @property
    def betas(self) -> Tensor:
        """(T,) float64, each in (0, 1]."""
        ...

    @property
    def alphas_cumprod(self) -> Tensor:
        """(T,) float64, falling."""
        ...

    def q_sample(self, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
        """x_t, like x0."""
        ...

    def q_posterior(self, x0: Tensor, x_t: Tensor, t: int | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, variance and clipped log-variance of q(x_{t-1} | x_t, x0)."""
        ...
