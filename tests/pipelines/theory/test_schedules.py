"""Beta schedules, the forward process and spacings of sigma against their papers, diffusers and closed forms."""

import math

import mpmath
import pytest
import torch

from pipelines import libs, schedules
from pipelines.errors import BadRequest
from pipelines.theory.betas import BETA_SCHEDULES, READS_OFFSET, make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.sigmas import FOLLOWS_PATH, SIGMA_SCHEDULES

TIMESTEPS = (10, 19, 20, 21, 50, 1000, 4000)
OF_DIFFUSERS = {
    "linear": ("linear", 1e-4, 0.02),
    "scaled_linear": ("scaled_linear", 0.00085, 0.012),
    "cosine": ("squaredcos_cap_v2", 1e-4, 0.02),
    "sigmoid": ("sigmoid", 1e-4, 0.02),
}


@pytest.mark.parametrize("timesteps", TIMESTEPS)
@pytest.mark.parametrize("name", BETA_SCHEDULES)
def test_every_schedule_gives_float64_betas_between_0_and_1(name, timesteps):
    betas = make_betas(name, timesteps)
    assert betas.shape == (timesteps,) and betas.dtype == torch.float64
    assert (betas > 0).all() and (betas < 1).all()


@pytest.mark.parametrize("name", OF_DIFFUSERS)
def test_betas_at_a_thousand_timesteps_are_those_of_diffusers(name):
    theirs_name, start, end = OF_DIFFUSERS[name]
    theirs = libs.diffusers().DDPMScheduler(beta_schedule=theirs_name, beta_start=start, beta_end=end).betas
    torch.testing.assert_close(make_betas(name, 1000), theirs.double(), rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("name", OF_DIFFUSERS)
def test_given_ends_are_taken_as_they_are_at_any_length(name):
    theirs_name, start, end = OF_DIFFUSERS[name]
    theirs = libs.diffusers().DDPMScheduler(60, beta_schedule=theirs_name, beta_start=start, beta_end=end).betas
    ours = make_betas(name, 60, *((start, end) if name != "cosine" else ()))
    torch.testing.assert_close(ours, theirs.double(), rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("timesteps", (50, 200, 4000))
@pytest.mark.parametrize("name", BETA_SCHEDULES)
def test_rescaling_keeps_the_total_noise_at_any_length(name, timesteps):
    """Unscaled, linear would keep 78 % of the signal at 50 timesteps and nothing at 4000."""

    def signal(count: int) -> float:
        return float(DiffusionProcess(make_betas(name, count)).log_snr[-2])  # the very last is cosine's capped one

    if name == "cosine":
        middle = DiffusionProcess(make_betas(name, timesteps)).log_snr[timesteps // 2 - 1]
        assert abs(float(middle) - float(DiffusionProcess(make_betas(name, 1000)).log_snr[499])) < 0.01
    else:
        assert abs(signal(timesteps) / signal(1000) - 1) < 0.3


@pytest.mark.parametrize("name", BETA_SCHEDULES)
@pytest.mark.parametrize("field", ("beta_start", "beta_end"))
@pytest.mark.parametrize("beta", (-0.1, 1.0, 2.0, math.nan, math.inf, 1e-20))
def test_a_beta_out_of_range_is_refused_with_its_name_and_value(name, field, beta):
    with pytest.raises(BadRequest, match=f"{field} must be .*got"):
        make_betas(name, 100, **{field: beta})


@pytest.mark.parametrize("timesteps", (-1, 0, 9, 4001, 50.5))
def test_a_length_out_of_range_is_refused(timesteps):
    with pytest.raises(BadRequest, match="num_train_timesteps must be .*got"):
        make_betas("linear", timesteps)


def test_an_unknown_schedule_is_refused_and_the_known_are_listed():
    with pytest.raises(BadRequest, match="linear, scaled_linear"):
        make_betas("nonsense", 100)


def test_a_constant_schedule_has_one_beta():
    assert set(make_betas("constant", 50, 0.1).tolist()) == {0.1}
    assert set(make_betas("constant", 50, None, 0.2).tolist()) == {0.2}
    with pytest.raises(BadRequest, match="one beta"):
        make_betas("constant", 50, 0.1, 0.2)


def test_the_ends_of_a_cosine_schedule_bound_it():
    betas = make_betas("cosine", 100, 0.01, 0.5)
    assert betas.min() == 0.01 and betas.max() == 0.5


@pytest.mark.parametrize("timesteps", TIMESTEPS)
@pytest.mark.parametrize("offset", (0.0, 0.008, 0.1, 0.5))
def test_the_signal_of_a_cosine_schedule_is_the_paper_s_with_its_offset(timesteps, offset):
    t = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2) ** 2
    signal = DiffusionProcess(make_betas("cosine", timesteps, offset=offset)).alphas_cumprod
    torch.testing.assert_close(signal[:-1], (f / f[0])[1:-1], rtol=1e-9, atol=0)  # the last beta is capped


@pytest.mark.parametrize("name", BETA_SCHEDULES)
def test_the_offset_is_0_008_unless_given_and_only_cosine_has_one(name):
    assert torch.equal(make_betas(name, 100), make_betas(name, 100, offset=0.008))
    assert torch.equal(make_betas(name, 100), make_betas(name, 100, offset=0.1)) == (name not in READS_OFFSET)


@pytest.mark.parametrize("name", BETA_SCHEDULES)
@pytest.mark.parametrize("offset", (-0.01, 0.51, math.nan, math.inf))
def test_an_offset_out_of_range_is_refused(name, offset):
    with pytest.raises(BadRequest, match="offset must be 0 to 0.5; got"):
        make_betas(name, 100, offset=offset)


@pytest.fixture(params=BETA_SCHEDULES)
def process(request):
    return DiffusionProcess(make_betas(request.param, 200))


def test_the_tables_agree_with_their_definitions(process):
    alphas_cumprod = (1 - process.betas).cumprod(0)
    torch.testing.assert_close(process.alphas_cumprod, alphas_cumprod)
    torch.testing.assert_close(process.snr, alphas_cumprod / (1 - alphas_cumprod), rtol=1e-9, atol=0)
    torch.testing.assert_close(process.sigmas**-2, process.snr)
    assert all(table.dtype == torch.float64 for table in (process.snr, process.sigmas, process.log_snr))


def test_the_log_snr_stays_finite_where_alphas_cumprod_underflows():
    process = DiffusionProcess(make_betas("constant", 4000, 0.999))
    assert process.alphas_cumprod[-1] == 0 and process.log_snr.isfinite().all()


def test_q_sample_keeps_the_variance_of_unit_data_and_takes_one_t_for_each_picture(process):
    torch.manual_seed(0)
    x0, noise = torch.randn(3, 2, 5, 5, dtype=torch.float64), torch.randn(3, 2, 5, 5, dtype=torch.float64)
    t = torch.tensor([0, 70, 199])
    together = process.q_sample(x0, t, noise)
    for i in range(3):
        alpha_bar = process.alphas_cumprod[t[i]]
        torch.testing.assert_close(together[i], alpha_bar.sqrt() * x0[i] + (1 - alpha_bar).sqrt() * noise[i])
        torch.testing.assert_close(together[i], process.q_sample(x0[i], int(t[i]), noise[i]))


def test_the_posterior_is_bayes_rule(process):
    """q(x_{t-1} | x_t, x0) from the product of two Gaussians: q(x_{t-1} | x0) and q(x_t | x_{t-1}) in x_{t-1}."""
    x0, x_t = torch.tensor([0.3], dtype=torch.float64), torch.tensor([-1.1], dtype=torch.float64)
    for t in (1, 50, 199):
        beta, before = process.betas[t], process.alphas_cumprod[t - 1]
        precision = 1 / (1 - before) + (1 - beta) / beta
        expected = (before.sqrt() * x0 / (1 - before) + (1 - beta).sqrt() * x_t / beta) / precision
        mean, variance, log_variance = process.q_posterior(x0, x_t, t)
        torch.testing.assert_close(mean, expected, rtol=1e-8, atol=1e-10)
        torch.testing.assert_close(variance, 1 / precision, rtol=1e-8, atol=0)
        torch.testing.assert_close(log_variance, variance.log())


def test_the_last_posterior_step_is_x0_with_the_log_variance_of_the_step_before(process):
    x0 = torch.randn(2, 3, dtype=torch.float64)
    mean, variance, log_variance = process.q_posterior(x0, torch.randn_like(x0), 0)
    torch.testing.assert_close(mean, x0)
    assert variance == 0 and log_variance == process.q_posterior(x0, x0, 1)[1].log()


def test_the_weight_of_x0_squared_over_the_variance_is_the_loss_of_snr(process):
    one, nothing = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for t in (1, 2, 100, 199):
        c1, variance, _ = process.q_posterior(one, nothing, t)
        torch.testing.assert_close(c1[0] ** 2 / variance, process.snr[t - 1] - process.snr[t], rtol=1e-8, atol=0)


@pytest.mark.parametrize("betas", ([], [0.1, 0.0], [1.0, 0.1], [0.1, 1.1], [[0.1]], [math.nan]))
def test_betas_that_are_none_are_refused(betas):
    with pytest.raises(BadRequest, match="betas must be"):
        DiffusionProcess(torch.tensor(betas))


@pytest.mark.parametrize("n", (1, 2, 7, 50))
@pytest.mark.parametrize("name", SIGMA_SCHEDULES)
def test_every_spacing_descends_from_the_top(name, n):
    path = DiffusionProcess(make_betas("linear", 1000)).sigmas
    sigmas = SIGMA_SCHEDULES[name](n, float(path[0]), float(path[-1]), path)
    assert sigmas.dtype == torch.float64
    assert len(sigmas) == (-(-999 // (1000 // n)) if name == "ddim_uniform" else n)
    assert (sigmas.diff() < 0).all()
    assert name == "ddim_uniform" or abs(float(sigmas[0] / path[-1]) - 1) < 1e-12
    if n > 1 and name not in ("path", "simple", "ddim_uniform", "beta_quantiles"):
        assert abs(float(sigmas[-1] / path[0]) - 1) < 1e-9


@pytest.mark.parametrize("name", ("path", "linspace", "simple", "ddim_uniform"))
def test_more_steps_than_the_path_has_points_fall_between_them(name):
    path = DiffusionProcess(make_betas("linear", 10)).sigmas
    sigmas = SIGMA_SCHEDULES[name](25, 0, 0, path)
    assert (sigmas.diff() < 0).all()
    torch.testing.assert_close(sigmas[[0, 8, 24]], path[[9, 6, 0]])  # 8 of 24 steps are 3 of 9 points


@pytest.mark.parametrize("name, option", (("karras", "use_karras_sigmas"), ("exponential", "use_exponential_sigmas")))
def test_karras_and_exponential_are_those_of_diffusers(name, option):
    theirs = libs.diffusers().EulerDiscreteScheduler(**{option: True})
    theirs.set_timesteps(12)
    sigmas = theirs.sigmas[:-1].double()
    ours = SIGMA_SCHEDULES[name](12, float(sigmas[-1]), float(sigmas[0]))
    torch.testing.assert_close(ours, sigmas, rtol=1e-5, atol=0)


def test_kl_optimal_is_uniform_in_the_arc_tangent_of_sigma():
    """Equation 9 of Align Your Steps, as it stands there."""
    low, high, n = 0.03, 14.6, 12
    wanted = [math.tan(i / (n - 1) * math.atan(low) + (1 - i / (n - 1)) * math.atan(high)) for i in range(n)]
    ours = SIGMA_SCHEDULES["kl_optimal"](n, low, high)
    torch.testing.assert_close(ours, torch.tensor(wanted, dtype=torch.float64), rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    "name, spacing, n",
    [("path", "trailing", n) for n in (1, 3, 20, 30, 1000)]
    + [("linspace", "linspace", n) for n in (2, 28, 1000)]
    + [("ddim_uniform", "leading", n) for n in (1, 20, 40, 999)],
)
def test_spacings_along_the_path_visit_the_sigmas_of_diffusers(name, spacing, n):
    """Step counts at which every t is whole: between two, diffusers interpolates sigma, not its logarithm."""
    theirs = libs.diffusers().EulerDiscreteScheduler(timestep_spacing=spacing, steps_offset=1)
    theirs.set_timesteps(n)
    path = DiffusionProcess(theirs.betas.double()).sigmas
    torch.testing.assert_close(SIGMA_SCHEDULES[name](n, 0, 0, path), theirs.sigmas[:-1].double(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("n", (1, 3, 7, 20, 1000))
def test_simple_takes_every_so_manyth_level_from_the_top(n):
    path = DiffusionProcess(make_betas("linear", 1000)).sigmas
    expected = [float(path[-(1 + int(i * len(path) / n))]) for i in range(n)]
    torch.testing.assert_close(SIGMA_SCHEDULES["simple"](n, 0, 0, path), torch.tensor(expected, dtype=torch.float64))


def test_beta_quantiles_are_those_of_the_distribution():
    """Back through its distribution function, by another library's series."""
    rising = torch.linspace(0, 1, 1001, dtype=torch.float64).exp()  # so that log sigma is t / 1000
    for n in (1, 2, 20, 150):
        t = SIGMA_SCHEDULES["beta_quantiles"](n, 0, 0, rising).log().tolist()
        within = 1e-6 if n == 150 else 0.002  # a thousand timesteps: whole ones, where they differ
        back = [float(mpmath.betainc(0.6, 0.6, 0, x, regularized=True)) for x in t]
        assert back == pytest.approx([1 - i / n for i in range(n)], abs=within)


@pytest.mark.parametrize(
    "name, table", (("align_your_steps", "StableDiffusionSigmas"), ("align_your_steps_xl", "StableDiffusionXLSigmas"))
)
def test_align_your_steps_has_the_published_levels_and_stretches_them_to_other_ends(name, table):
    from diffusers.schedulers import AysSchedules

    # The paper's last level; in diffusers it is the 0 that all paths end in.
    published = torch.tensor([*AysSchedules[table][:-1], 0.029], dtype=torch.float64)
    spacing = SIGMA_SCHEDULES[name]
    torch.testing.assert_close(spacing(len(published), 0.029, 14.615), published)
    doubled = spacing(2 * len(published) - 1, 0.029, 14.615)
    torch.testing.assert_close(doubled[::2], published)
    torch.testing.assert_close(doubled[1::2], (published[1:] * published[:-1]).sqrt())
    torch.testing.assert_close(spacing(9, 0.1, 50.0)[[0, -1]], torch.tensor([50.0, 0.1], dtype=torch.float64))


@pytest.mark.parametrize("name", FOLLOWS_PATH)
def test_a_spacing_along_the_path_asks_for_the_path(name):
    with pytest.raises(TypeError, match="path"):
        SIGMA_SCHEDULES[name](5, 0.1, 10.0)


def test_a_drawn_schedule_goes_through_its_points_and_stays_beyond_them() -> None:
    betas = schedules.drawn([(0.75, 0.02), (0.25, 0.0002)], 1000)
    assert betas.shape == (1000,) and betas.dtype == torch.float64
    torch.testing.assert_close(betas[[0, 100]], torch.tensor([0.0002, 0.0002], dtype=torch.float64))
    assert betas[500].item() == pytest.approx(0.002, rel=1e-2), "halfway, the mean of the logarithms"
    assert betas[-1].item() == 0.02


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "two points"),
        ([(0.5, 0.1)], "two points"),
        ([(0.5, 0.1), (0.5, 0.2)], "different numbers"),
        ([(0.0, 0.1), (float("nan"), 0.2)], "different numbers"),
        ([(0.0, 0.0), (1.0, 0.2)], "betas must be"),
        ([(0.0, 0.1), (1.0, 1.0)], "betas must be"),
        ([(0.0, 0.1), (1.0, float("nan"))], "betas must be"),
    ],
)
def test_a_drawing_that_is_no_schedule_is_refused_with_a_sentence(points: list, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        schedules.drawn(points, 1000)
