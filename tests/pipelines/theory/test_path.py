"""The noise path: every beta schedule gives valid steps for every network."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.theory.betas import BETA_SCHEDULES, make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.path import LOG_SIGMA_MAX, MODEL, noise_path, timestep_of_sigma
from pipelines.theory.sigmas import SIGMA_SCHEDULES

NETWORKS = {
    "cosine": DiffusionProcess(make_betas("cosine", 1000)),
    "stable diffusion": DiffusionProcess(make_betas("scaled_linear", 1000)),
    "small": DiffusionProcess(make_betas("linear", 50)),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


def assert_valid(path, network, leading=False):
    top = min(float(network.sigmas[-1]), math.exp(LOG_SIGMA_MAX))
    visited = path.sigmas[:-1]
    assert path.sigmas.isfinite().all() and path.sigmas[-1] == 0
    assert (path.sigmas.diff() < 0).all() and (visited.log().diff() < -1e-6).all()
    assert visited.max() <= top * (1 + 1e-12) and visited.min() >= network.sigmas[0] * (1 - 1e-12)
    assert leading or visited[0] >= 0.9 * top
    assert len(path) == len(visited) == len(path.timesteps)
    assert (path.timesteps >= 0).all() and (path.timesteps <= len(network.sigmas) - 1).all()
    assert (path.timesteps.diff() <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("spacing", SIGMA_SCHEDULES)
@pytest.mark.parametrize("schedule", (MODEL, *BETA_SCHEDULES))
def test_every_schedule_and_spacing_gives_a_valid_path(network, schedule, spacing):
    for timesteps, n in product((10, 1000, 4000), (1, 2, 5, 20, 50)):
        path = noise_path(network.alphas_cumprod, schedule, timesteps, None, None, spacing, n)
        assert_valid(path, network, leading=spacing == "ddim_uniform" and schedule == MODEL and n >= 10)
        added = any("was added" in note for note in path.notes)
        strided = any("one timestep in" in note for note in path.notes)
        assert len(path) == n + added or strided and len(path) > n


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from([name for name in BETA_SCHEDULES if name != "constant"]),
    st.integers(10, 4000),
    st.floats(1e-8, 0.999),
    st.floats(1e-8, 0.999),
    st.sampled_from(list(SIGMA_SCHEDULES)),
    st.integers(1, 150),
    st.sampled_from(list(NETWORKS)),
)
def test_whatever_the_ends_the_path_is_valid(schedule, timesteps, start, end, spacing, n, name):
    network = NETWORKS[name]
    assert_valid(noise_path(network.alphas_cumprod, schedule, timesteps, start, end, spacing, n), network)


@pytest.mark.parametrize("start, end", ((0.999, 0.999), (1e-8, 1e-8), (0.999, 1e-8), (0.5, 1e-8), (1e-8, 0.999)))
@pytest.mark.parametrize("n", (1, 10, 150))
def test_the_most_extreme_ends_give_valid_paths(network, start, end, n):
    for timesteps, spacing in product((10, 4000), ("path", "linspace")):
        assert_valid(noise_path(network.alphas_cumprod, "linear", timesteps, start, end, spacing, n), network)


@pytest.mark.parametrize("n", (1, 7, 20, 30))
def test_the_models_own_path_visits_its_trailing_timesteps_exactly(n):
    network = NETWORKS["stable diffusion"]
    path = noise_path(network.alphas_cumprod, num_inference_steps=n)
    theirs = libs.diffusers().EulerDiscreteScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, timestep_spacing="trailing"
    )
    theirs.set_timesteps(n)
    assert path.timesteps.tolist() == theirs.timesteps.tolist()
    torch.testing.assert_close(path.sigmas, theirs.sigmas.double(), rtol=1e-4, atol=0)
    assert path.notes == ()


def test_the_schedule_of_the_model_under_its_name_is_the_models_own():
    for name, schedule in (("cosine", "cosine"), ("stable diffusion", "scaled_linear")):
        own, named = (noise_path(NETWORKS[name].alphas_cumprod, chosen) for chosen in (MODEL, schedule))
        torch.testing.assert_close(own.sigmas, named.sigmas)
        torch.testing.assert_close(own.timesteps, named.timesteps)


def test_a_table_in_float32_gives_the_same_whole_timesteps():
    table = libs.diffusers().DDPMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod
    path = noise_path(table, "cosine")
    assert path.timesteps[1:].tolist() == [float(t) for t in range(949, 0, -50)]


def test_a_schedule_that_ends_early_gets_a_first_step_at_the_top_and_a_sentence():
    path = noise_path(NETWORKS["cosine"].alphas_cumprod, "constant", 1000, 0.001, None, "path", 5)
    assert len(path) == 6
    assert path.sigmas[0] == pytest.approx(math.exp(5.1)) and path.sigmas[1] == pytest.approx(1.3114, abs=1e-4)
    assert path.notes == (
        "The schedule ends at sigma 1.31, below the 164 at which the model starts, "
        "so a first step at 164 was added: 6 steps in all.",
    )


def test_the_shape_of_the_schedule_moves_the_steps_and_the_ends_only_spacings_say_that_it_does_not():
    cosine = NETWORKS["cosine"].alphas_cumprod
    linear, sigmoid = noise_path(cosine, "linear"), noise_path(cosine, "sigmoid")
    assert (linear.sigmas[1:-1] - sigmoid.sigmas[1:-1]).abs().min() > 1e-3
    assert any("karras uses only the ends" in note for note in noise_path(cosine, "linear", 1000, 0, 0, "karras").notes)
    assert noise_path(cosine, MODEL, 1000, 0, 0, "karras").notes == ()


def test_betas_given_for_the_models_own_schedule_are_answered_with_a_sentence():
    path = noise_path(NETWORKS["cosine"].alphas_cumprod, MODEL, 50, 0.1, 0.2)
    assert path.sigmas.tolist() == noise_path(NETWORKS["cosine"].alphas_cumprod).sigmas.tolist()
    assert len(path.notes) == 1 and "fixed at 1000 timesteps" in path.notes[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_zero_terminal_snr_is_sampled_from_the_highest_sigma_that_is_kept(name):
    alphas_cumprod = NETWORKS[name].alphas_cumprod.clone()
    alphas_cumprod[-1] = 0
    path = noise_path(alphas_cumprod)
    assert path.sigmas[0] == pytest.approx(math.exp(5.1)) and path.sigmas.isfinite().all()
    if name == "stable diffusion":  # between its last two timesteps, sigma 14.5 and infinity
        assert 998 < path.timesteps[0] < 999


def test_timestep_to_sigma_to_timestep_is_the_identity(network):
    assert [timestep_of_sigma(network.sigmas, float(s)) for s in network.sigmas] == list(range(len(network.sigmas)))


def test_between_two_timesteps_the_log_snr_is_interpolated(network):
    sigma = float((network.sigmas[20] ** 0.75) * (network.sigmas[21] ** 0.25))
    assert timestep_of_sigma(network.sigmas, sigma) == pytest.approx(20.25)
    assert timestep_of_sigma(network.sigmas, 1e9) == len(network.sigmas) - 1
    assert timestep_of_sigma(network.sigmas, 1e-9) == 0


@pytest.mark.parametrize(
    "bad", ({"beta_schedule": "x"}, {"sigma_schedule": "x"}, {"num_inference_steps": 0}, {"num_train_timesteps": 3})
)
def test_what_cannot_be_sampled_is_refused(bad):
    with pytest.raises(BadRequest, match="must be .*; got"):
        noise_path(NETWORKS["cosine"].alphas_cumprod, **{"beta_schedule": "linear", **bad})
