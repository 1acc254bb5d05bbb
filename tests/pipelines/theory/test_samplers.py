"""Laws of every sampler, and each against its paper's solver in diffusers, on data whose denoiser is known."""

import math
from collections.abc import Iterator

import diffusers
import pytest
import torch
from torch import Tensor

from pipelines import libs
from pipelines.diffusion import SAMPLER_LABELS, SAMPLERS, Step
from pipelines.theory.betas import make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.sigmas import SIGMA_SCHEDULES

SPREAD = 0.5  # of the Gaussian data
TWICE = ("heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde")
EVALUATIONS = dict.fromkeys(TWICE, 2)  # a step; 1 for the others
DRAWS = dict.fromkeys(("ddpm", "euler_ancestral", "dpmpp_2m_sde", "dpm_2_ancestral"), 1) | {
    "dpmpp_2s_ancestral": 1,
    "dpmpp_sde": 2,
    "dpmpp_3m_sde": 1,
    "dpmpp_3m_sde_exact": 1,
    "lcm": 1,
}  # a step; 0 for the others
ORDERS = {"euler": 1, "ddim": 1, "heun": 2, "dpm_2": 2, "dpmpp_2m": 2, "unipc": 2}
WEAK_ORDERS = {
    "ddpm": 1,
    "euler_ancestral": 1,
    "dpm_2_ancestral": 2,
    "dpmpp_2s_ancestral": 2,
    "dpmpp_sde": 2,
    "dpmpp_2m_sde": 2,
    "dpmpp_3m_sde": 2,
    "dpmpp_3m_sde_exact": 2,
}  # of the distribution


def gaussian(x: Tensor, sigma: float) -> Tensor:
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def consistent(x: Tensor, sigma: float) -> Tensor:
    """The end of the path through x, which a consistency model guesses."""
    return x * SPREAD / math.hypot(SPREAD, sigma)


def suited(name: str):
    return consistent if name == "lcm" else gaussian


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
def test_a_whole_run_evaluates_the_denoiser_as_often_as_its_steps_say(name):
    denoiser = Counted()
    list(SAMPLERS[name](denoiser, start(80, 1, 4), spaced(9), fresh_noise()))
    assert denoiser.calls == 8 * EVALUATIONS.get(name, 1) + 1  # the step to sigma 0 has no slope there


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
    assert len(drawn) == 8 * DRAWS.get(name, 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_spread_of_gaussian_data_is_recovered(name):
    high = run(name, suited(name), start(80, 20_000), spaced(200))
    assert float(high[-1].x.std()) == pytest.approx(SPREAD, rel=0.04)


@pytest.mark.parametrize("name", SAMPLERS)
def test_states_on_the_way_have_the_spread_of_their_noise_level(name):
    for step in run(name, suited(name), start(80, 20_000), spaced(200))[:-1:20]:
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


@pytest.mark.parametrize("name, order", WEAK_ORDERS.items())
def test_halving_the_step_divides_the_error_of_the_spread_by_two_to_the_order(name, order):
    """A linear denoiser keeps a state a sum of independent draws: give each a place of its own, and the sum of squares
    is the variance itself, without a sample."""
    errors, counts = [], (64, 512)
    for n in counts:
        draws = iter(torch.eye(2 * n + 3, dtype=torch.float64))
        x = next(draws) * math.hypot(SPREAD, 10.0)
        sigmas = SIGMA_SCHEDULES["exponential"](n + 1, 0.1, 10.0)
        *_, last = SAMPLERS[name](gaussian, x, sigmas, lambda x, draws=draws: next(draws))
        errors.append(abs(float(last.x.norm()) / math.hypot(SPREAD, 0.1) - 1))
    slope = math.log(errors[0] / errors[1]) / math.log(counts[1] / counts[0])
    assert order - 0.1 < slope < order + 0.25


def test_every_sampler_has_an_order_to_be_held_to():
    assert set(ORDERS) | set(WEAK_ORDERS) == set(SAMPLERS) - {"lms", "lcm"}


def test_lms_integrates_a_cubic_slope_exactly_once_it_knows_four_points():
    """dx/dsigma = p(sigma) is a denoiser too: x - sigma p."""

    def integral(sigma: float) -> float:
        return 0.3 * sigma**4 - sigma**3 + 2 * sigma**2 - sigma

    def denoiser(x: Tensor, sigma: float) -> Tensor:
        return x - sigma * (1.2 * sigma**3 - 3 * sigma**2 + 4 * sigma - 1)

    steps = run("lms", denoiser, torch.zeros(1, dtype=torch.float64), spaced(9, 0.1, 3.0))
    for before, after in zip(steps[2:], steps[3:-1], strict=False):
        moved = float(after.x - before.x)
        assert moved == pytest.approx(integral(after.sigma) - integral(before.sigma), rel=1e-9)
    assert float(steps[0].x) != pytest.approx(integral(steps[0].sigma) - integral(3.0), rel=1e-3)


def test_the_exact_dpmpp_3m_sde_takes_a_guess_that_is_a_parabola_in_log_sigma_exactly():
    """d(x/sigma) = 2 (x0 - x)/sigma dl without noise, l = -log sigma. k-diffusion and diffusers halve the last term
    of the third order, and diffusers adds it with the other sign: both miss this."""

    def guess(level: float) -> float:
        return 0.5 - level + 0.7 * level**2

    def solution(level: float) -> float:  # of x' = 2 (guess - x), up to a multiple of exp(-2 l)
        return guess(level) - (-1 + 1.4 * level) / 2 + 1.4 / 4

    sigmas = spaced(12, 0.1, 3.0)
    constant = lambda x, sigma: torch.full_like(x, guess(-math.log(sigma)))  # noqa: E731
    steps = list(
        SAMPLERS["dpmpp_3m_sde_exact"](constant, torch.zeros(1, dtype=torch.float64), sigmas, torch.zeros_like)
    )
    for before, after in zip(steps[1:], steps[2:-1], strict=False):
        a, b = -math.log(before.sigma), -math.log(after.sigma)
        exact = solution(b) + math.exp(-2 * (b - a)) * (float(before.x) - solution(a))
        assert float(after.x) == pytest.approx(exact, rel=1e-9)


def test_dpmpp_sde_with_a_guess_that_stays_is_two_steps_of_ddpm():
    sigmas = SIGMA_SCHEDULES["exponential"](9, 0.1, 10.0)
    x, still = start(10, 2, 5), lambda x, sigma: torch.full_like(x, 0.3)
    whole, halves = run("dpmpp_sde", still, x, sigmas[::2]), run("ddpm", still, x, sigmas)
    torch.testing.assert_close(whole[-1].x, halves[-1].x, rtol=1e-9, atol=1e-12)


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


@pytest.mark.slow
@pytest.mark.parametrize("n", (1, 2, 8, 25))
@pytest.mark.parametrize(
    "name, scheduler",
    (
        ("euler", "EulerDiscreteScheduler"),
        ("heun", "HeunDiscreteScheduler"),
        ("euler_ancestral", "EulerAncestralDiscreteScheduler"),
        ("dpm_2", "KDPM2DiscreteScheduler"),
        ("dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler"),
    ),
)
def test_the_one_step_solvers_are_those_of_diffusers(name, scheduler, n, monkeypatch):
    """Fed with eps at the level that the scheduler itself means, which its scaling of the input tells."""
    theirs = getattr(diffusers, scheduler)(timestep_spacing="trailing")
    theirs.set_timesteps(n)
    levels = theirs.sigmas.double().unique_consecutive()
    x, noise, drawn = start(float(levels[0]), 2, 5), fresh_noise(3), []

    def draw(shape, **_):
        if len(drawn) == n - 1:  # theirs draw in the last step too, and multiply by 0
            return torch.zeros_like(x)
        drawn.append(noise(x))
        return drawn[-1]

    for module in ("euler_ancestral", "k_dpm_2_ancestral"):  # the only way to hand these schedulers their noise
        monkeypatch.setattr(f"diffusers.schedulers.scheduling_{module}_discrete.randn_tensor", draw)
    state = x
    for t in theirs.timesteps:
        scaled = theirs.scale_model_input(torch.ones((), dtype=torch.float64), t)
        sigma = math.sqrt(float(scaled) ** -2 - 1)
        state = theirs.step((state - curved(state, sigma)) / sigma, t, state).prev_sample
    ours = run(name, curved, x, levels, seed=3)[-1].x
    torch.testing.assert_close(ours, state.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", (2, 5, 12))
@pytest.mark.parametrize("name, kind", (("dpmpp_2s", "dpmsolver++"), ("dpmpp_sde", "sde-dpmsolver++")))
def test_the_middle_solvers_are_those_of_diffusers_where_every_second_level_is_a_middle(name, kind, n):
    """Theirs takes the next level for the middle, and a step of ours spans two of theirs. Their noise of the second
    half is the whole step's. The ancestral 2S walks to sigma_down without noise as theirs does to the next level."""
    theirs = diffusers.DPMSolverSinglestepScheduler(
        beta_end=0.002, prediction_type="sample", use_exponential_sigmas=True, algorithm_type=kind, solver_order=2,
        lower_order_final=False, final_sigmas_type="sigma_min",
    )  # fmt: skip
    theirs.set_timesteps(2 * n)
    sigmas = theirs.sigmas.double()
    x, noise = start(float(sigmas[0]), 2, 5), fresh_noise(3)
    state, first = x / math.sqrt(1 + float(sigmas[0]) ** 2), x
    for i, t in enumerate(theirs.timesteps[: 2 * n - 2]):
        q = float(sigmas[i + 1] / sigmas[i])
        drawn = noise(x)
        mixed = drawn if i % 2 == 0 else (q * first + drawn) / math.sqrt(1 + q * q)
        first = drawn
        guess = gaussian(state * math.sqrt(1 + float(sigmas[i]) ** 2), float(sigmas[i]))
        given = {"noise": mixed} if kind.startswith("sde") else {}
        state = _singlestep(theirs, guess, t, state, **given)
    whole = sigmas[: 2 * n - 1 : 2]
    if name == "dpmpp_sde":
        ours = run(name, gaussian, x, whole, seed=3)[-1].x
    else:  # to sigma_down of the next level: the level after it, so one at a time
        ours = x
        for high, low in zip(whole[:-1].tolist(), whole[1:].tolist(), strict=True):
            levels = [high, math.sqrt(high * low)]
            (step,) = SAMPLERS["dpmpp_2s_ancestral"](gaussian, ours, levels, torch.zeros_like)
            ours = step.x
    torch.testing.assert_close(ours / math.sqrt(1 + float(whole[-1]) ** 2), state, rtol=1e-4, atol=1e-5)


def _singlestep(theirs, guess: Tensor, t: Tensor, state: Tensor, **given) -> Tensor:
    """Their step hands a generator on; the noise itself goes in through its draw."""
    import diffusers.schedulers.scheduling_dpmsolver_singlestep as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "randn_tensor", lambda *_, **__: given["noise"])
        return theirs.step(guess, t, state).prev_sample


@pytest.mark.parametrize("n", (1, 2, 8, 25))
def test_lms_is_that_of_diffusers_but_for_its_last_step(n):
    """Theirs integrates its weights numerically, by scipy; without it the test cannot run."""
    pytest.importorskip("scipy")
    theirs = diffusers.LMSDiscreteScheduler(timestep_spacing="trailing")
    theirs.set_timesteps(n)
    levels = theirs.sigmas.double()
    state = x = start(float(levels[0]), 2, 5)
    ours = run("lms", curved, x, levels)
    for step, t, sigma in zip(ours[:-1], theirs.timesteps, levels.tolist(), strict=False):
        theirs.scale_model_input(state, t)
        state = theirs.step((state - curved(state, sigma)) / sigma, t, state).prev_sample
        torch.testing.assert_close(step.x, state.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", (1, 2, 4, 8))
def test_lcm_is_that_of_diffusers(n):
    theirs = diffusers.LCMScheduler(prediction_type="sample")
    theirs.set_timesteps(n)
    known = DiffusionProcess(theirs.betas.double()).sigmas
    sigmas = [*known[theirs.timesteps].tolist(), 0.0]
    x = start(sigmas[0], 2, 5)
    state = x / math.sqrt(1 + sigmas[0] ** 2)
    generator = torch.Generator().manual_seed(3)
    for step, sigma, t in zip(run("lcm", curved, x, sigmas, seed=3), sigmas[:-1], theirs.timesteps, strict=True):
        x0_pred = curved(state * math.sqrt(1 + sigma**2), sigma)
        state = theirs.step(x0_pred, t, state, generator=generator).prev_sample
        torch.testing.assert_close(step.x / math.sqrt(1 + step.sigma**2), state, rtol=1e-4, atol=1e-5)
