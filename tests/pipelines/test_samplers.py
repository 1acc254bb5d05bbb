"""Laws of every sampler, and each against its paper's solver in diffusers, on data whose denoiser is known."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from pipelines import libs
from pipelines.diffusion import SAMPLER_LABELS, SAMPLERS, Step
from pipelines.schedules import SIGMA_SCHEDULES, DiffusionProcess, make_betas

SPREAD = 0.5  # of the Gaussian data
EVALUATIONS = {"heun": 2}  # a step; 1 for the others
NOISY = ("ddpm", "euler_ancestral", "dpmpp_2m_sde")
ORDERS = {"euler": 1, "ddim": 1, "heun": 2, "dpmpp_2m": 2, "unipc": 2}


def gaussian(x: Tensor, sigma: float) -> Tensor:
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def curved(x: Tensor, sigma: float) -> Tensor:
    """Data at -1 and 1: the exact denoiser, nothing linear about it."""
    return torch.tanh(x / sigma**2)


class Counted:
    """A denoiser that counts its evaluations."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        self.calls += 1
        return curved(x, sigma)


def fresh_noise(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return lambda x: torch.randn(x.shape, generator=generator, dtype=x.dtype)


def start(sigma: float, *shape: int) -> Tensor:
    return sigma * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


def spaced(n: int, low: float = 0.02, high: float = 80.0, name: str = "karras") -> Tensor:
    return torch.cat([SIGMA_SCHEDULES[name](n, low, high), torch.zeros(1, dtype=torch.float64)])


def run(name: str, denoiser, x: Tensor, sigmas: Tensor, seed: int = 0, **options) -> list[Step]:
    return list(SAMPLERS[name](denoiser, x, sigmas, fresh_noise(seed), **options))


def test_every_sampler_has_a_name_that_other_tools_read():
    assert set(SAMPLER_LABELS) == set(SAMPLERS)
    assert len(set(SAMPLER_LABELS.values())) == len(SAMPLERS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_there_is_one_step_for_each_sigma_that_follows_and_the_last_is_the_guess_itself(name):
    sigmas = spaced(9)
    steps = run(name, curved, start(80, 2, 3, 4, 4), sigmas)
    assert [step.index for step in steps] == list(range(9))
    assert [step.sigma for step in steps] == sigmas[1:].tolist()
    assert steps[-1].sigma == 0 and torch.equal(steps[-1].x, steps[-1].x0_pred)
    assert all(step.x.isfinite().all() and step.x.shape == (2, 3, 4, 4) for step in steps)


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_step_from_pure_noise_is_the_guess(name):
    x = start(80, 1, 4)
    (step,) = run(name, curved, x, torch.tensor([80.0, 0.0]))
    assert torch.equal(step.x, curved(x, 80.0))


@pytest.mark.parametrize("k", (0, 1, 4))
@pytest.mark.parametrize("name", SAMPLERS)
def test_closing_after_k_steps_leaves_the_rest_unevaluated(name, k):
    denoiser = Counted()
    stream = SAMPLERS[name](denoiser, start(80, 1, 4), spaced(9), fresh_noise())
    assert isinstance(stream, Iterator)
    for _ in range(k):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert denoiser.calls == k * EVALUATIONS.get(name, 1)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_whole_run_evaluates_the_denoiser_once_a_step(name):
    denoiser = Counted()
    list(SAMPLERS[name](denoiser, start(80, 1, 4), spaced(9), fresh_noise()))
    assert denoiser.calls == 9 * EVALUATIONS.get(name, 1) - (name == "heun")  # the step to sigma 0 has no slope there


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_noise_gives_the_same_picture_and_no_yielded_state_changes_later(name):
    x, sigmas = start(80, 2, 4), spaced(9)
    before = x.clone()
    kept = [(step, step.x.clone()) for step in SAMPLERS[name](curved, x, sigmas, fresh_noise(1))]
    again = run(name, curved, x, sigmas, seed=1)
    assert torch.equal(x, before)
    assert all(torch.equal(step.x, copy) for step, copy in kept)
    assert torch.equal(kept[-1][0].x, again[-1].x)


@pytest.mark.parametrize("name", SAMPLERS)
def test_only_noisy_samplers_draw_noise_and_none_in_the_last_step(name):
    drawn = []

    def noise(x: Tensor) -> Tensor:
        drawn.append(x)
        return torch.zeros_like(x)

    list(SAMPLERS[name](curved, start(80, 1, 4), spaced(9), noise))
    assert len(drawn) == (8 if name in NOISY else 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_spread_of_gaussian_data_is_recovered(name):
    high = run(name, gaussian, start(80, 20_000), spaced(200))
    assert float(high[-1].x.std()) == pytest.approx(SPREAD, rel=0.04)


@pytest.mark.parametrize("name", SAMPLERS)
def test_states_on_the_way_have_the_spread_of_their_noise_level(name):
    for step in run(name, gaussian, start(80, 20_000), spaced(200))[:-1:20]:
        assert float(step.x.std()) == pytest.approx(math.hypot(SPREAD, step.sigma), rel=0.04)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_keep_float32_and_stay_close_to_float64(name):
    x, sigmas = start(80, 4, 8), spaced(20)
    zeros = torch.zeros_like
    wide = [step.x for step in SAMPLERS[name](gaussian, x, sigmas, zeros)][-1]
    narrow = [step.x for step in SAMPLERS[name](gaussian, x.float(), sigmas, zeros)][-1]
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), wide, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, order", ORDERS.items())
def test_halving_the_step_divides_the_error_by_two_to_the_order(name, order):
    x = torch.full((1,), 3.0, dtype=torch.float64)
    exact = x * math.sqrt((SPREAD**2 + 0.1**2) / (SPREAD**2 + 10**2))
    counts = (64, 128, 256, 512)
    errors = []
    for n in counts:
        sigmas = SIGMA_SCHEDULES["exponential"](n + 1, 0.1, 10.0)
        errors.append(abs(float(run(name, gaussian, x, sigmas)[-1].x - exact)))
    slope = -math.log(errors[-1] / errors[0]) / math.log(counts[-1] / counts[0])
    assert order - 0.15 < slope < order + (1.2 if name == "unipc" else 0.2)  # UniC corrects one order more


def test_ddpm_is_the_posterior_of_the_diffusion_process():
    process = DiffusionProcess(make_betas("linear", 30))
    sigmas = torch.cat([process.sigmas.flip(0), torch.zeros(1, dtype=torch.float64)])
    x, noise, reference_noise = start(float(sigmas[0]), 2, 5), fresh_noise(3), fresh_noise(3)
    state = x * process.alphas_cumprod[-1].sqrt()
    for step in SAMPLERS["ddpm"](curved, x, sigmas, noise):
        t = 29 - step.index
        x0_pred = curved(state / process.alphas_cumprod[t].sqrt(), float(process.sigmas[t]))
        state, variance, _ = process.q_posterior(x0_pred, state, t)
        if t > 0:
            state = state + variance.sqrt() * reference_noise(state)
        alpha_bar = process.alphas_cumprod[t - 1] if t > 0 else torch.ones(())
        torch.testing.assert_close(step.x, state / alpha_bar.sqrt(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("same", ("ddim", "euler_ancestral"))
def test_ddim_with_eta_1_and_euler_ancestral_are_ddpm(same):
    x, sigmas = start(80, 2, 5), spaced(20)
    for ours, theirs in zip(run(same, curved, x, sigmas, eta=1.0), run("ddpm", curved, x, sigmas), strict=True):
        torch.testing.assert_close(ours.x, theirs.x, rtol=1e-9, atol=1e-9)


def test_ddim_with_eta_0_is_euler():
    x, sigmas = start(80, 2, 5), spaced(20)
    torch.testing.assert_close(run("ddim", curved, x, sigmas)[-1].x, run("euler", curved, x, sigmas)[-1].x)


def test_eta_moves_ddim_only():
    x, sigmas = start(80, 2, 5), spaced(20)
    moved = [n for n in SAMPLERS if not run(n, curved, x, sigmas)[3].x.equal(run(n, curved, x, sigmas, eta=0.5)[3].x)]
    assert moved == ["ddim"]


@pytest.mark.parametrize("eta", (0.0, 0.4, 1.0))
@pytest.mark.parametrize("schedule", ("linear", "squaredcos_cap_v2"))
def test_ddim_is_that_of_diffusers(schedule, eta):
    theirs = libs.diffusers().DDIMScheduler(
        beta_schedule=schedule, timestep_spacing="trailing", clip_sample=False, prediction_type="sample"
    )
    theirs.alphas_cumprod = (1 - theirs.betas.double()).cumprod(0)
    theirs.final_alpha_cumprod = torch.ones((), dtype=torch.float64)
    theirs.set_timesteps(20)
    known = DiffusionProcess(theirs.betas).sigmas
    sigmas = [*known[theirs.timesteps].tolist(), 0.0]
    x, noise = start(sigmas[0], 2, 5), fresh_noise(3)
    state = x / math.sqrt(1 + sigmas[0] ** 2)
    for step, sigma, t in zip(
        SAMPLERS["ddim"](curved, x, sigmas, fresh_noise(3), eta=eta), sigmas[:-1], theirs.timesteps, strict=True
    ):
        x0_pred = curved(state * math.sqrt(1 + sigma**2), sigma)
        drawn = noise(state) if eta and step.sigma else torch.zeros_like(state)
        state = theirs.step(x0_pred, t, state, eta=eta, variance_noise=drawn).prev_sample
        torch.testing.assert_close(step.x / math.sqrt(1 + step.sigma**2), state, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", (1, 2, 8, 25))
@pytest.mark.parametrize(
    "name, scheduler, options",
    (
        ("dpmpp_2m", "DPMSolverMultistepScheduler", {"final_sigmas_type": "zero", "euler_at_final": True}),
        ("dpmpp_2m_sde", "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "euler_at_final": True}),
        ("unipc", "UniPCMultistepScheduler", {"solver_order": 2, "solver_type": "bh2"}),
    ),
)
@pytest.mark.parametrize("beta_end", (0.02, 0.002))
def test_the_multistep_solvers_are_those_of_diffusers(name, scheduler, options, n, beta_end):
    """Which hold their state in float32. A path from sigma 1.3 (beta_end 0.002) makes the first steps count."""
    theirs = getattr(libs.diffusers(), scheduler)(
        beta_end=beta_end, timestep_spacing="trailing", prediction_type="sample", **options
    )
    theirs.set_timesteps(n)
    sigmas = theirs.sigmas.double()
    x, noise = start(float(sigmas[0]), 2, 5), fresh_noise(3)
    state = (x / (1 + sigmas[0] ** 2).sqrt()).float()
    for step, sigma, t in zip(
        SAMPLERS[name](gaussian, x, sigmas, fresh_noise(3)), sigmas, theirs.timesteps, strict=False
    ):
        x0_pred = gaussian(state * (1 + sigma**2).sqrt(), float(sigma)).float()
        drawn = noise(x) if step.sigma else torch.zeros_like(x)
        given = {"variance_noise": drawn} if name == "dpmpp_2m_sde" else {}
        state = theirs.step(x0_pred, t, state, **given).prev_sample
        torch.testing.assert_close(step.x / math.sqrt(1 + step.sigma**2), state.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", (1, 2, 8, 25))
@pytest.mark.parametrize(
    "name, scheduler",
    (
        ("euler", "EulerDiscreteScheduler"),
        ("heun", "HeunDiscreteScheduler"),
        ("euler_ancestral", "EulerAncestralDiscreteScheduler"),
    ),
)
def test_the_one_step_solvers_are_those_of_diffusers(name, scheduler, n, monkeypatch):
    """Fed with eps; Heun visits every level but the ends twice."""
    theirs = getattr(libs.diffusers(), scheduler)(timestep_spacing="trailing")
    theirs.set_timesteps(n)
    levels = theirs.sigmas.double()
    x, noise = start(float(levels[0]), 2, 5), fresh_noise(3)
    monkeypatch.setattr(  # the only way to hand this scheduler its noise
        "diffusers.schedulers.scheduling_euler_ancestral_discrete.randn_tensor",
        lambda shape, **_: noise(x) if theirs.sigmas[theirs.step_index + 1] else torch.zeros_like(x),
    )
    state = x
    for t, sigma in zip(theirs.timesteps, levels.tolist(), strict=False):
        theirs.scale_model_input(state, t)
        state = theirs.step((state - curved(state, sigma)) / sigma, t, state).prev_sample
    ours = run(name, curved, x, levels.unique_consecutive(), seed=3)[-1].x
    torch.testing.assert_close(ours, state.double(), rtol=1e-5, atol=1e-5)
