"""Diffusion and its modern sibling, flow matching: one network, two ways to train it, the same samplers.

Both learn to undo noise and are sampled through the one contract `denoiser(x, sigma) -> x0_pred`. What differs is the
path from data to noise: DDPM's x_t = sqrt(abar) x0 + sqrt(1 - abar) eps with the cosine schedule (arXiv:2006.11239,
2102.09672), and the straight x_t = (1 - t) x0 + t eps of rectified flow (arXiv:2209.03003), the way of SD3 and FLUX.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.networks import denoising
from pipelines.theory.betas import make_betas
from pipelines.theory.bound import bound
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.guidance import guide
from pipelines.theory.path import timestep_of_sigma
from pipelines.theory.process import vp_scale, x0_from
from pipelines.theory.reverse import drawn_from
from pipelines.theory.samplers import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.theory.samplers import Denoiser

NUM_TRAIN_TIMESTEPS = 200
LABEL_DROPOUT = 0.1
SIGMA_MAX, SIGMA_MIN = 80.0, 0.004
"""Where sampling begins, at which unit data is 1.3 % of the state, and a noise that is as good as none."""
INVERTED = 50
"""Steps of the way from data to noise."""
REFINED = 3
"""Corrections of each of them."""
MEASURED = 50
"""Steps along which a likelihood is summed up."""
MOST_EXACT = 64
"""Numbers of an example up to which the Jacobian of such a step is computed, one backward pass for each."""
DEQUANTISED = 0.5
"""The deviation of the noise that makes data with levels continuous, of the distance between two levels."""


class Denoising(nn.Module):
    """What both share: the network, the walk down the noise levels, the walk back up."""

    heeds: ClassVar = frozenset({"steps", "guidance_scale", "temperature"})
    stages: ClassVar = (("",),)
    learning_rate: ClassVar = 2e-3
    betas: ClassVar = (0.9, 0.99)

    def __init__(self, shape: Sequence[int], classes: int = 0, width: int = 64) -> None:
        super().__init__()
        self.shape, self.classes = tuple(shape), classes
        self.network = denoising(self.shape, classes, width)

    @property
    def z_shape(self) -> tuple[int, ...]:
        return self.shape

    def denoiser(self, labels: Tensor, guidance_scale: float = 1.0) -> Denoiser:
        """x = x0 + sigma * eps, sigma -> x0_pred, with classifier-free guidance (arXiv:2207.12598)."""
        nothing = torch.full_like(labels, -1)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            x0_pred = self.predict(x, sigma, labels)
            return x0_pred if guidance_scale == 1 else guide(x0_pred, self.predict(x, sigma, nothing), guidance_scale)

        return denoise

    def predict(self, x: Tensor, sigma: float, labels: Tensor) -> Tensor:
        raise NotImplementedError

    def own_form(self, x: Tensor, sigma: float) -> Tensor:
        """The state as the family writes it: its x_t."""
        raise NotImplementedError

    def sigmas(self, steps: int) -> Tensor:
        """(steps + 1,), from high to 0, evenly in the family's own time."""
        raise NotImplementedError

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        sigmas = self.sigmas(how.steps)
        calls = 1 if how.guidance_scale == 1 else 2
        x = z * how.temperature * sigmas[0].to(z)
        walk = SAMPLERS["ddim"](self.denoiser(labels, how.guidance_scale), x, sigmas, torch.zeros_like, 0.0)
        for step in walk:
            x0_pred = step.x0_pred
            yield State(self.own_form(step.x, step.sigma), x0_pred, calls * (step.index + 1))

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """The z from which INVERTED steps of DDIM lead to x: each step is undone, the last one but nearly.

        DDIM backwards (arXiv:2010.02502, section 4.3) takes the guess x0_pred at the wrong end of a step. From there
        the state whose step leads to x is found in REFINED corrections, as in arXiv:2309.04907.
        """
        up = self.sigmas(INVERTED).flip(0)
        denoise = self.denoiser(labels)
        for sigma, higher in zip(up[1:-1].tolist(), up[2:].tolist(), strict=True):
            x = _unstepped(denoise, x, sigma, higher)
        return x / float(up[-1])

    def _untold(self, labels: Tensor, draw: torch.Generator) -> Tensor:
        """Some labels hidden, so that the network also learns to do without, for guidance."""
        hidden = torch.rand(len(labels), generator=draw) < LABEL_DROPOUT
        return torch.where(hidden, -1, labels)


class Diffusion(Denoising):
    """DDPM with NUM_TRAIN_TIMESTEPS timesteps, sampled by DDIM.

    The network predicts v = sqrt(abar) eps - sqrt(1 - abar) x0 (arXiv:2202.00512): from eps, the first guess would be
    a division by next to nothing.
    """

    @cached_property
    def process(self) -> DiffusionProcess:
        return DiffusionProcess(make_betas("cosine", NUM_TRAIN_TIMESTEPS))

    def velocity(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return self.network(x_t, t / (NUM_TRAIN_TIMESTEPS - 1), labels)

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        """The squared error of v, a weighting of the bound as the simple loss is."""
        t = torch.randint(NUM_TRAIN_TIMESTEPS, (len(x),), generator=draw)
        eps = torch.randn(x.shape, generator=draw)
        x_t = self.process.q_sample(x, t, eps)
        v = self.process.q_sample(eps, t, -x)
        return F.mse_loss(self.velocity(x_t, t, self._untold(labels, draw)), v)

    def predict(self, x: Tensor, sigma: float, labels: Tensor) -> Tensor:
        t = torch.full((len(x),), timestep_of_sigma(self.process.sigmas, sigma), device=x.device)
        return x0_from(self.velocity(x * vp_scale(sigma), t, labels), "v_prediction", x, sigma)

    def own_form(self, x: Tensor, sigma: float) -> Tensor:
        return x * vp_scale(sigma)

    def sigmas(self, steps: int) -> Tensor:
        known = self.process.sigmas.clamp(max=SIGMA_MAX)
        places = torch.linspace(NUM_TRAIN_TIMESTEPS - 1, 0, steps + 1)[:-1].round().long()
        return torch.cat([known[places], known.new_zeros(1)])

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> Tensor:
        """The variational bound with fixed_small variance, one draw of the noise at every t."""
        clip = len(self.shape) > 1
        model = lambda x_t, t: self.velocity(x_t, t, labels)  # noqa: E731
        made = bound(self.process, model, x, drawn_from(draw), "fixed_small", "v_prediction", clip, levels or None)
        return made.total


class FlowMatching(Denoising):
    """Rectified flow, predicting the velocity eps - x0 along straight lines."""

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        t = torch.sigmoid(torch.randn(len(x), generator=draw))  # most often in the middle (arXiv:2403.03206, eq. 19)
        eps = torch.randn(x.shape, generator=draw)
        at = t.view(-1, *[1] * (x.ndim - 1))
        return F.mse_loss(self.network((1 - at) * x + at * eps, t, self._untold(labels, draw)), eps - x)

    def predict(self, x: Tensor, sigma: float, labels: Tensor) -> Tensor:
        """x0 = x_t - t v with t = sigma / (1 + sigma) and x_t = x / (1 + sigma)."""
        t = sigma / (1 + sigma)
        x_t = self.own_form(x, sigma)
        return x_t - t * self.network(x_t, torch.full((len(x),), t, device=x.device), labels)

    def own_form(self, x: Tensor, sigma: float) -> Tensor:
        return x / (1 + sigma)

    def sigmas(self, steps: int) -> Tensor:
        times = torch.linspace(SIGMA_MAX / (1 + SIGMA_MAX), 0, steps + 1, dtype=torch.float64)
        return times / (1 - times)

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> Tensor | None:
        """Exact for continuous data, log p(z) and the change of volume on the way to it (arXiv:1806.07366).

        For data with levels it is the bound that noise gives (arXiv:1902.00275), the mean of
        log q(x_sigma | x) - log p(x_sigma) - log p(x | x_sigma). None for pictures of more than MOST_EXACT numbers.
        """
        size = math.prod(self.shape)
        if size > MOST_EXACT:
            return None
        if not levels:
            nats = self._nats(x, SIGMA_MIN, labels)
        else:
            sigma = DEQUANTISED * 2 / (levels - 1)
            eps = torch.randn(x.shape, generator=draw).to(x)
            log_q = -(0.5 * eps.square() + math.log(sigma * math.sqrt(math.tau))).flatten(1).sum(1)
            noisy = x + sigma * eps
            nats = log_q + self._nats(noisy, sigma, labels) - _log_read(x, noisy, sigma, levels)
        return nats / (size * math.log(2))

    def _nats(self, x: Tensor, sigma: float, labels: Tensor) -> Tensor:
        """(N,): -log of the density of states x at that noise level, by the way up to SIGMA_MAX."""
        sigmas = torch.logspace(math.log10(sigma), math.log10(SIGMA_MAX), MEASURED + 1).tolist()
        denoise, logdet = self.denoiser(labels), x.new_zeros(len(x))
        for low, high in pairwise(sigmas):
            x, change = _step_up(denoise, x, low, high)
            logdet = logdet + change
        base = 0.5 * (x / SIGMA_MAX).square() + math.log(SIGMA_MAX * math.sqrt(math.tau))
        return base.flatten(1).sum(1) - logdet


def _unstepped(denoise: Denoiser, x: Tensor, sigma: float, higher: float) -> Tensor:
    """The state at `higher` from which one step of DDIM leads to x at sigma.

    A correction by the whole error would overshoot where the guess does not move with the state, and by `ratio` of it
    fall short where it moves as much; the mean of both serves in between too.
    """
    ratio = sigma / higher
    x0_pred = denoise(x, sigma)
    above = x0_pred + (x - x0_pred) / ratio
    for _ in range(REFINED):
        x0_pred = denoise(above, higher)
        error = x0_pred + (above - x0_pred) * ratio - x
        above = above - error * 2 / (1 + ratio)
    return above


def _log_read(x: Tensor, noisy: Tensor, sigma: float, levels: int) -> Tensor:
    """(N,): log of how probable the levels x are to whoever knows the noisy ones, all levels being as likely before."""
    known = torch.linspace(-1, 1, levels).to(x)
    shares = (-0.5 * ((noisy[..., None] - known) / sigma).square()).log_softmax(-1)
    own = ((x + 1) / 2 * (levels - 1)).round().long()
    return shares.gather(-1, own[..., None]).squeeze(-1).flatten(1).sum(1)


def _step_up(denoise: Denoiser, x: Tensor, sigma: float, higher: float) -> tuple[Tensor, Tensor]:
    """One step of Heun's along dx/dsigma = (x - x0_pred) / sigma up to a higher one, and log |det| of that step."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        slope = (x - denoise(x, sigma)) / sigma
        ahead = x + (higher - sigma) * slope
        stepped = x + (higher - sigma) / 2 * (slope + (ahead - denoise(ahead, higher)) / higher)
        size = x[0].numel()
        each = torch.eye(size, device=x.device).to(x)[:, None].expand(size, len(x), size)
        (rows,) = torch.autograd.grad(stepped.flatten(1), x, each, is_grads_batched=True)  # (size, N, *shape)
    return stepped.detach(), torch.linalg.slogdet(rows.flatten(2).transpose(0, 1)).logabsdet
