"""A flow is one invertible map: its inverse undoes it, and its log-determinant is that of the real Jacobian."""

import math
from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from pipelines.families import Sampling
from pipelines.families.flow import (
    ActNorm,
    Coupling,
    FlatCoupling,
    Flow,
    Invertible,
    Reshape,
    Rotation,
    Squeeze,
    Unsqueeze,
    squeeze,
)

M = TypeVar("M", bound=nn.Module)
SHAPES = ((2,), (3,), (1, 8, 8), (3, 32, 32))
LAYERS: dict[str, tuple[Callable[[], Invertible], tuple[int, ...]]] = {
    "actnorm of numbers": (lambda: ActNorm(3), (3,)),
    "actnorm of pictures": (lambda: ActNorm(2), (2, 3, 3)),
    "rotation of numbers": (lambda: Rotation(5), (5,)),
    "rotation of pictures": (lambda: Rotation(4), (4, 2, 2)),
    "the second half moved": (lambda: FlatCoupling(5, 2, 8, flip=False), (5,)),
    "the first half moved": (lambda: FlatCoupling(5, 2, 8, flip=True), (5,)),
    "channels moved": (lambda: Coupling(4, 2, 8), (4, 2, 2)),
    "reshape": (lambda: Reshape((1, 2, 3), (6,)), (1, 2, 3)),
    "squeeze": (lambda: Squeeze(), (2, 4, 4)),
    "unsqueeze": (lambda: Unsqueeze(2), (16, 1, 1)),
}


def draw(*size: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*size, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def perturbed(module: M, by: float = 0.1) -> M:
    """As if it had learned something: the last layers begin at 0, where scales and shifts say nothing."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return module.eval()


def flow(shape: tuple[int, ...], classes: int = 0, by: float = 0.1, **options: int) -> Flow:
    torch.manual_seed(0)
    return perturbed(Flow(shape, classes, **{"width": 16, "couplings": 4, **options}), by)


def labels(count: int) -> Tensor:
    return torch.arange(count) % 3 - 1


def logdet_of(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(N,): by autograd, one example at a time."""

    def one(example: Tensor) -> Tensor:
        jacobian = torch.autograd.functional.jacobian(lambda v: function(v[None])[0].flatten(), example)
        return torch.linalg.slogdet(jacobian.view(x[0].numel(), -1))[1]

    return torch.stack([one(example) for example in x])


@pytest.mark.parametrize("dtype, tolerance", ((torch.float32, 1e-4), (torch.float64, 1e-9)))
@pytest.mark.parametrize("shape", SHAPES)
def test_the_inverse_undoes_the_flow(shape: tuple[int, ...], dtype: torch.dtype, tolerance: float) -> None:
    model = flow(shape, classes=2, by=0.03).to(dtype)
    x, told = draw(6, *shape, dtype=dtype), labels(6)
    with torch.no_grad():
        z, _ = model(x, told)
        assert z.shape == x.shape and (z - x).abs().max() > 0.1, "a flow that does nothing would be no test"
        assert (model.inverse(z, told) - x).abs().max() < tolerance
        assert (model(model.inverse(x, told), told)[0] - x).abs().max() < tolerance * 10
        assert torch.equal(model.encode(x, told), z)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_tells_its_own_jacobian_and_is_undone(name: str) -> None:
    make, shape = LAYERS[name]
    torch.manual_seed(0)
    layer = make()
    assert isinstance(layer, nn.Module)
    layer = perturbed(layer.double(), 0.3)
    x, condition = draw(3, *shape), torch.eye(3, 2).double()
    with torch.no_grad():
        y, logdet = layer(x, condition)
    assert logdet.shape == (3,) and torch.allclose(layer.inverse(y, condition), x, atol=1e-12)
    for i in range(3):
        own = logdet_of(lambda v, i=i: layer(v, condition[i : i + 1])[0], x[i : i + 1])
        assert float(logdet[i]) == pytest.approx(float(own), abs=1e-10)


@pytest.mark.parametrize("shape", ((2,), (3,), (1, 4, 4), (2, 16, 16)))
def test_the_whole_flow_s_log_determinant_is_that_of_its_jacobian(shape: tuple[int, ...]) -> None:
    model = flow(shape, couplings=2).double()
    x = draw(2, *shape)
    _, logdet = model(x, labels(2) * 0)
    assert logdet.abs().max() > 0.05
    torch.testing.assert_close(logdet, logdet_of(lambda v: model(v, labels(1))[0], x), atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("by", (0.0, 0.1))
def test_its_density_has_mass_one_on_the_plane(by: float) -> None:
    model = flow((2,), by=by).double()
    axis = torch.linspace(-12, 12, 201, dtype=torch.float64)
    places = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        mass = model.log_prob(places, labels(1).expand(len(places))).exp().sum() * 0.12**2
    assert float(mass) == pytest.approx(1, abs=1e-3)


def test_untrained_it_is_the_normal_distribution() -> None:
    model, x = Flow((2,), width=8).double().eval(), draw(5, 2)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1)
    torch.testing.assert_close(model.log_prob(x, labels(5)), expected)


def test_the_first_batch_sets_the_normalisation_once() -> None:
    layer, x = ActNorm(3), 5 + 2 * draw(500, 3, 2, 2, dtype=torch.float32)
    nothing = x.new_zeros(500, 0)
    for_use = ActNorm(3).eval()
    assert torch.equal(for_use(x, nothing)[0], x) and not for_use.started, "what is only looked at sets nothing"
    y, _ = layer(x, nothing)
    flat = y.detach().transpose(0, 1).flatten(1)
    assert flat.mean(1).abs().max() < 1e-4 and (flat.std(1) - 1).abs().max() < 1e-3
    assert not torch.allclose(layer(x + 1, nothing)[0], y), "the second batch must not set it again"


def test_values_spread_evenly_over_levels_cost_what_naming_a_level_costs() -> None:
    """17 equally likely levels are log2 17 bits, and the bound of dequantising is exact for them."""
    levels = 17
    x = torch.randint(levels, (4000, 2), generator=torch.Generator().manual_seed(0)) * 2 / (levels - 1) - 1
    spread = 2 * levels / (levels - 1)  # from half a bin below the lowest level to half a bin above the highest

    class Even(Flow):
        def log_prob(self, x: Tensor, labels: Tensor) -> Tensor:
            inside = (x.abs() <= spread / 2 + 1e-6).all(1)
            return torch.where(inside, -2 * math.log(spread), -math.inf)

    made = Even((2,), width=8).bits_per_dim(x, labels(len(x)), torch.Generator().manual_seed(1), levels)
    torch.testing.assert_close(made, torch.full_like(made, math.log2(levels)))


def test_bits_of_continuous_data_are_the_density_s_own() -> None:
    model, x = flow((2,)), draw(5, 2, dtype=torch.float32)
    bits = model.bits_per_dim(x, labels(5), torch.Generator(), levels=0)
    torch.testing.assert_close(bits, -model.log_prob(x, labels(5)) / 2 / math.log(2))
    assert float(model.loss("", x, labels(5), torch.Generator()).detach()) == pytest.approx(
        float(bits.mean().detach()) * math.log(2), rel=1e-5
    )


def test_data_of_levels_is_learned_within_its_bins() -> None:
    """Each level's bin is filled evenly, so that no density can become infinite; continuous data stays as it is."""
    x = torch.linspace(-1, 1, 5).repeat(2000, 1)
    spread = Flow._dequantised(x, torch.Generator().manual_seed(0), 5) - x
    assert 0.249 < spread.abs().max() <= 0.25 and spread.mean().abs() < 0.01
    assert Flow._dequantised(x, torch.Generator(), 0) is x


@pytest.mark.parametrize("shape", SHAPES)
def test_its_states_lead_from_z_to_the_inverse_and_count_one_evaluation(shape: tuple[int, ...]) -> None:
    model, z = flow(shape, classes=2, by=0.03), draw(3, *shape, dtype=torch.float32)
    with torch.no_grad():
        states = list(model.states(z, labels(3), Sampling(temperature=0.5)))
        expected = model.inverse(0.5 * z, labels(3))
    assert all(state.x.shape == state.x0_pred.shape == z.shape for state in states)
    assert torch.equal(states[-1].x, expected) and torch.equal(states[-1].x0_pred, expected)
    assert [state.evaluations for state in states] == [0] * (len(states) - 1) + [1]
    assert 1 < len(states) <= 60


def test_a_state_between_is_laid_out_like_the_picture_that_it_becomes() -> None:
    """Untrained the couplings do nothing, and without rotations each state is z itself, in its own place."""
    model = Flow((3, 32, 32), width=8, couplings=1).eval()
    for layer in model.modules():
        if isinstance(layer, Rotation):
            channels = len(layer.lower)
            for factor in (layer.lower, layer.upper, layer.log_sizes):
                nn.init.zeros_(factor)
            layer.permutation.copy_(torch.eye(channels))
            layer.signs.fill_(1)
    z = draw(2, 3, 32, 32, dtype=torch.float32)
    assert all(torch.equal(state.x, z) for state in model.states(z, labels(2), Sampling()))


def test_squeezing_puts_neighbours_into_channels() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert squeeze(x)[0, :, 0, 0].tolist() == [0, 1, 4, 5]


def test_the_label_is_heeded() -> None:
    model, z = flow((2,), classes=2), draw(4, 2, dtype=torch.float32)
    first, second = (model.inverse(z, torch.full((4,), label)) for label in (0, 1))
    assert not torch.allclose(first, second)
