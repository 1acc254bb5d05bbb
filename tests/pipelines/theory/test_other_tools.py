"""The same name paints the same picture: the levels that AUTOMATIC1111 and ComfyUI visit for each name, from their
formulas as docs/SAMPLERS.md states them, against those that a run of ours visits for it."""

import mpmath
import numpy as np
import pytest
import torch

from pipelines.requests import names
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.foreign.names import named_by_comfyui
from pipelines.theory.betas import make_betas
from pipelines.theory.process import TrainedProcess
from pipelines.theory.samplers import SAMPLERS

STEPS = (10, 15, 20, 30, 50)
T = 1000


@pytest.fixture(scope="module")
def process() -> TrainedProcess:
    """Stable Diffusion's."""
    return TrainedProcess(torch.cumprod(1 - make_betas("scaled_linear", T), 0), "epsilon")


def levels(process: TrainedProcess, steps: int, fields: dict) -> np.ndarray:
    request = TextToImageRequest.of(num_inference_steps=steps, **fields)
    asked = request.schedule.path_settings(request.sampler)
    return process.path(0, num_inference_steps=steps, **asked).sigmas.numpy()


def at(sigmas: np.ndarray, t: np.ndarray) -> np.ndarray:
    """k-diffusion's t_to_sigma: the logarithm of sigma between two timesteps."""
    return np.exp(np.interp(t, np.arange(T), np.log(sigmas)))


def quantiles(p: np.ndarray) -> np.ndarray:
    cdf = lambda x: float(mpmath.betainc(0.6, 0.6, 0, x, regularized=True))  # noqa: E731
    found = []
    for wanted in p:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if cdf(middle) < wanted else (low, middle)
        found.append((low + high) / 2)
    return np.array(found)


def karras(low: float, high: float, n: int) -> np.ndarray:
    return np.linspace(high ** (1 / 7), low ** (1 / 7), n) ** 7


OF_BOTH = {
    "Uniform": lambda s, n: at(s, np.linspace(T - 1, 0, n)),
    "Normal": lambda s, n: at(s, np.linspace(T - 1, 0, n)),
    "Karras": lambda s, n: karras(s[0], s[-1], n),
    "Exponential": lambda s, n: np.exp(np.linspace(np.log(s[-1]), np.log(s[0]), n)),
    "SGM Uniform": lambda s, n: at(s, np.linspace(T - 1, 0, n + 1)[:-1]),
    "Simple": lambda s, n: s[[-(1 + int(x * T / n)) for x in range(n)]],
    "DDIM": lambda s, n: s[1 :: T // n][::-1],
}


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", OF_BOTH)
def test_a_spacing_visits_the_levels_that_its_name_stands_for(process, name, steps):
    wanted = OF_BOTH[name](process.sigmas.numpy(), steps)
    visited = levels(process, steps, {"sampler": "euler", "sigma_schedule": names.spacing(name)})
    assert visited[-1] == 0
    np.testing.assert_allclose(visited[:-1], wanted, rtol=0.03 if name == "SGM Uniform" else 1e-6)


@pytest.mark.parametrize("steps", (10, 20))
def test_beta_is_what_the_tool_that_says_it_means(process, steps):
    sigmas = process.sigmas.numpy()
    in_sigma = sigmas[0] + quantiles(1 - np.linspace(0, 1, steps)) * (sigmas[-1] - sigmas[0])
    visited = levels(process, steps, {"sampler": "euler", "sigma_schedule": names.spacing("Beta")})
    np.testing.assert_allclose(visited[:-1], in_sigma, rtol=1e-3)
    fields, _ = named_by_comfyui("euler", "beta")
    in_time = sigmas[np.rint(quantiles(1 - np.linspace(0, 1, steps, endpoint=False)) * (T - 1)).astype(int)]
    np.testing.assert_allclose(levels(process, steps, fields)[:-1], in_time, rtol=0.005)  # 499.5 rounds both ways


@pytest.mark.parametrize("steps", (10, 20))
@pytest.mark.parametrize("sampler", ("DPM2", "DPM2 a"))
def test_dpm2_leaves_out_the_last_level_before_0(process, sampler, steps):
    sigmas = process.sigmas.numpy()
    visited = levels(process, steps, names.sampler(f"{sampler} Karras"))
    np.testing.assert_allclose(visited[:-1], karras(sigmas[0], sigmas[-1], steps + 1)[:-1], rtol=1e-6)


def test_comfyuis_unipc_leaves_it_out_too_and_a1111s_does_not(process):
    shorter, _ = named_by_comfyui("uni_pc", "karras")
    full = names.sampler("UniPC Karras")
    assert levels(process, 20, shorter)[-2] > 1.2 * levels(process, 20, full)[-2]


def test_dpmpp_3m_sde_adds_what_k_diffusion_adds():
    """Its step, from the formula: x + phi_2 d1 - phi_3 d2, where d2 is a second difference and not half of it."""
    sigmas = np.array([8.0, 4.0, 2.5, 1.2])
    guesses = [torch.tensor([value], dtype=torch.float64) for value in (0.3, -0.2, 0.7)]
    left = iter(guesses)
    x = torch.tensor([5.0], dtype=torch.float64)
    *_, before, last = SAMPLERS["dpmpp_3m_sde"](lambda x, sigma: next(left), x, sigmas, torch.zeros_like)
    h2, h1, h = (np.log(a / b) for a, b in zip(sigmas, sigmas[1:], strict=False))
    (oldest, older, newest), r0, r1 = (float(guess) for guess in guesses), h1 / h, h2 / h
    newer_slope, older_slope = (newest - older) / r0, (older - oldest) / r1
    d1 = newer_slope + (newer_slope - older_slope) * r0 / (r0 + r1)
    d2 = (newer_slope - older_slope) / (r0 + r1)
    phi_2 = np.expm1(-2 * h) / (2 * h) + 1
    phi_3 = phi_2 / (2 * h) - 0.5
    wanted = np.exp(-2 * h) * float(before.x) - np.expm1(-2 * h) * newest + phi_2 * d1 - phi_3 * d2
    assert float(last.x) == pytest.approx(wanted, rel=1e-12)
