"""The bound of a VAE against the exact likelihood of a linear one, whose p(x) is a known Gaussian."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipelines.data import sets
from pipelines.families import Sampling
from pipelines.families.flow import Flow
from pipelines.families.learning import Plan, training_of
from pipelines.families.vae import Vae

DEVIATION = 0.4
SIZES = torch.tensor([1.5, 0.7], dtype=torch.float64)
"""Lengths of W's orthogonal columns: with them the exact posterior has a diagonal covariance."""


class Linear(nn.Module):
    """(data, condition) -> mean and log-variance of q(z|x): exact, or shifted and wider than it."""

    def __init__(self, weight: Tensor, shift: float = 0.0, wider: float = 1.0) -> None:
        super().__init__()
        self.precision = 1 + weight.square().sum(0) / DEVIATION**2
        self.weight, self.shift, self.wider = weight, shift, wider

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        mean = x @ self.weight / DEVIATION**2 / self.precision + self.shift
        log_variance = (2 * math.log(self.wider) - self.precision.log()).expand_as(mean)
        return torch.cat([mean, log_variance], dim=1)


class Matrix(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, z: Tensor) -> Tensor:
        return z @ self.weight.T


def weight() -> Tensor:
    """(3, 2) with orthogonal columns."""
    generator = torch.Generator().manual_seed(0)
    return torch.linalg.qr(torch.randn(3, 2, dtype=torch.float64, generator=generator))[0] * SIZES


def linear(shift: float = 0.0, wider: float = 1.0, beta: float = 1.0) -> Vae:
    """p(x|z) = N(W z, DEVIATION^2), so p(x) = N(0, W W^T + DEVIATION^2)."""
    model = Vae((3,), width=8, latent=2, beta=beta).double()
    model.encoder, model.decoder = Linear(weight(), shift, wider), Matrix(weight())
    model.log_deviation.data.fill_(math.log(DEVIATION))
    return model.requires_grad_(False)


def exact() -> torch.distributions.MultivariateNormal:
    covariance = weight() @ weight().T + DEVIATION**2 * torch.eye(3, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(torch.zeros(3, dtype=torch.float64), covariance)


def data(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = (
        torch.randn(count, 3, dtype=torch.float64, generator=generator)
        @ torch.linalg.cholesky(exact().covariance_matrix).T
    )
    return x, torch.full((count,), -1)


def bound(model: Vae, x: Tensor, labels: Tensor) -> Tensor:
    """(N,): the negative bound in nats, its mean over z exact: by Gauss and Hermite's places instead of draws."""
    places, shares = (torch.as_tensor(part) for part in np.polynomial.hermite_e.hermegauss(5))
    total = torch.zeros(len(x), dtype=torch.float64)
    for (first, share), (second, other) in product(zip(places, shares, strict=True), repeat=2):
        noise = torch.stack([first, second]).expand(len(x), 2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "randn", lambda *_, noise=noise, **__: noise)
            told, kl = model.terms(x, labels, torch.Generator())
        total += (told + kl) * share * other / shares.sum() ** 2
    return total


def posterior(model: Vae, x: Tensor, labels: Tensor) -> torch.distributions.Normal:
    mean, log_variance = model.posterior(x, labels)
    return torch.distributions.Normal(mean, (log_variance / 2).exp())


def importance_weighted(model: Vae, x: Tensor, labels: Tensor, draws: int) -> Tensor:
    """(N,): an estimate of log p(x), lower on average and the nearer the more draws (arXiv:1509.00519)."""
    torch.manual_seed(3)
    q = posterior(model, x, labels)
    z = q.sample((draws,))
    told = torch.distributions.Normal(z @ weight().T, DEVIATION).log_prob(x).sum(2)
    ratios = told + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(2) - q.log_prob(z).sum(2)
    return ratios.logsumexp(0) - math.log(draws)


def with_prior(model: Vae, by: float) -> Vae:
    """The same with a flow as its prior: untrained it is N(0, I), moved by something it is not."""
    torch.manual_seed(0)
    model.prior = Flow((2,), width=8, couplings=4).double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.prior.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model.requires_grad_(False)


def test_with_the_exact_posterior_the_bound_is_the_likelihood() -> None:
    model, (x, labels) = linear(), data(6)
    torch.testing.assert_close(bound(model, x, labels), -exact().log_prob(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shift, wider", ((0.4, 1.0), (0.0, 2.0), (-0.3, 1.3)))
def test_a_wrong_posterior_costs_its_divergence_and_importance_weights_win_it_back(shift: float, wider: float) -> None:
    model, (x, labels) = linear(shift, wider), data(6)
    own = -exact().log_prob(x)
    lost = torch.distributions.kl_divergence(posterior(model, x, labels), posterior(linear(), x, labels)).sum(1)
    assert lost.min() > 0.2
    torch.testing.assert_close(bound(model, x, labels) - own, lost, rtol=0, atol=1e-6)
    assert (importance_weighted(model, x, labels, 20_000) + own).abs().max() < 0.1


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    model, (x, labels) = linear(0.3, 1.7), data(20)
    _, kl = model.terms(x, labels, torch.Generator())
    prior = torch.distributions.Normal(torch.zeros(2).double(), torch.ones(2).double())
    torch.testing.assert_close(kl, torch.distributions.kl_divergence(posterior(model, x, labels), prior).sum(1))


def test_an_untrained_flow_is_the_usual_prior() -> None:
    """The mean over the code, exact by quadrature: both divergences are of the same two distributions."""
    x, labels = data(6)
    for shift in (0.0, 0.4):
        learned, usual = with_prior(linear(shift), by=0), linear(shift)
        torch.testing.assert_close(bound(learned, x, labels), bound(usual, x, labels), rtol=0, atol=1e-6)


def test_the_bound_with_a_learned_prior_is_above_the_likelihood_that_the_plane_adds_up_to() -> None:
    model, (x, labels) = with_prior(linear(), by=0.15), data(4)
    assert model.prior is not None
    axis = torch.linspace(-8, 8, 321, dtype=torch.float64)
    codes = torch.cartesian_prod(axis, axis)
    log_prior = model.prior.log_prob(codes, torch.full((len(codes),), -1))
    made = torch.distributions.Normal(codes @ weight().T, DEVIATION)
    log_p = torch.stack([(made.log_prob(one).sum(1) + log_prior).logsumexp(0) for one in x]) + 2 * math.log(0.05)
    told = torch.stack(
        [sum(model.terms(x, labels, torch.Generator().manual_seed(i)), start=torch.zeros(4)) for i in range(2000)]
    )
    gap = told.mean(0) + log_p
    assert gap.min() > -0.05 and gap.max() < 2, gap


def test_z_of_a_learned_prior_leads_to_the_code_and_back() -> None:
    model, (x, labels) = with_prior(linear(), by=0.15), data(5)
    assert model.prior is not None
    z = model.encode(x, labels)
    mean = posterior(model, x, labels).mean
    assert (z - mean).abs().max() > 0.05, "a prior that does nothing would be no test"
    (state,) = model.states(z, labels, Sampling())
    torch.testing.assert_close(state.x, mean @ weight().T)
    (cooler,) = model.states(z, labels, Sampling(temperature=0.5))
    torch.testing.assert_close(cooler.x, model.prior.inverse(0.5 * z, labels) @ weight().T)


def test_beta_weighs_the_divergence_alone() -> None:
    x, labels = data(20)
    told, kl = (part.mean() for part in linear().terms(x, labels, torch.Generator().manual_seed(0)))
    for beta in (0.0, 1.0, 7.0):
        loss = linear(beta=beta).loss("", x, labels, torch.Generator().manual_seed(0))
        torch.testing.assert_close(loss, told + beta * kl)


def test_bits_per_dim_are_the_bound_per_number_whatever_beta_was() -> None:
    x, labels = data(200)
    for beta in (1.0, 9.0):
        bits = linear(beta=beta).bits_per_dim(x, labels, torch.Generator().manual_seed(0), levels=0)
        own = -exact().log_prob(x) / 3 / math.log(2)
        assert bits.shape == (200,) and float((bits - own).mean()) == pytest.approx(0, abs=0.03)


def test_for_levels_the_decoder_gives_probabilities_so_that_all_levels_have_mass_one() -> None:
    """At a fixed z: p(level) of each of the 17, one number."""
    model = Vae((1,), width=8, latent=2).double().requires_grad_(False)
    x = torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None]
    model.encoder = Linear(torch.zeros(1, 2, dtype=torch.float64), wider=1e-9)
    told, _ = model.terms(x, torch.full((17,), -1), torch.Generator().manual_seed(0), 17)
    assert float((-told).exp().sum()) == pytest.approx(1, abs=1e-3)


def test_it_makes_the_decoder_s_mean_of_a_z_of_that_temperature() -> None:
    model, z = linear(), torch.ones(4, 2, dtype=torch.float64)
    (state,) = model.states(z, torch.full((4,), -1), Sampling(temperature=0.5))
    torch.testing.assert_close(state.x, 0.5 * z @ weight().T)
    assert state.x is state.x0_pred and state.evaluations == 1
    x, labels = data(5)
    torch.testing.assert_close(model.encode(x, labels), posterior(model, x, labels).mean)


@pytest.mark.slow
def test_a_learned_prior_lowers_the_bound() -> None:
    """Eight heaps: two numbers a code can be spread as N(0, I) only by tearing the heaps apart."""
    points = sets.get("gaussians")
    x, labels = points.held_out()
    bits = {}
    for couplings in (0, 6):
        learner = training_of("vae", points, Plan(600), {"latent": 2, "width": 32, "couplings": couplings})
        for _ in range(600):
            learner.learn()
        model = learner.averaged
        bits[couplings] = float(model.bits_per_dim(x, labels, torch.Generator().manual_seed(0), 0).mean())
    assert bits[6] < bits[0] - 0.05, bits


@pytest.mark.slow
def test_a_heavy_beta_makes_the_posterior_collapse_and_one_does_not() -> None:
    points = sets.get("gaussians")
    x, labels = (part[:500] for part in points.held_out())
    kl = {}
    for beta in (1.0, 300.0):
        learner = training_of("vae", points, Plan(250), {"latent": 2, "beta": beta, "width": 32})
        for _ in range(250):
            learner.learn()
        kl[beta] = float(learner.averaged.terms(x, labels, torch.Generator().manual_seed(0))[1].mean())
    assert kl[300.0] < 0.05 and kl[1.0] > 1, kl
