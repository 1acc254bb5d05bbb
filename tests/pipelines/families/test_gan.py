"""The game of a GAN: where neither can win, what the penalty is of, and the search for a picture's z."""

import math

import pytest
import torch
from torch import Tensor, nn

from pipelines.families import Sampling
from pipelines.families.gan import CLASSIC, GAMES, Gan


class Slope(nn.Module):
    """A linear discriminator, (data, condition) -> (N, 1)."""

    def __init__(self, *slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return (x @ self.slope)[:, None]


class Shift(nn.Module):
    """z -> z + shift."""

    def __init__(self, *shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, z: Tensor) -> Tensor:
        return z + self.shift


def labels(count: int) -> Tensor:
    return torch.full((count,), -1)


def toy(slope: tuple[float, ...] = (0.0, 0.0), shift: tuple[float, ...] = (0.0, 0.0), **options) -> Gan:
    model = Gan((2,), width=8, latent=2, **options)
    model.discriminator, model.generator = Slope(*slope), Shift(*shift)
    return model


def noise(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def loss(model: Gan, part: str, x: Tensor) -> Tensor:
    return model.loss(part, x, labels(len(x)), torch.Generator().manual_seed(9))


def test_a_discriminator_that_cannot_tell_loses_log_two_and_teaches_nothing() -> None:
    for game, expected in zip(GAMES, (math.log(2), 2 * math.log(2)), strict=True):
        model = toy(shift=(3.0, 0.0), game=game)
        assert float(loss(model, "discriminator", noise(64)).detach()) == pytest.approx(expected)
        loss(model, "generator", noise(64)).backward()
        assert model.generator.shift.grad.abs().max() == 0, "a constant judge has no slope to climb"


@pytest.mark.parametrize("game", GAMES)
def test_where_made_equals_real_the_discriminator_cannot_win(game: str) -> None:
    """The real data is the generator's own distribution: no slope of the judge is better than none."""
    model = toy(game=game, penalty=0.0)
    loss(model, "discriminator", noise(200_000)).backward()
    assert model.discriminator.slope.grad.abs().max() < 0.01
    apart = toy(shift=(1.0, 0.0), game=game, penalty=0.0)
    loss(apart, "discriminator", noise(200_000)).backward()
    assert apart.discriminator.slope.grad[0] > 0.4, "where they differ, the judge learns to prefer the real"


@pytest.mark.parametrize("game", GAMES)
def test_the_generator_climbs_towards_what_is_judged_real(game: str) -> None:
    model = toy(slope=(1.0, 0.0), game=game)
    loss(model, "generator", noise(1000)).backward()
    push = model.generator.shift.grad
    assert push[0] < -0.2 and push[1].abs() < 1e-6


def test_the_losses_mirror_one_another_in_the_relativistic_game() -> None:
    """softplus(a) - softplus(-a) = a: what one loses on a pair more than the other is the judged gap."""
    model, x = toy(slope=(0.7, -0.2), shift=(0.5, 0.1), penalty=0.0), noise(500)
    gap = (model.judge(x, labels(500)) - model.judge(model.generate(noise(500, 9), labels(500)), labels(500))).mean()
    torch.testing.assert_close(loss(model, "generator", x) - loss(model, "discriminator", x), gap)


def test_the_penalty_of_a_linear_judge_is_its_squared_slope_on_both_sides() -> None:
    x = noise(50)
    with_it, without = (loss(toy(slope=(0.6, 0.8), penalty=p), "discriminator", x) for p in (0.5, 0.0))
    assert (with_it - without).item() == pytest.approx(0.5 / 2 * 2 * 1.0, rel=1e-5)
    assert loss(toy(slope=(0.6, 0.8), penalty=5.0, game=CLASSIC), "discriminator", x).item() == pytest.approx(
        loss(toy(slope=(0.6, 0.8), penalty=0.0, game=CLASSIC), "discriminator", x).item()
    ), "the first GANs had none"


def test_each_part_s_loss_moves_only_its_own_weights() -> None:
    model = Gan((2,), width=8, latent=2)
    loss(model, "discriminator", noise(8)).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert any(p.grad.abs().max() > 0 for p in model.discriminator.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("shape", ((2,), (1, 8, 8)))
def test_the_search_finds_the_z_of_what_the_generator_made_itself(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    model = Gan(shape, classes=2, width=32, latent=2).eval().requires_grad_(False)
    told = torch.tensor([0, 1, 0, 1])
    x = model.generate(noise(4), told)
    with torch.no_grad():  # as the page calls it
        z = model.encode(x, told)
        *_, again = model.states(z, told, Sampling())
    others = model.generate(noise(4, seed=5), told)
    found, chance = ((made - x).flatten(1).norm(dim=1) for made in (again.x, others))
    assert z.shape == (4, 2) and not z.requires_grad
    assert found.max() < 0.1 * chance.mean(), (found, chance)
    assert z.square().mean() < 9, "near base noise, not far outside of it"


def test_it_heeds_temperature_and_has_no_likelihood() -> None:
    model, z = toy(), noise(3)
    (state,) = model.states(z, labels(3), Sampling(temperature=0.0))
    assert state.x.abs().max() == 0 and state.evaluations == 1
    assert model.bits_per_dim(z, labels(3), torch.Generator(), 0) is None
