"""Exact denoisers: the laws that bind density, score and denoiser, and samplers that follow them to the data."""

import math

import pytest
import torch
from torch import Tensor

from pipelines.data.points import POINTS, drawn, get
from pipelines.errors import BadRequest
from pipelines.theory.ideal import Boxes, Mixture
from pipelines.theory.samplers import SAMPLERS


def places(n: int = 40, spread: float = 1.5) -> Tensor:
    return spread * torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("sigma", (0.2, 1.0, 8.0))
@pytest.mark.parametrize("name", POINTS)
def test_the_score_is_the_gradient_of_the_density_and_gives_the_denoiser(name: str, sigma: float) -> None:
    data, x = get(name), places().requires_grad_()
    (gradient,) = torch.autograd.grad(data.log_prob(x, sigma).sum(), x)
    x = x.detach()
    torch.testing.assert_close(data.score(x, sigma), gradient, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(data.denoise(x, sigma), x + sigma**2 * gradient, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_draws_have_mean_zero_unit_variance_and_the_density_s_entropy(name: str) -> None:
    data = get(name)
    x = data.sample(40_000, torch.Generator().manual_seed(0))
    assert x.mean(0).abs().max() < 0.05
    assert abs(float(x.square().mean()) - 1) < 0.03
    # E[log p(x) of noisy data] by draws, and by a sum over a fine lattice
    sigma = 0.3
    noisy = x + sigma * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    axis = torch.linspace(-6, 6, 301, dtype=torch.float64)
    lattice = data.log_prob(torch.cartesian_prod(axis, axis), sigma)
    mass = lattice.exp() * 0.04**2
    assert float(mass.sum()) == pytest.approx(1, abs=1e-3)
    assert float(data.log_prob(noisy, sigma).mean()) == pytest.approx(float((mass * lattice).sum()), abs=0.02)


@pytest.mark.parametrize("name", ("gaussians", "checkerboard", "swiss_roll"))
def test_an_ideal_denoiser_takes_noise_to_the_data(name: str) -> None:
    data = get(name)
    sigmas = torch.cat([torch.logspace(1.3, -2, 40, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    start = sigmas[0] * torch.randn(2000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    *_, last = SAMPLERS["dpmpp_2m"](data.denoise, start, sigmas, torch.randn_like)
    real = data.sample(2000, torch.Generator().manual_seed(4))
    near = data.log_prob(last.x, 0.05).mean()
    assert float(near) > float(data.log_prob(real, 0.05).mean()) - 0.35
    assert abs(float(last.x.square().mean()) - 1) < 0.1


def test_far_away_the_answers_stay_finite_and_nearer_to_the_data() -> None:
    far = torch.tensor([[300.0, -40.0], [1e4, 1e4]], dtype=torch.float64)
    for name in POINTS:
        for sigma in (0.01, 1.0):
            guess = get(name).denoise(far, sigma)
            assert guess.isfinite().all() and (guess.norm(dim=1) < far.norm(dim=1)).all(), name


def test_with_a_finite_set_every_sample_is_one_of_its_members() -> None:
    members = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    data = Mixture.of(members)
    sigmas = torch.cat([torch.logspace(1, -3, 60, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    start = 10 * torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    *_, last = SAMPLERS["euler"](data.denoise, start, sigmas, torch.randn_like)
    assert torch.cdist(last.x, members).min(1).values.max() < 1e-6


def test_one_class_is_a_distribution_of_its_own() -> None:
    data = get("gaussians")
    assert isinstance(data, Mixture)
    part = data.part(3)
    assert float(part.weights.sum()) == pytest.approx(1)
    assert torch.cdist(part.sample(200, torch.Generator().manual_seed(0)), part.means).max() < 0.6
    x = places()
    together = torch.stack([data.part(k).log_prob(x, 0.5) for k in range(8)]).logsumexp(0) - math.log(8)
    torch.testing.assert_close(together, data.log_prob(x, 0.5))
    with pytest.raises(BadRequest, match="label must be"):
        data.part(8)


def test_an_even_box_has_an_even_density() -> None:
    box = Boxes(torch.tensor([[-1.0, 0.0]]).double(), torch.tensor([[1.0, 3.0]]).double())
    inside, outside = torch.tensor([[0.0, 1.0], [0.9, 2.9]]).double(), torch.tensor([[0.0, -0.1]]).double()
    torch.testing.assert_close(box.log_prob(inside), torch.full((2,), -math.log(6), dtype=torch.float64))
    assert box.log_prob(outside).item() == -math.inf


def test_a_drawing_is_data() -> None:
    line = torch.stack([torch.linspace(3, 9, 50), torch.zeros(50)], dim=1)
    data = drawn(line)
    x = data.sample(5000, torch.Generator().manual_seed(0))
    assert x.mean(0).abs().max() < 0.05 and x[:, 1].std() < 0.1 < 1 < x[:, 0].std()
    for bad in (torch.zeros(5, 2), torch.zeros(1, 2), torch.full((3, 2), math.nan), torch.zeros(4, 3)):
        with pytest.raises(BadRequest, match="drawing"):
            drawn(bad)
