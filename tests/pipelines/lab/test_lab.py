"""The lab's experiments: their numbers are those of the theory, and bad input ends in a sentence."""

import contextlib
import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from pipelines import lab, models
from pipelines.data import digits as digits_data
from pipelines.data import points as points_data
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease
from pipelines.diffusion.start import fitted
from pipelines.errors import BadRequest, NotFound
from pipelines.lab import digits, noised, orders, points, requests
from pipelines.lab.picture import picture_of
from pipelines.theory.betas import BETA_SCHEDULES, make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.samplers import SAMPLERS
from tests.embedded import SIDE

DDIM = {"sampler": "ddim"}
IDEAL = {"model": "ideal", "num_inference_steps": 40}


def ask(name: str, **values: Any) -> dict[str, Any]:
    experiment = lab.get(name)
    with contextlib.closing(DeviceManager()) as devices:
        return experiment.answer(experiment.request_type.parse(values), devices)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in lab.names() if name != "own-picture"])  # takes a model of one's own
def test_an_answer_is_numbers_and_pictures_and_the_same_again(name: str) -> None:
    values = {"digits": IDEAL, "bound": {"data": "moons", "num_train_timesteps": 20}, "guidance": PLACE}.get(name, {})
    first, second = ask(name, **values), ask(name, **values)
    pictures = {key for key, value in first.items() if isinstance(value, np.ndarray)}
    for key in pictures:
        assert first[key].dtype == np.uint8 and first[key].ndim == 4 and np.array_equal(first[key], second[key])
    own = {*pictures, "seconds"}  # how long it took is never twice the same
    plain = [{key: value for key, value in answer.items() if key not in own} for answer in (first, second)]
    assert json.dumps(plain[0], allow_nan=False) == json.dumps(plain[1], allow_nan=False)


def test_an_unknown_experiment_is_named() -> None:
    with pytest.raises(NotFound, match="unknown experiment 'nothing'; known are schedule"):
        lab.get("nothing")


@pytest.mark.parametrize("name", BETA_SCHEDULES)
def test_the_curves_are_those_of_the_process(name: str) -> None:
    answer = ask("schedule", beta_schedule=name, num_train_timesteps=400)
    process = DiffusionProcess(make_betas(name, 400))
    t = answer["t"]
    assert (t[0], t[1], t[-1]) == (0, int(round(400 / (len(t) - 1))), 400) and len(t) <= 120
    places = [step - 1 for step in t[1:]]  # of the process' tables
    assert answer["curves"]["alphas_cumprod"][1:] == pytest.approx(process.alphas_cumprod[places].tolist(), rel=1e-4)
    assert answer["curves"]["log_snr"][1:] == pytest.approx(process.log_snr[places].tolist(), rel=1e-4)
    total = [a**2 + b**2 for a, b in zip(answer["curves"]["signal"], answer["curves"]["noise"], strict=True)]
    assert total == pytest.approx([1.0] * len(t), abs=1e-4)


def test_steps_are_counted_as_in_the_papers() -> None:
    answer = ask("noised", t=500)
    assert answer["signal"] == pytest.approx(0.2803, abs=5e-5), "sqrt(abar_500) of arXiv:2006.11239, T = 1000"
    assert answer["steps"][0] == 0 and answer["steps"][-1] == 1000
    curves = ask("schedule", num_train_timesteps=100)["curves"]
    assert [curves[name][0] for name in ("signal", "noise", "alphas_cumprod")] == [1, 0, 1]
    assert curves["beta"][0] is curves["posterior_variance"][0] is curves["log_snr"][0] is None
    assert curves["beta"][1] == pytest.approx(1e-3) and curves["posterior_variance"][1] == 0
    process = DiffusionProcess(make_betas("linear", 100))
    beta, before, abar = process.betas[1], process.alphas_cumprod[0], process.alphas_cumprod[1]
    assert curves["posterior_variance"][2] == pytest.approx(float(beta * (1 - before) / (1 - abar)), rel=1e-4)


def test_no_step_is_drawn_where_nothing_of_the_signal_is_left() -> None:
    curves = ask("schedule", zero_snr=True)["curves"]
    assert curves["log_snr"][-1] is None and curves["signal"][-1] == 0
    assert all(value > -40 for value in curves["log_snr"][1:-1])


def test_the_gauges_warn_where_signal_is_left_and_not_elsewhere() -> None:
    assert not ask("schedule", beta_schedule="linear")["too_much_left"]
    assert ask("schedule", num_train_timesteps=50, beta_start=1e-4, beta_end=0.02)["too_much_left"], "unscaled betas"
    mended = ask("schedule", num_train_timesteps=50, beta_start=1e-4, beta_end=0.02, zero_snr=True)
    assert (mended["signal_left"], mended["prior_bits"], mended["too_much_left"]) == (0.0, 0.0, False)


def test_the_prior_term_is_that_of_the_bound() -> None:
    process = DiffusionProcess(make_betas("constant", 100, 0.01))
    draw = torch.Generator().manual_seed(0)
    x0 = torch.randn(4, 50_000, generator=draw, dtype=torch.float64)
    made = process.bound(lambda x, t: torch.zeros_like(x), x0, torch.zeros_like, levels=None, prediction_type="sample")
    answer = ask("schedule", beta_schedule="constant", num_train_timesteps=100, beta_start=0.01)
    assert answer["prior_bits"] == pytest.approx(float(made.prior.mean()), rel=0.02)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_train_timesteps": 1}, "num_train_timesteps must be 10 to 4000"),
        ({"num_train_timesteps": 5}, "num_train_timesteps must be 10 to 4000"),
        ({"num_train_timesteps": 5000}, "num_train_timesteps must be 10 to 4000"),
        ({"beta_end": 1}, "beta_end must be 0 to 0.999"),
        ({"beta_start": math.nan}, "finite"),
        ({"offset": math.nan}, "finite"),
        ({"offset": -0.1}, "offset must be 0 to 0.5; got -0.1."),
        ({"beta_schedule": "drawn"}, "at least two points"),
        ({"beta_schedule": "drawn", "curve": [[0.5, 0.1]]}, "at least two points"),
        ({"beta_schedule": "drawn", "curve": [[0, 0.1], [1, "x"]]}, "curve must be a number"),
        ({"beta_schedule": "drawn", "curve": [[0, 0.1, 3]]}, "points"),
        ({"beta_schedule": "drawn", "curve": 0.1}, "list of at most 64 points"),
        ({"beta_schedule": "drawn", "curve": [[0.001 * i, 0.1] for i in range(65)]}, "list of at most 64 points"),
    ],
)
def test_a_schedule_that_is_none_is_refused_with_a_sentence(values: dict, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        lab.get("schedule").request_type.parse(values)


def test_t_of_4000_is_fine_and_a_steep_one_of_10_too() -> None:
    assert ask("schedule", num_train_timesteps=4000)["t"][-1] == 4000
    assert len(ask("schedule", num_train_timesteps=10)["t"]) == 11


def test_a_picture_is_noised_as_the_formula_says() -> None:
    clean, noisy = ask("noised", t=0)["shown"][0], ask("noised", t=1000)["shown"][0]
    assert np.array_equal(clean, picture_of(noised.NoisedRequest.parse({})))
    strip = ask("noised", t=300)
    assert strip["signal"] ** 2 + strip["noise"] ** 2 == pytest.approx(1, abs=1e-4)
    assert np.array_equal(strip["strip"][0], clean) and np.array_equal(strip["strip"][-1], noisy)
    correlations = [np.corrcoef(clean.ravel(), picture.ravel())[0, 1] for picture in strip["strip"]]
    assert correlations == sorted(correlations, reverse=True) and abs(correlations[-1]) < 0.05


@pytest.mark.parametrize("t", [0, 37, 500, 1000])
def test_a_page_paints_the_same_from_the_picture_its_noise_and_two_numbers(t: int) -> None:
    base, whole, numbers = ask("noise"), ask("noised", t=t), ask("noised", t=t, numbers_only=True)
    high, low = base["noise"].astype(float)
    eps = ((high * 256 + low) / 0xFFFF * 2 - 1) * base["reach"]

    def painted(signal: float, noise: float) -> np.ndarray:
        x = signal * (base["clean"][0] / 127.5 - 1) + noise * eps
        return ((x.clip(-1, 1) + 1) * 127.5).round()

    assert not {"shown", "strip"} & set(numbers)
    assert abs(painted(numbers["signal"], numbers["noise"]) - whole["shown"][0]).max() <= 1
    for picture, signal, noise in zip(whole["strip"], numbers["signals"], numbers["noises"], strict=True):
        assert abs(painted(signal, noise) - picture).max() <= 1


def test_a_tick_of_a_slider_costs_a_few_kilobytes() -> None:
    sent = [ask("schedule", num_train_timesteps=1234), ask("noised", num_train_timesteps=1234, numbers_only=True)]
    assert sum(len(json.dumps(answer, separators=(",", ":"))) for answer in sent) < 8000


@pytest.mark.slow
@pytest.mark.parametrize("through", noised.THROUGH)
@pytest.mark.parametrize("t", [0, 250, 1000])
def test_latents_are_noised_as_the_formula_says_and_shown_by_the_model(through: str, t: int) -> None:
    asked = noised.NoisedRequest.parse({"space": "latents", "through": through, "t": t, "seed": 3, "strip": False})
    with contextlib.closing(DeviceManager()) as devices:
        answer = noised.answer(asked, devices)
        with lease(models.inspect(models.find(asked.model)), devices) as model:
            x0 = model.encode_picture(fitted(picture_of(asked), SIDE, SIDE)).double()
            noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
            abar = float(asked.process().alphas_cumprod[t - 1]) if t else 1.0
            x_t = (math.sqrt(abar) * x0 + math.sqrt(1 - abar) * noise).float()
            wanted = model.decode(x_t) if through == "decoder" else model.preview(x_t[None])[0]
    assert answer["shape"] == list(x0.shape) and answer["shown"].shape[0] == 1
    assert np.abs(answer["shown"][0].astype(int) - wanted).max() <= 1


def test_latents_drown_as_pixels_do_and_begin_as_the_decoded_picture() -> None:
    pixels, latents = ask("noised", t=0), ask("noised", t=0, space="latents")
    assert latents["strip"].shape == (8, SIDE, SIDE, 3) and pixels["strip"].shape == (8, 128, 128, 3)
    clean = fitted(pixels["shown"][0], SIDE, SIDE).ravel()
    correlations = [np.corrcoef(clean, picture.ravel())[0, 1] for picture in latents["strip"]]
    assert correlations[0] > 0.95 and abs(correlations[-1]) < 0.2
    assert [latents[name] for name in ("signal", "noise", "beta")] == [pixels[n] for n in ("signal", "noise", "beta")]


@pytest.mark.parametrize("space", noised.SPACES)
def test_the_strip_is_left_out_where_it_is_not_asked_for(space: str) -> None:
    whole, alone = ask("noised", t=300, space=space), ask("noised", t=300, space=space, strip=False)
    assert set(whole) - set(alone) == {"strip", "steps", "signals", "noises"}
    assert np.array_equal(whole["shown"], alone["shown"])


def test_a_t_beyond_the_schedule_is_its_last() -> None:
    assert ask("noised", t=3999, num_train_timesteps=100)["t"] == 100


@pytest.mark.slow
@pytest.mark.parametrize("name", points_data.POINTS)
def test_points_come_back_to_their_data(name: str) -> None:
    answer = ask("points", data=name, num_inference_steps=60, count=400)
    assert answer["nll"] == pytest.approx(np.mean(answer["nll_of_data"]), abs=0.35)
    assert answer["distance"] < 2 * np.mean(answer["distance_of_data"]) + 0.05
    assert np.shape(answer["back"]) == np.shape(answer["forward"]) == (61, 400, 2)
    assert np.shape(answer["x0_pred"]) == (60, 400, 2)
    assert np.shape(answer["field"]) == (60, answer["arrows"] ** 2, 2)
    assert len(answer["timesteps"]) == 61 and answer["timesteps"][0] == 0


def test_too_few_steps_are_not_called_better_than_data() -> None:
    """Their likelihood is, for they crowd at the modes; the share on no mode says what is wrong."""
    answer = ask("points", data="gaussians", num_inference_steps=20, count=1000)
    assert answer["nll"] < answer["nll_of_data"][0] < answer["nll_of_data"][1]
    assert answer["astray"] > 0.02 > 0.005 > answer["astray_of_data"][1]
    low, high = answer["distance_of_data"]
    assert 0 < low < high < 0.3


@pytest.mark.parametrize("name", points_data.POINTS)
def test_of_the_data_hardly_a_point_lies_astray_and_noise_does(name: str) -> None:
    data = points_data.get(name)
    x = data.sample(3000, torch.Generator().manual_seed(1))
    assert float(points_data.astray(x, data).double().mean()) < 0.003
    assert points_data.astray(x + 9, data).all()


def test_points_say_the_step_of_the_schedule_at_which_they_stand() -> None:
    answer = ask("points", num_train_timesteps=100, beta_end=0.1, num_inference_steps=100, count=10)
    assert answer["timesteps"] == list(range(101))
    process = DiffusionProcess(make_betas("linear", 100, beta_end=0.1))
    assert answer["sigmas"][100] == pytest.approx(float(process.sigmas[99]), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_brings_them_back(name: str) -> None:
    answer = ask("points", sampler=name, num_inference_steps=100, count=500, num_train_timesteps=1000)
    assert answer["distance"] < 0.3 and answer["nll"] < np.mean(answer["nll_of_data"]) + 0.5


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_guess_shown_is_what_the_denoiser_says_at_that_place(name: str) -> None:
    answer, data = ask("points", sampler=name, data="rings", count=50), points_data.get("rings")
    for state, guess, sigma in zip(answer["back"][1:], answer["x0_pred"], answer["sigmas"][1:], strict=True):
        if sigma > 0.1:  # below, the digits that are left out for the screen matter
            x = torch.tensor(state, dtype=torch.float64) * math.sqrt(1 + sigma**2)
            gap = data.denoise(x, sigma) - torch.tensor(guess, dtype=torch.float64)
            assert float(gap.abs().median()) < 0.003


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_a_step_back_is_the_posterior_of_the_process(name: str) -> None:
    process = DiffusionProcess(make_betas(name, 60))
    steps = [points.step_back(*pair) for pair in pairwise(process.sigmas[:50].tolist())]
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    for t, step in enumerate(steps, start=1):
        of_x0, variance, _ = process.q_posterior(one, zero, t)
        of_x, *_ = process.q_posterior(zero, one, t)
        wanted = {"x0": float(of_x0), "x": float(of_x), "deviation": math.sqrt(float(variance))}
        assert step == pytest.approx(wanted, rel=1e-4)
    assert points.step_back(0.0, 0.5) == {"x0": 1.0, "x": 0.0, "deviation": 0.0}


def test_one_step_does_not_bring_them_back_and_a_schedule_that_ends_early_neither() -> None:
    good = ask("points", num_inference_steps=60)["nll"]
    assert ask("points", num_inference_steps=1)["nll"] > good + 1
    early = ask("points", num_inference_steps=60, num_train_timesteps=50, beta_start=1e-4, beta_end=0.01)
    assert early["nll"] > good + 0.5


def test_a_class_is_that_class_and_guidance_overdoes_it() -> None:
    asked = {"label": 2, "num_inference_steps": 60}
    plain, strong = ask("points", **asked), ask("points", guidance_scale=4.0, **asked)
    means = points_data.get("gaussians").means  # type: ignore[attr-defined]
    nearest = torch.cdist(torch.tensor(plain["back"][0], dtype=torch.float64), means).argmin(1)
    assert (nearest == 2).float().mean() > 0.97
    spread = [np.std(answer["back"][0], axis=0).mean() for answer in (plain, strong)]
    assert spread[1] < spread[0]


PLACE: dict[str, Any] = {"data": "pinwheel", "label": 3, "x": 0.7, "y": -1.1, "sigma": 0.8}


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 3.0, 10.0])
def test_the_guided_score_lies_beyond_the_conditional_one_by_the_weight(weight: float) -> None:
    made = {name: np.array(v) for name, v in ask("guidance", guidance_scale=weight, **PLACE).items()}
    pushed = weight * (made["conditional"] - made["unconditional"])
    assert made["guided"] - made["unconditional"] == pytest.approx(pushed, abs=1e-9)
    assert np.abs(made["conditional"] - made["unconditional"]).max() > 0.1
    if weight == 1:
        assert (made["guided"] == made["conditional"]).all()


def test_the_three_scores_are_those_of_the_distribution_and_its_class() -> None:
    made, data = ask("guidance", **PLACE), points_data.get("pinwheel")
    sigma = PLACE["sigma"]
    x = torch.tensor([[PLACE["x"], PLACE["y"]]], dtype=torch.float64) * math.sqrt(1 + sigma**2)
    for name, of in (("unconditional", data), ("conditional", points.part_of(data, 3))):
        assert made[name] == pytest.approx((sigma * of.score(x, sigma))[0].tolist(), abs=1e-9)


def test_the_field_points_to_the_data() -> None:
    arrows = np.array(ask("points", num_inference_steps=20)["field"])[-1]
    places = points.grid().numpy()
    outer = np.linalg.norm(places, axis=1) > 2.5
    assert ((arrows * places).sum(1)[outer] < 0).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label": 9}, "label must be one of"),
        ({"data": "checkerboard", "label": 0}, "no classes"),
        ({"data": "drawn"}, "2 to 2000 points .*got 0"),
        ({"data": "drawn", "strokes": [[1, 1]]}, "2 to 2000 points .*got 1"),
        ({"data": "drawn", "strokes": [[1, 1], [1, 1]]}, "more than one place"),
        ({"count": 0}, "count must be 1 to 1000"),
    ],
)
def test_points_that_cannot_be_are_refused_with_a_sentence(values: dict, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        lab.get("points").request_type.parse(values)


def test_a_drawing_becomes_a_distribution() -> None:
    strokes = [[math.cos(a), math.sin(a)] for a in np.linspace(0, 6, 60)]
    answer = ask("points", data="drawn", strokes=strokes, num_inference_steps=50)
    assert answer["distance"] < 2 * np.mean(answer["distance_of_data"]) + 0.05


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("ddim", 1), ("heun", 2), ("dpmpp_2m", 2), ("unipc", 3)])
def test_the_orders_are_those_of_the_theory(name: str, order: int) -> None:
    assert ask("orders")["orders"][name] == pytest.approx(order, abs=0.2)
    assert set(ask("orders")["errors"]) == set(orders.DETERMINISTIC)


def test_the_ideal_denoiser_of_a_finite_set_draws_training_pictures() -> None:
    answer = ask("digits", **IDEAL, seed=3)
    assert max(answer["gaps"]) < 0.05 < answer["gap_of_data"]
    assert answer["read_as"] == answer["asked"] == list(range(10))
    assert np.abs(answer["x"][-1].astype(int) - answer["nearest"][0]).max() < 20


def test_every_row_shows_ten_digits_the_noise_first() -> None:
    answer = ask("digits", **IDEAL, label=7)
    assert answer["x"].shape == answer["x0"].shape == (26, 8, 80, 3) and answer["asked"] == [7] * 10
    assert answer["steps"][0] == 0 and answer["steps"][-1] == 40


def test_digits_by_ddim_with_eta_one_are_the_ancestral_ones_and_with_eta_zero_others() -> None:
    made = [ask("digits", **values, seed=5)["x"] for values in ({}, DDIM | {"eta": 1.0}, DDIM)]
    assert np.abs(made[0][-1].astype(int) - made[1][-1]).max() <= 1, "rounding of float32"
    assert np.abs(made[0][-1].astype(int) - made[2][-1]).max() > 50


@pytest.mark.parametrize("model", requests.MODELS)
@pytest.mark.parametrize("clip", [False, True])
def test_ddim_draws_what_was_asked_in_ten_steps(model: str, clip: bool) -> None:
    answer = ask("digits", model=model, clip_denoised=clip, num_inference_steps=10, **DDIM)
    assert sum(read == asked for read, asked in zip(answer["read_as"], answer["asked"], strict=True)) >= 8


def test_a_learned_variance_is_only_the_learned_model_s() -> None:
    for name in ("digits", "bound"):
        with pytest.raises(BadRequest, match="only the model 'learned'"):
            lab.get(name).request_type.parse({"model": "fixed", "variance": "learned_range"})
    with pytest.raises(BadRequest, match="only the model 'learned'"):
        lab.get("bound").request_type.parse({"data": "moons", "model": "learned", "variance": "learned_range"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussians", "checkerboard"])
def test_the_bound_of_the_exact_denoiser_lies_above_the_entropy(name: str) -> None:
    for steps in (50, 400):
        answer = ask("bound", data=name, num_train_timesteps=steps)
        assert answer["total"] == pytest.approx(sum(answer["terms"]) + answer["prior"], rel=1e-3)
        assert min(answer["totals"].values()) > answer["entropy"] - 0.02
    assert answer["totals"]["fixed_large"] < answer["totals"]["fixed_small"]


def test_who_has_learned_by_heart_is_surprised_by_other_pictures() -> None:
    answer = ask("bound", model="ideal")
    assert answer["total"] > answer["nothing"]


def test_digits_are_shown_as_ink_on_paper() -> None:
    row = digits.side_by_side(digits_data.load()[0][:3])
    assert row.shape == (8, 24, 3) and row[0, 0].tolist() == [255, 255, 255] and row.min() == 0
