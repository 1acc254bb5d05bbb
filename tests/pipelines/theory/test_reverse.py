"""Steps of the reverse process: equal to diffusers' DDPM in all its variances, to its DDIM, and to our samplers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from torch import Tensor

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.theory.betas import make_betas, respaced, zero_terminal_snr
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.reverse import PREDICTION_TYPES, VARIANCES, Reverse, drawn_from
from pipelines.theory.samplers import SAMPLERS

T = 50


def guess(x: Tensor, t: Tensor) -> Tensor:
    """Any smooth function of both will do as a network."""
    made = torch.tanh(x * 1.3 + t[:, None, None, None] / T)
    return torch.cat([made, torch.sin(x)], dim=1)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("prediction_type", PREDICTION_TYPES)
@pytest.mark.parametrize("variance", VARIANCES)
def test_a_step_is_diffusers_ddpm(variance: str, prediction_type: str, clip: bool) -> None:
    betas = make_betas("linear", T)
    theirs = libs.diffusers().DDPMScheduler(
        T,
        trained_betas=betas.numpy(),
        variance_type=variance,
        prediction_type=prediction_type,
        clip_sample=clip,
    )
    learned = variance == "learned_range"
    model = guess if learned else lambda x, t: guess(x, t)[:, :3]
    ours = Reverse(DiffusionProcess(betas), model, variance, prediction_type, clip)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    for t in (T - 1, T // 2, 1, 0):
        noise = torch.Generator().manual_seed(t)
        told = torch.full((2,), t)
        wanted = theirs.step(model(x, told), t, x, generator=noise).prev_sample
        made = ours(x, t)
        drawn = torch.randn(x.shape, generator=torch.Generator().manual_seed(t), dtype=x.dtype)
        reached = made.mean + ((0.5 * made.log_variance).exp() * drawn if t else 0)
        torch.testing.assert_close(reached, wanted, rtol=0, atol=1e-5)  # its tables are float32


def test_sampling_with_the_small_variance_is_the_ddpm_sampler_and_ddim_with_eta_one() -> None:
    process = DiffusionProcess(make_betas("cosine", T))
    start = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(1)).double()
    draws = [torch.randn(start.shape, generator=torch.Generator().manual_seed(i)).double() for i in range(T)]

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return x / (1 + sigma**2)  # the ideal one of data N(0, I)

    def model(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = float(process.sigmas[int(t[0])])
        return denoise(x_t * (1 + sigma**2) ** 0.5, sigma)

    def drawing() -> Callable[[Tensor], Tensor]:
        noise = iter(draws)
        return lambda x: next(noise)

    *_, (_, ours, _) = Reverse(process, model, prediction_type="sample").sample(start, drawing())
    sigmas = torch.cat([process.sigmas.flip(0), torch.zeros(1)])
    scaled = start * (1 + sigmas[0] ** 2).sqrt()
    for name, eta in (("ddpm", 0.0), ("ddim", 1.0)):
        *_, last = SAMPLERS[name](denoise, scaled, sigmas, drawing(), eta)
        torch.testing.assert_close(ours, last.x, rtol=0, atol=1e-9)


def _ddim_of_diffusers(betas: Tensor, clip: bool, steps: int, spacing: str = "trailing") -> Any:
    theirs = libs.diffusers().DDIMScheduler(
        T, trained_betas=betas.numpy(), clip_sample=clip, set_alpha_to_one=True, timestep_spacing=spacing
    )
    theirs.alphas_cumprod = DiffusionProcess(betas).alphas_cumprod  # its own table is float32
    theirs.final_alpha_cumprod = theirs.alphas_cumprod.new_ones(())
    theirs.set_timesteps(steps)
    return theirs


def _smooth(x: Tensor, t: Tensor) -> Tensor:
    return 2 * guess(x, t)[:, :3]  # wide enough for clipping to matter


@pytest.mark.parametrize("steps", [1, 5, 25, T])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clip", [False, True])
def test_ddim_is_diffusers_with_eps_derived_from_the_clipped_guess(clip: bool, eta: float, steps: int) -> None:
    betas = make_betas("linear", T)
    theirs = _ddim_of_diffusers(betas, clip, steps)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    draws = [torch.randn(x.shape, generator=torch.Generator().manual_seed(i)).double() for i in range(steps)]
    wanted, clipped = [x], False
    for t, noise in zip(theirs.timesteps, draws, strict=True):
        made = _smooth(wanted[-1], t.expand(2))
        step = theirs.step(made, t, wanted[-1], eta=eta, use_clipped_model_output=clip, variance_noise=noise)
        clipped |= bool((step.pred_original_sample.abs() == 1).any())
        wanted.append(step.prev_sample)
    short, timesteps = respaced(betas, steps)
    assert timesteps.flip(0).tolist() == theirs.timesteps.tolist() and clipped == clip
    ours = Reverse(DiffusionProcess(short), _smooth, clip_denoised=clip)
    noise_fn = iter(draws)
    reached = [state for _, state, _ in ours.ddim(x, lambda _: next(noise_fn), eta, timesteps)]
    torch.testing.assert_close(reached, wanted[1:], rtol=0, atol=1e-9)


@pytest.mark.parametrize("steps", [1, 7, 20, T])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_ddim_with_eta_one_is_ancestral_sampling_by_the_small_variance(name: str, clip: bool, steps: int) -> None:
    betas, timesteps = respaced(make_betas(name, T), steps)
    reverse = Reverse(DiffusionProcess(betas), _smooth, "fixed_small", clip_denoised=clip)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    walks = [
        [state for _, state, _ in walk(x, drawn_from(torch.Generator().manual_seed(1)))]
        for walk in (
            lambda x, noise: reverse.sample(x, noise, timesteps),
            lambda x, noise: reverse.ddim(x, noise, 1.0, timesteps),
        )
    ]
    scale = max(float(state.abs().max()) for state in walks[0])  # unclipped, a wild guess grows
    torch.testing.assert_close(walks[1], walks[0], rtol=0, atol=1e-9 * scale)


def test_ddim_without_eta_draws_nothing() -> None:
    def refuse(like: Tensor) -> Tensor:
        raise AssertionError("noise was drawn")

    reverse = Reverse(DiffusionProcess(make_betas("linear", T)), _smooth)
    assert len(list(reverse.ddim(torch.ones(1, 3, 2, 2).double(), refuse))) == T


@pytest.mark.parametrize("steps", [1, 7, 20, T])
def test_a_respaced_process_has_the_noise_of_the_long_one_at_its_steps(steps: int) -> None:
    betas = make_betas("linear", T)
    short, timesteps = respaced(betas, steps)
    assert timesteps[-1] == T - 1 and len(short) == steps
    long = DiffusionProcess(betas).alphas_cumprod[timesteps]
    torch.testing.assert_close(DiffusionProcess(short).alphas_cumprod, long, rtol=1e-9, atol=0)


def test_every_step_of_a_respaced_process_tells_the_network_its_own_timestep() -> None:
    betas, timesteps = respaced(make_betas("linear", T), 10)
    told: list[int] = []

    def model(x: Tensor, t: Tensor) -> Tensor:
        told.append(int(t[0]))
        return torch.zeros_like(x)

    list(Reverse(DiffusionProcess(betas), model).sample(torch.zeros(1, 2), torch.zeros_like, timesteps))
    assert told == timesteps.flip(0).tolist()


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "cosine"])
def test_zero_terminal_snr_is_diffusers_and_leaves_nothing(name: str) -> None:
    betas = zero_terminal_snr(make_betas(name, 1000))
    theirs = rescale_zero_terminal_snr(make_betas(name, 1000).clone())
    torch.testing.assert_close(betas, theirs, rtol=0, atol=1e-9)
    process = DiffusionProcess(betas)
    assert process.alphas_cumprod[-1] == 0 and process.snr[-1] == 0
    noise = torch.randn(4, dtype=torch.float64)
    assert torch.equal(process.q_sample(torch.ones(4, dtype=torch.float64), 999, noise), noise)
    v = Reverse(process, lambda x, t: torch.zeros_like(x), prediction_type="v_prediction")(noise, 999)
    assert v.mean.isfinite().all() and v.log_variance.isfinite().all()


def test_what_gives_no_picture_is_refused_with_a_sentence() -> None:
    process = DiffusionProcess(zero_terminal_snr(make_betas("linear", 100)))
    with pytest.raises(BadRequest, match="zero terminal SNR"):
        Reverse(process, lambda x, t: x)
    with pytest.raises(BadRequest, match="variance must be one of"):
        Reverse(process, lambda x, t: x, "fixed_medium", "sample")
    with pytest.raises(BadRequest, match="num_inference_steps must be 1 to the 100"):
        respaced(make_betas("linear", 100), 101)
