"""The bound against closed forms, and against itself told in other words."""

import math

import pytest
import torch
from torch import Tensor

from pipelines.errors import BadRequest
from pipelines.theory.betas import make_betas
from pipelines.theory.bound import bound, normal_kl
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.reverse import VARIANCES

BITS = 1 / math.log(2)


def process(num_train_timesteps: int = 50, name: str = "linear") -> DiffusionProcess:
    return DiffusionProcess(make_betas(name, num_train_timesteps))


def gaussian(process: DiffusionProcess, s: float):
    """The ideal denoiser of N(0, s^2 I), as a model that predicts x0."""

    def model(x_t: Tensor, t: Tensor) -> Tensor:
        abar = process.alphas_cumprod[t][:, None]
        return x_t * abar.sqrt() * s**2 / (abar * s**2 + 1 - abar)

    return model


def draws(seed: int):
    generator = torch.Generator().manual_seed(seed)
    return lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype)


@pytest.mark.parametrize("s", (0.3, 1.0))
def test_with_fixed_small_a_term_is_the_loss_of_snr_times_the_squared_error(s: float) -> None:
    p, ideal = process(), gaussian(process(), s)
    x0 = s * torch.randn(4000, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    terms = bound(p, ideal, x0, draws(0), prediction_type="sample", levels=None).terms.mean(0)
    error = s**2 * (1 - p.alphas_cumprod) / (p.alphas_cumprod * s**2 + 1 - p.alphas_cumprod)  # of the ideal model
    expected = 0.5 * BITS * (p.snr[:-1] - p.snr[1:]) * error[1:]
    torch.testing.assert_close(terms[1:], expected, rtol=0.03, atol=0)


def test_the_prior_term_is_the_divergence_of_what_is_left_of_the_signal() -> None:
    p = process()
    x0 = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4)
    prior = bound(p, lambda x, t: x, x0, draws(0), levels=None).prior
    abar = p.alphas_cumprod[-1]
    expected = 0.5 * BITS * (abar * x0**2 - abar - (1 - abar).log()).mean(1)
    torch.testing.assert_close(prior, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variance", ("fixed_small", "fixed_large"))
def test_the_bound_lies_above_the_entropy_and_comes_closer_with_more_steps(variance: str) -> None:
    s = 0.5
    entropy = BITS * 0.5 * math.log(2 * math.pi * math.e * s**2)
    x0 = s * torch.randn(3000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    gaps = []
    for steps in (25, 200):
        p = process(steps)
        made = bound(p, gaussian(p, s), x0, draws(3), variance, "sample", levels=None)
        gaps.append(float(made.total.mean()) - entropy)
    assert 0 < gaps[1] < gaps[0]


def test_what_a_network_predicts_does_not_change_the_bound() -> None:
    p, x0 = process(), torch.randn(5, 3, 4, dtype=torch.float64).clamp(-1, 1)

    def model(kind: str):
        def predict(x_t: Tensor, t: Tensor) -> Tensor:
            a, b = (v[t].view(-1, 1, 1) for v in (p.alphas_cumprod.sqrt(), (1 - p.alphas_cumprod).sqrt()))
            guess = 0.5 * torch.tanh(x_t)
            eps = (x_t - a * guess) / b
            return {"sample": guess, "epsilon": eps, "v_prediction": a * eps - b * guess}[kind]

        return predict

    totals = [
        bound(p, model(kind), x0, draws(7), prediction_type=kind).total
        for kind in ("sample", "epsilon", "v_prediction")
    ]
    torch.testing.assert_close(totals[1], totals[0], rtol=1e-8, atol=0)
    torch.testing.assert_close(totals[2], totals[0], rtol=1e-8, atol=0)


@pytest.mark.parametrize("levels", (2, 17, 256))
def test_the_decoder_s_bins_add_up_to_one(levels: int) -> None:
    """With one step, L_0 is a distribution over the values that the data can take, whatever x_1 was."""
    p = DiffusionProcess(torch.tensor([0.3]))
    values = torch.linspace(-1, 1, levels, dtype=torch.float64)[:, None]
    x_1 = torch.tensor(0.37, dtype=torch.float64)

    def noise(x0: Tensor) -> Tensor:  # what takes every value to the same x_1
        return (x_1 - 0.7**0.5 * x0) / 0.3**0.5

    bits = bound(p, lambda x, t: torch.full_like(x, 0.2), values, noise, prediction_type="sample", levels=levels).terms
    assert float((2**-bits).sum()) == pytest.approx(1, abs=1e-9)


def test_learned_range_goes_from_the_small_variance_to_the_large_one() -> None:
    p, x0 = process(), torch.randn(4, 2, 3, dtype=torch.float64).clamp(-1, 1)

    def model(share: float):
        return lambda x, t: torch.cat([torch.zeros_like(x), torch.full_like(x, share)], dim=1)

    def terms(variance: str, share: float) -> Tensor:
        made = model(share) if variance == "learned_range" else (lambda x, t: torch.zeros_like(x))
        return bound(p, made, x0, draws(1), variance).terms[:, 1:]

    torch.testing.assert_close(terms("learned_range", -1.0), terms("fixed_small", 0))
    torch.testing.assert_close(terms("learned_range", 1.0), terms("fixed_large", 0))


def test_clipping_holds_the_guess_within_the_data_s_range() -> None:
    p, x0 = process(), torch.ones(2, 3, dtype=torch.float64)
    far, at_one = (lambda x, t: torch.full_like(x, 9.0)), (lambda x, t: torch.ones_like(x))
    clipped = bound(p, far, x0, draws(0), prediction_type="sample", clip_denoised=True)
    torch.testing.assert_close(clipped.total, bound(p, at_one, x0, draws(0), prediction_type="sample").total)


def test_values_far_out_have_a_finite_price() -> None:
    p, x0 = process(), torch.tensor([[-1.0, 1.0, 0.5]])
    made = bound(p, lambda x, t: torch.full_like(x, 3.0), x0, draws(0), prediction_type="sample")
    assert made.total.isfinite().all() and float(made.terms[0, 0]) > 100


def test_the_divergence_is_zero_only_between_equals() -> None:
    mean, log_variance = torch.tensor(0.3), torch.tensor(-2.0)
    assert float(normal_kl(mean, log_variance, mean, log_variance)) == 0
    assert float(normal_kl(mean, log_variance, mean + 0.1, log_variance)) > 0
    assert float(normal_kl(mean, log_variance, mean, log_variance + 0.1)) > 0


def test_choices_that_are_none_are_refused() -> None:
    p, x0 = process(), torch.zeros(1, 2)
    for bad in ({"variance": "huge"}, {"prediction_type": "score"}, {"levels": 1}):
        with pytest.raises(BadRequest, match=next(iter(bad))):
            p.bound(lambda x, t: x, x0, torch.randn_like, **bad)
    assert set(VARIANCES) == {"fixed_small", "fixed_large", "learned_range"}
