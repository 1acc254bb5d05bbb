"""Diffusion and flow matching with the exact network of Gaussian data: every step then has a closed form."""

import math

import pytest
import torch
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.diffusion import INVERTED, NUM_TRAIN_TIMESTEPS, Diffusion, FlowMatching
from pipelines.theory.process import vp_scale

BOTH = (Diffusion, FlowMatching)
S = 0.5
"""The data's deviation."""
NO_LABEL = -1


class IdealV(nn.Module):
    """E[v | x_t] for data N(0, s^2 I) under DDPM's forward process, by the model's own timesteps."""

    def __init__(self, process, s: float = S) -> None:
        super().__init__()
        self.process, self.s, self.calls = process, s, 0

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        self.calls += 1
        level = t.double() * (NUM_TRAIN_TIMESTEPS - 1)
        below = level.floor().long().clamp(max=NUM_TRAIN_TIMESTEPS - 2)
        log_snr = torch.lerp(self.process.log_snr[below], self.process.log_snr[below + 1], level - below)
        abar = torch.sigmoid(log_snr).view(-1, *[1] * (x_t.ndim - 1))
        a, b = abar.sqrt(), (1 - abar).sqrt()
        return (x_t * a * b * (1 - self.s**2) / (abar * self.s**2 + 1 - abar)).to(x_t)


class IdealVelocity(nn.Module):
    """E[eps - x0 | x_t] for data N(0, s^2 I) on straight lines."""

    def __init__(self, s: float = S) -> None:
        super().__init__()
        self.s, self.calls = s, 0

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        self.calls += 1
        t = t.view(-1, *[1] * (x_t.ndim - 1))
        return x_t * (t - (1 - t) * self.s**2) / ((1 - t) ** 2 * self.s**2 + t**2)


class TwoClasses(nn.Module):
    """A network that says something else with each label, and without."""

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return 0.1 * x_t + labels.to(x_t).view(-1, *[1] * (x_t.ndim - 1))


def ideal(family: type, shape: tuple[int, ...] = (2,), s: float = S):
    model = family(shape, width=8).eval()
    model.network = IdealV(model.process, s) if family is Diffusion else IdealVelocity(s)
    return model


def draw(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def labels(count: int) -> Tensor:
    return torch.full((count,), NO_LABEL)


def last(model, z: Tensor, how: Sampling) -> State:
    with torch.no_grad():
        *_, state = model.states(z, labels(len(z)), how)
    return state


def exact(model, z: Tensor, sigma: float, steps: int) -> Tensor:
    """x(sigma) of the probability flow that starts from z at the first noise level."""
    start = float(model.sigmas(steps)[0])
    return z * start * math.sqrt((S**2 + sigma**2) / (S**2 + start**2))


@pytest.mark.parametrize("family", BOTH)
def test_its_denoiser_is_the_exact_one_when_its_network_is(family: type) -> None:
    model, x = ideal(family), draw(5, 2)
    for sigma in (0.05, 0.7, 20.0):
        x0_pred = model.denoiser(labels(5))(x, sigma)
        torch.testing.assert_close(x0_pred, x * S**2 / (S**2 + sigma**2), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("family", BOTH)
def test_gaussian_data_is_sampled_with_order_one(family: type) -> None:
    model, z = ideal(family), draw(50, 2)
    counts = (12, 25, 50, 100) if family is Diffusion else (25, 50, 100, 200)
    errors = [float((last(model, z, Sampling(n)).x / exact(model, z, 0.0, n) - 1).abs().max()) for n in counts]
    slopes = [math.log2(a / b) for a, b in zip(errors, errors[1:], strict=False)]
    assert errors[-1] < 0.03 and all(0.7 < slope < 1.35 for slope in slopes), (errors, slopes)


@pytest.mark.parametrize("family", BOTH)
def test_states_follow_the_curve_in_the_family_s_own_form(family: type) -> None:
    steps = 100 if family is Diffusion else 400
    model, z = ideal(family), draw(20, 2)
    sigmas = model.sigmas(steps).tolist()
    with torch.no_grad():
        states = list(model.states(z, labels(20), Sampling(steps)))
    assert len(states) == steps
    for sigma, state in list(zip(sigmas[1:], states, strict=True))[:: steps // 10]:
        expected = model.own_form(exact(model, z, sigma, steps), sigma)
        assert (state.x / expected - 1).abs().max() < 0.05
    assert torch.equal(states[-1].x, states[-1].x0_pred), "at sigma 0 the state is the guess itself"


@pytest.mark.parametrize("family", BOTH)
def test_its_noise_levels_fall_to_zero(family: type) -> None:
    for steps in (1, 2, 7, 20, 100):
        sigmas = family((2,), width=8).sigmas(steps)
        assert len(sigmas) == steps + 1 and sigmas[0] > 75 and sigmas[-1] == 0
        assert (sigmas[1:] < sigmas[:-1]).all(), "two equal levels would be a step to nowhere"


def test_own_forms_are_those_of_the_papers() -> None:
    x0, eps, sigma = draw(3, 2), draw(3, 2, seed=1), 0.75
    ddpm, straight = (family((2,), width=8).own_form(x0 + sigma * eps, sigma) for family in BOTH)
    abar = vp_scale(sigma) ** 2
    torch.testing.assert_close(ddpm, math.sqrt(abar) * x0 + math.sqrt(1 - abar) * eps)
    t = sigma / (1 + sigma)
    torch.testing.assert_close(straight, (1 - t) * x0 + t * eps)


@pytest.mark.parametrize("family", BOTH)
def test_the_ideal_network_s_loss_is_what_cannot_be_known(family: type) -> None:
    """Var[v | x_t], averaged over t; any other network's is larger."""
    model, s2 = ideal(family), S**2
    if family is Diffusion:
        abar = model.process.alphas_cumprod
        expected = float((s2 / (abar * s2 + 1 - abar)).mean())
    else:
        t = torch.sigmoid(draw(200_000))
        expected = float((s2 / ((1 - t) ** 2 * s2 + t**2)).mean())
    x = S * draw(100_000, 2, seed=3)
    loss = float(model.loss("", x, labels(len(x)), torch.Generator().manual_seed(4)))
    assert loss == pytest.approx(expected, rel=0.01)
    worse = ideal(family, s=0.8 * S)
    assert float(worse.loss("", x, labels(len(x)), torch.Generator().manual_seed(4))) > 1.01 * loss


@pytest.mark.parametrize("family", BOTH)
def test_there_and_back_leads_home(family: type) -> None:
    """encode ends in base noise, of unit deviation; its own steps lead back from it, and fewer or more come near."""
    model, x = ideal(family), S * draw(500, 2)
    with torch.no_grad():
        z = model.encode(x, labels(500))
    assert float(z.std()) == pytest.approx(1, abs=0.06)
    errors = {n: float((last(model, z, Sampling(n)).x - x).square().mean().sqrt()) / S for n in (5, 15, INVERTED)}
    assert errors[5] > errors[15] > errors[INVERTED] and errors[INVERTED] < 0.015, errors


def test_the_density_along_straight_lines_is_the_gaussian_s_own() -> None:
    model, x = ideal(FlowMatching), S * draw(2000, 2)
    own = -torch.distributions.Normal(0.0, S).log_prob(x).mean(1) / math.log(2)
    bits = model.bits_per_dim(x, labels(len(x)), torch.Generator(), 0)
    assert float((bits - own).abs().mean()) < 0.005 and float((bits - own).abs().max()) < 0.06, "point by point"


def test_the_ideal_network_s_bound_is_its_closed_form() -> None:
    """L_t = (SNR(t - 1) - SNR(t)) / 2 of the error that remains, the decoder's term, and what is left at the end."""
    model = ideal(Diffusion)
    process, x = model.process, draw(10_000, 2)
    x = S * x / x.square().mean().sqrt()
    abar, snr = process.alphas_cumprod, process.snr
    error = S**2 * (1 - abar) / (abar * S**2 + 1 - abar)
    variance = process.betas[1] * (1 - abar[0]) / (1 - abar[1])
    decoder = 0.5 * (math.log(2 * math.pi) + variance.log() + error[0] / variance)
    prior = 0.5 * (abar[-1] * S**2 - abar[-1] - (1 - abar[-1]).log())
    nats = decoder + 0.5 * ((snr[:-1] - snr[1:]) * error[1:]).sum() + prior
    bits = model.bits_per_dim(x, labels(len(x)), torch.Generator().manual_seed(5), 0)
    assert float(bits.mean()) == pytest.approx(float(nats) / math.log(2), abs=0.03)


def test_levels_cost_what_a_gaussian_gives_to_their_bins() -> None:
    """The bound by noise lies above -log2 of the bin's own mass, by little where the density is even across a bin."""
    model, levels, deviation = ideal(FlowMatching), 17, S
    known = torch.linspace(-1, 1, levels, dtype=torch.float64)
    mass = torch.distributions.Normal(0.0, deviation).log_prob(known).exp() * 2 / (levels - 1)
    entropy = float(-(mass / mass.sum() * mass.log2()).sum())
    places = torch.multinomial(mass, 4000, replacement=True, generator=torch.Generator().manual_seed(3))
    bits = model.bits_per_dim(known[places].view(-1, 2), labels(2000), torch.Generator().manual_seed(4), levels)
    assert entropy - 0.02 < float(bits.mean()) < entropy + 0.15


def test_the_likelihood_of_large_pictures_is_not_computed_by_flow_matching() -> None:
    x = draw(2, 1, 8, 8).float()
    assert FlowMatching((3, 32, 32), width=8).bits_per_dim(x, labels(2), torch.Generator(), 32) is None
    bits = Diffusion((1, 8, 8), width=8).bits_per_dim(x.clamp(-1, 1), labels(2), torch.Generator(), 17)
    assert bits.shape == (2,) and bits.isfinite().all()


@pytest.mark.parametrize("family", BOTH)
@pytest.mark.parametrize("k", (0, 1, 3))
def test_closing_the_stream_after_k_steps_makes_at_most_k_and_one_calls(family: type, k: int) -> None:
    model = ideal(family)
    states = model.states(draw(2, 2), labels(2), Sampling(20))
    for _ in range(k):
        next(states)
    states.close()
    assert model.network.calls <= k + 1


@pytest.mark.parametrize("family", BOTH)
@pytest.mark.parametrize("guidance_scale", (1.0, 3.0))
def test_it_tells_how_often_it_asked_its_network(family: type, guidance_scale: float) -> None:
    model = ideal(family)
    state = last(model, draw(2, 2), Sampling(7, guidance_scale))
    assert state.evaluations == model.network.calls == (7 if guidance_scale == 1 else 14)


@pytest.mark.parametrize("family", BOTH)
def test_guidance_goes_from_the_unconditional_through_the_conditional_prediction(family: type) -> None:
    model = family((2,), classes=3, width=8).eval()
    model.network = TwoClasses()
    x, told = draw(4, 2), torch.tensor([0, 1, 2, 1])
    plain, without = model.predict(x, 2.0, told), model.predict(x, 2.0, labels(4))
    for scale, expected in ((0.0, without), (1.0, plain), (3.0, without + 3 * (plain - without))):
        torch.testing.assert_close(model.denoiser(told, scale)(x, 2.0), expected)
    assert (plain - without).abs().min() > 0.1


@pytest.mark.parametrize("family", BOTH)
def test_some_labels_are_hidden_while_it_learns(family: type) -> None:
    model = family((2,), classes=3, width=8)
    told = torch.arange(3).repeat(4000)
    seen = model._untold(told, torch.Generator().manual_seed(0))
    hidden = seen == NO_LABEL
    assert float(hidden.float().mean()) == pytest.approx(0.1, abs=0.01) and torch.equal(seen[~hidden], told[~hidden])


@pytest.mark.parametrize("family", BOTH)
def test_temperature_is_the_deviation_of_z(family: type) -> None:
    model, z = ideal(family), draw(4, 2)
    torch.testing.assert_close(last(model, z, Sampling(10, temperature=0.5)).x, last(model, 0.5 * z, Sampling(10)).x)
