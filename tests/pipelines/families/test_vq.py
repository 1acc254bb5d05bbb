"""Pictures as tokens: z decides every token, the prior looks back only, and no code lies idle for long."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipelines.data import sets
from pipelines.families import Sampling
from pipelines.families.learning import base_noise
from pipelines.families.vq import COMMITMENT, Autoencoder, Prior, Vq

CODES, GRID, CLASSES = 12, 4, 3


def vq(**options: Any) -> Vq:
    torch.manual_seed(0)
    small = {"width": 16, "codes": CODES, "grid": GRID, "prior_width": 16, **options}
    model = Vq((1, 8, 8), CLASSES, **small).eval().requires_grad_(False)
    for parameter in model.prior.parameters():
        parameter += 0.2 * torch.randn(parameter.shape)  # so that tokens, places and labels all matter
    return model


def labels(count: int) -> Tensor:
    return torch.arange(count) % (CLASSES + 1) - 1


def tokens(count: int, codes: int = CODES) -> Tensor:
    return torch.randint(codes, (count, GRID**2), generator=torch.Generator().manual_seed(0))


class Fixed(nn.Module):
    """A prior whose every place has the same probabilities, whatever came before."""

    def __init__(self, *shares: float) -> None:
        super().__init__()
        self.logits = torch.tensor(shares).log()

    def forward(self, tokens: Tensor, labels: Tensor) -> Tensor:
        return self.logits.expand(*tokens.shape, -1)


def drawn_tokens(model: Vq, z: Tensor, told: Tensor, how: Sampling = Sampling()) -> Tensor:  # noqa: B008
    """What `states` hands to the decoder at last."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            model.autoencoder, "decode", lambda t: seen.append(t.clone()) or t.new_zeros(len(t), 1, 8, 8).float()
        )
        list(model.states(z, told, how))
    return seen[-1]


def test_a_token_changes_what_comes_after_it_and_nothing_before() -> None:
    prior = vq().prior
    known, told = tokens(2), labels(2)
    before = prior(known, told)
    for place in (0, 5, 14):
        other = known.clone()
        other[:, place] = (other[:, place] + 1) % CODES
        change = (prior(other, told) - before).abs().amax((0, 2))
        assert change[: place + 1].max() == 0, "a token must not be seen at its own place, nor before it"
        assert change[place + 1 :].min() > 1e-5, "every later place sees it"


def test_the_prior_heeds_the_label() -> None:
    prior, known = vq().prior, tokens(1).expand(CLASSES + 1, -1)
    logits = prior(known, labels(CLASSES + 1))
    assert torch.cdist(logits[:, 0], logits[:, 0]).fill_diagonal_(1).min() > 1e-3


def test_encoding_gives_a_z_that_is_drawn_as_the_same_tokens() -> None:
    model, x = vq(), sets.get("digits").held_out()[0][:20]
    told, own = labels(20), model.autoencoder.tokens(x)
    assert len(own.unique()) > 2
    z = model.encode(x, told)
    assert z.shape == (20, *model.z_shape) and z.dtype == torch.float32
    assert torch.equal(drawn_tokens(model, z, told), own)
    *_, last = model.states(z, told, Sampling())
    torch.testing.assert_close(last.x, model.autoencoder.decode(own))


@pytest.mark.parametrize("rare", (1e-4, 1e-7))
def test_even_a_token_that_is_hardly_ever_drawn_comes_back(rare: float) -> None:
    """Its share of base noise is narrower than the steps of single precision."""
    model = vq(codes=3)
    for shares in ((1 - 2 * rare, rare, rare), (rare, rare, 1 - 2 * rare), (rare, 1 - 2 * rare, rare)):
        model.prior = Fixed(*shares)
        wanted = tokens(4, codes=3)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model.autoencoder, "tokens", lambda _, wanted=wanted: wanted)
            z = model.encode(torch.zeros(4, 1, 8, 8), labels(4))
        assert torch.equal(drawn_tokens(model, z, labels(4)), wanted)


def test_tokens_are_drawn_as_often_as_the_prior_says() -> None:
    model, shares = vq(codes=4), (0.5, 0.3, 0.15, 0.05)
    model.prior = Fixed(*shares)
    z = base_noise(model, 0, 2000)
    counts = drawn_tokens(model, z, labels(2000)).flatten().bincount(minlength=4)
    expected = torch.tensor(shares) * counts.sum()
    assert float(((counts - expected) ** 2 / expected).sum()) < 16.3, "chi-square of 3 degrees, one in a thousand"
    cold = drawn_tokens(model, z, labels(2000), Sampling(temperature=0.5)).flatten().bincount(minlength=4)
    sharper = torch.tensor(shares).square() / torch.tensor(shares).square().sum()
    torch.testing.assert_close(cold / cold.sum(), sharper, atol=0.02, rtol=0)
    coldest = drawn_tokens(model, z[:50], labels(50), Sampling(temperature=0.0))
    assert (coldest == 0).all(), "at last only the likeliest"


@pytest.mark.slow
def test_the_chance_of_a_token_follows_the_tokens_before_it() -> None:
    """The second token's frequencies are the prior's, given the first that was drawn."""
    model = vq(codes=3)
    told = torch.zeros(1500, dtype=torch.long)
    got = drawn_tokens(model, base_noise(model, 0, 1500), told)
    for first in got[:, 0].unique():
        chosen = got[:, 0] == first
        expected = model.prior(got[chosen][:1], told[:1])[0, 1].softmax(0)
        counted = got[chosen, 1].bincount(minlength=3) / chosen.sum()
        assert (counted - expected).abs().max() < 4 * 0.5 / float(chosen.sum()) ** 0.5


def test_a_picture_appears_token_by_token_in_reading_order() -> None:
    model, told = vq(), labels(2)
    states = list(model.states(base_noise(model, 0, 2), told, Sampling()))
    assert [state.evaluations for state in states] == list(range(1, GRID**2 + 1))
    for place, state in enumerate(states):
        blank = (state.x == -1).view(2, GRID, 2, GRID, 2).all(4).all(2)[0].flatten()
        assert blank.tolist() == [i > place for i in range(GRID**2)]
        assert state.x.shape == state.x0_pred.shape == (2, 1, 8, 8)
    assert torch.equal(states[-1].x, states[-1].x0_pred)


def test_what_is_not_drawn_yet_is_guessed_to_be_the_commonest_token() -> None:
    model, seen = vq(), []
    model.autoencoder.used[7] = 0.9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.autoencoder, "decode", lambda t: seen.append(t) or t.new_zeros(len(t), 1, 8, 8).float())
        next(model.states(base_noise(model, 0, 2), labels(2), Sampling()))
    assert (seen[0][:, 1:] == 7).all()


def autoencoder() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder((1, 8, 8), width=16, codes=CODES, grid=GRID)


def digits() -> Tensor:
    return sets.get("digits").training()[0][:32]


def test_the_picture_s_error_reaches_the_encoder_straight_through_the_choice() -> None:
    model, x = autoencoder(), digits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.families.vq.COMMITMENT", 0.0)
        model.loss(x, torch.Generator().manual_seed(0)).backward()
    slopes = [p.grad.abs().max() for p in model.encoder.parameters() if p.grad is not None]
    assert max(slopes) > 1e-5, "with no commitment to pull at it, the error itself must"
    assert model.codebook.grad.abs().max() > 0


def test_the_loss_is_the_error_of_the_quantised_picture_and_the_two_pulls() -> None:
    model, x = autoencoder(), digits()
    features, own = model.features(x), model.tokens(x)
    codes = 4 * nn.functional.normalize(model.codebook, dim=1)[own].view_as(features)
    expected = (model.decode(own) - x).square().mean() + (1 + COMMITMENT) * (features - codes).square().mean()
    torch.testing.assert_close(model.loss(x, torch.Generator().manual_seed(0)), expected)


def test_the_token_is_that_of_the_nearest_code() -> None:
    model, x = autoencoder(), digits()
    codes = 4 * nn.functional.normalize(model.codebook, dim=1)
    assert torch.equal(torch.cdist(model.features(x).flatten(0, 2), codes).argmin(1), model.tokens(x).flatten())


def test_a_code_that_lies_idle_is_put_where_data_is() -> None:
    model, x = autoencoder(), digits()
    idle = model.tokens(x).flatten().bincount(minlength=CODES) == 0
    assert idle.any()
    model.used[idle] = 1e-9
    busy, before = ~idle, model.codebook.detach().clone()
    model.loss(x, torch.Generator().manual_seed(0))
    assert torch.equal(model.codebook[busy], before[busy]), "those in use stay where they are"
    gaps = torch.cdist(model.codebook[idle], model.features(x).flatten(0, 2)).min(1).values
    assert gaps.max() < 0.02 and (model.used[idle] > 0.5 / CODES).all()


def test_use_is_counted_as_shares_of_all_places() -> None:
    model, x = autoencoder(), digits()
    shares = model.tokens(x).flatten().bincount(minlength=CODES) / (len(x) * GRID**2)
    model.loss(x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.used, 0.99 / CODES + 0.01 * shares)
    assert float(model.used.sum()) == pytest.approx(1, abs=1e-5)


def test_it_has_no_likelihood() -> None:
    assert vq().bits_per_dim(digits(), labels(32), torch.Generator(), 17) is None
    assert isinstance(vq().prior, Prior)
