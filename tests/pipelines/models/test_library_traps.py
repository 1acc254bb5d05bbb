"""Traps in libraries that our own steps do not fall into; docs/decisions/0004-own-steps.md says what we do instead.

Of each, one test shows the trap in the installed diffusers, so that we hear of it when upstream mends it: then the test
fails, and the record can say so. The others hold our own code to the right answer.
"""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from pipelines import libs
from pipelines.theory.betas import make_betas, respaced
from pipelines.theory.bound import normal_kl
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.path import noise_path
from pipelines.theory.reverse import Reverse
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.sigmas import SIGMA_SCHEDULES

T = 1000
COSINE = DiffusionProcess(make_betas("cosine", T))
LINEAR = DiffusionProcess(make_betas("linear", T))


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ideal(x: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data N(0, I)."""
    return x / (1 + sigma**2)


# --- 1: DDIM clips x0 and keeps the eps of the unclipped one ---


def clipped_step(**how: Any) -> Tensor:
    theirs = libs.diffusers().DDIMScheduler(T, clip_sample=True, timestep_spacing="trailing")
    theirs.set_timesteps(10)
    return theirs.step(drawn(1, 3, 4, 4, seed=1), T - 1, 3 * drawn(1, 3, 4, 4), **how).prev_sample


def test_diffusers_ddim_keeps_the_unclipped_eps_unless_told() -> None:
    assert float((clipped_step() - clipped_step(use_clipped_model_output=True)).abs().max()) > 0.1


def test_our_ddim_derives_eps_from_the_clipped_guess() -> None:
    betas, timesteps = respaced(make_betas("linear", T), 10)
    ours = Reverse(DiffusionProcess(betas), lambda x, t: drawn(1, 3, 4, 4, seed=1), clip_denoised=True)
    _, state, x0_pred = next(ours.ddim(3 * drawn(1, 3, 4, 4), torch.zeros_like, timesteps=timesteps))
    assert float(x0_pred.abs().max()) == 1
    torch.testing.assert_close(state, clipped_step(use_clipped_model_output=True), rtol=0, atol=1e-4)  # float32 tables


# --- 2: DPM++ over a cosine schedule with Karras sigmas ends in an IndexError ---


@pytest.mark.parametrize("steps", [5, 10, 20, 50])
def test_diffusers_dpmpp_fails_on_cosine_with_karras(steps: int) -> None:
    theirs = libs.diffusers().DPMSolverMultistepScheduler(beta_schedule="squaredcos_cap_v2", use_karras_sigmas=True)
    theirs.set_timesteps(steps)
    x = torch.zeros(1, 1)
    with pytest.raises(IndexError):
        for t in theirs.timesteps:
            x = theirs.step(x, t, x).prev_sample


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 20, 50])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_of_ours_walks_cosine_with_karras(name: str, steps: int) -> None:
    path = noise_path(COSINE.alphas_cumprod, sigma_schedule="karras", num_inference_steps=steps)
    *_, last = SAMPLERS[name](ideal, drawn(100, 1) * path.sigmas[0], path.sigmas, lambda x: drawn(100, 1), 0.5)
    assert len(path) == steps and last.sigma == 0 and bool(last.x.isfinite().all())


# --- 3: a cosine schedule ends at sigma 20,291, only because beta is capped at 0.999 ---


def test_diffusers_heun_explodes_on_cosine_in_few_steps() -> None:
    theirs = libs.diffusers().HeunDiscreteScheduler(beta_schedule="squaredcos_cap_v2")
    theirs.set_timesteps(5)
    assert float(theirs.sigmas[0]) == pytest.approx(20_291, rel=1e-3)
    x = drawn(2000, 1) * float(theirs.init_noise_sigma)
    for i, t in enumerate(theirs.timesteps):
        sigma = float(theirs.sigmas[i])
        x = theirs.step((x - ideal(x, sigma)) / sigma, t, x).prev_sample
    assert float(x.std()) > 100, "of data with deviation 1"


@pytest.mark.parametrize("spacing", [name for name in SIGMA_SCHEDULES if name != "beta_sigmas"])  # too coarse so high
def test_our_paths_end_at_a_clamped_sigma_so_that_heun_comes_back(spacing: str) -> None:
    path = noise_path(COSINE.alphas_cumprod, sigma_schedule=spacing, num_inference_steps=20)
    assert float(path.sigmas[0]) <= math.exp(5.1) * (1 + 1e-9)
    start = drawn(2000, 1) * (1 + path.sigmas[0] ** 2).sqrt()
    *_, last = SAMPLERS["heun"](ideal, start, path.sigmas, torch.zeros_like)
    assert float(last.x.std()) == pytest.approx(1, abs=0.2)


# --- 4: DDIM steps to another t than it visits next with "linspace", and never visits the last with "leading" ---


def where_their_ddim_lands(spacing: str) -> float:
    """How far its state after the first step is from the noise of the timestep that it names next."""
    theirs = libs.diffusers().DDIMScheduler(T, clip_sample=False, timestep_spacing=spacing)
    theirs.set_timesteps(5)
    first, second = theirs.timesteps[:2].tolist()
    x0, eps = drawn(1, 3, 4, 4), drawn(1, 3, 4, 4, seed=1)
    reached = theirs.step(eps, first, LINEAR.q_sample(x0, first, eps)).prev_sample
    return float((reached - LINEAR.q_sample(x0, second, eps)).abs().max())


def test_diffusers_ddim_lands_elsewhere_with_linspace() -> None:
    assert where_their_ddim_lands("linspace") > 0.02
    assert where_their_ddim_lands("trailing") < 1e-4


def test_diffusers_leading_spacing_never_visits_the_last_t() -> None:
    theirs = libs.diffusers().DDIMScheduler(T, timestep_spacing="leading")
    theirs.set_timesteps(5)
    assert int(theirs.timesteps.max()) == 800


@pytest.mark.parametrize("steps", [1, 3, 5, 7, 50])
def test_our_respaced_ddim_lands_where_the_next_step_begins(steps: int) -> None:
    betas, timesteps = respaced(make_betas("linear", T), steps)
    x0, eps = drawn(1, 3, 4, 4), drawn(1, 3, 4, 4, seed=1)
    told: list[int] = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        told.append(int(t[0]))
        torch.testing.assert_close(x, LINEAR.q_sample(x0, told[-1], eps), rtol=0, atol=1e-9)
        return eps

    *_, (_, last, _) = Reverse(DiffusionProcess(betas), model).ddim(
        LINEAR.q_sample(x0, T - 1, eps), torch.zeros_like, timesteps=timesteps
    )
    assert told[0] == T - 1 and len(told) == steps
    torch.testing.assert_close(last, x0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("steps", [1, 3, 5, 7, 50])
@pytest.mark.parametrize("spacing", SIGMA_SCHEDULES)
def test_our_samplers_land_where_the_next_step_begins_and_begin_at_the_last_t(spacing: str, steps: int) -> None:
    path = noise_path(LINEAR.alphas_cumprod, sigma_schedule=spacing, num_inference_steps=steps)
    assert float(path.timesteps[0]) == T - 1 or spacing == "ddim_uniform" and steps >= 7
    x0, eps = drawn(1, 3, 4, 4), drawn(1, 3, 4, 4, seed=1)
    levels: list[float] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        levels.append(sigma)
        torch.testing.assert_close(x, x0 + sigma * eps, rtol=0, atol=1e-9)
        return x0

    list(SAMPLERS["ddim"](denoise, x0 + path.sigmas[0] * eps, path.sigmas, torch.zeros_like))
    assert levels == [high for high, _ in pairwise(path.sigmas.tolist())]


# --- 5: KL negated in logs, and a mean of squares beside a sum of KL ---


def test_our_kl_is_positive_in_nats_and_that_of_torch_and_diffusers() -> None:
    mean, log_variance = drawn(4, 6, 3, 3), drawn(4, 6, 3, 3, seed=1)
    zero = torch.zeros_like(mean)
    ours = normal_kl(mean, log_variance, zero, zero)
    of_torch = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (log_variance / 2).exp()), torch.distributions.Normal(zero, zero + 1)
    )
    torch.testing.assert_close(ours, of_torch, rtol=0, atol=1e-12)
    assert float(ours.min()) >= 0
    theirs = DiagonalGaussianDistribution(torch.cat([mean, log_variance], dim=1)).kl()
    torch.testing.assert_close(ours.flatten(1).sum(1), theirs, rtol=1e-12, atol=0)


def test_every_term_of_our_bound_is_of_one_unit() -> None:
    """Twice the same pixels cost the same bits a dimension; a mean beside a sum would tip towards the sum."""
    process = DiffusionProcess(make_betas("linear", 30))
    x0 = drawn(2, 1, 4, 4).clamp(-1, 1)
    noises = [drawn(2, 1, 4, 4, seed=i) for i in range(30)]

    def terms(times: int) -> Tensor:
        noise = iter(noises)
        wide = x0.repeat(1, times, 1, 1)
        made = process.bound(lambda x, t: torch.tanh(x), wide, lambda _: next(noise).repeat(1, times, 1, 1))
        return torch.cat([made.terms, made.prior[:, None]], dim=1)

    torch.testing.assert_close(terms(2), terms(1), rtol=1e-12, atol=0)
