"""What the lessons tell is so, computed from the values with which they open (training: test_points_training)."""

import contextlib
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import lab
from pipelines.device.manager import DeviceManager

FILE = Path(__file__).parents[3] / "assets" / "lessons" / "lessons.json"
LESSONS = {lesson["name"]: lesson for lesson in json.loads(FILE.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    with contextlib.closing(DeviceManager()) as made:
        yield made


def ask(devices: DeviceManager, name: str, **values: Any) -> dict[str, Any]:
    """What the bench of that lesson answers."""
    experiment = lab.get(LESSONS[name]["bench"])
    return experiment.answer(experiment.request_type.parse(LESSONS[name]["values"] | values), devices)


def told(name: str) -> str:
    """The option that is right, and what is revealed."""
    lesson = LESSONS[name]
    return f"{lesson['options'][lesson['answer']]['en']} {lesson['reveal']['en']}"


def test_picture_and_noise_are_equally_strong_well_before_the_middle(devices: DeviceManager) -> None:
    answer = ask(devices, "noise")
    signal, noise = (np.array(answer["curves"][name]) for name in ("signal", "noise"))
    crossing = np.array(answer["t"])[np.argmax(noise > signal)]
    assert "cross near t = 260" in told("noise") and crossing == pytest.approx(260, abs=5)
    power = answer["curves"]["alphas_cumprod"]
    assert "half of the signal's power ᾱ is gone" in told("noise")
    assert power[answer["t"].index(crossing)] == pytest.approx(0.5, abs=0.015)


def test_fifty_steps_of_the_famous_betas_leave_most_of_the_signal(devices: DeviceManager) -> None:
    answer, own = ask(devices, "beta"), ask(devices, "beta", beta_end=0)
    assert "78 %" in told("beta") and answer["signal_left"] == pytest.approx(0.78, abs=0.005)
    assert answer["signal_left"] > answer["most_signal"] and own["signal_left"] < answer["signal_left"] / 4


def test_more_steps_help_and_a_second_order_method_more(devices: DeviceManager) -> None:
    lab_orders = lab.get("orders")
    orders = lab_orders.answer(lab_orders.request_type.parse({}), devices)["orders"]
    assert "Divides it by four" in told("steps")
    assert [round(orders[name]) for name in ("euler", "ddim", "heun", "dpmpp_2m")] == [1, 1, 2, 2]
    errors = lab_orders.answer(lab_orders.request_type.parse({}), devices)["errors"]
    assert "DDIM lies on Euler's line" in told("steps") and errors["ddim"] == pytest.approx(errors["euler"], rel=1e-6)
    few, many = (ask(devices, "steps", num_inference_steps=n)["distance"] for n in (5, 40))
    assert many < few


def test_guidance_crowds_the_samples_and_both_figures_say_so(devices: DeviceManager) -> None:
    plain, guided = ask(devices, "guidance"), ask(devices, "guidance", guidance_scale=4)
    assert "The negative log-likelihood and the distance both say it." in told("guidance")
    assert guided["distance"] > 2 * plain["distance"]
    gaps = [abs(answer["nll"] - np.mean(answer["nll_of_data"])) for answer in (plain, guided)]
    assert gaps[1] > 2 * gaps[0]


@pytest.mark.slow
@pytest.mark.parametrize("steps", [100, 1000])
def test_the_bound_stays_above_the_entropy_and_the_large_variance_pays_less(devices: DeviceManager, steps: int) -> None:
    answer = ask(devices, "bound", num_train_timesteps=steps)
    assert "the large variance pays less" in told("bound")
    assert answer["totals"]["fixed_small"] > answer["totals"]["fixed_large"] > answer["entropy"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_guidance_grows_in_the_noise_and_moves_the_guess_early(devices: DeviceManager, seed: int) -> None:
    answer = ask(devices, "share", seed=seed)
    shares = answer["guidance_share"]
    moved = np.abs(answer["guided"].astype(float) - 128).mean(axis=(1, 2, 3))
    assert "The largest part late, the most moved early" in told("share")
    assert all(before < now for before, now in pairwise(shares))
    assert "from about 1 % to about 30 %" in told("share")
    assert shares[0] == pytest.approx(0.01, abs=0.005) and shares[-1] == pytest.approx(0.3, abs=0.05)
    assert "σ falls from 157 to 0.3" in told("share")
    assert answer["sigmas"][0] == pytest.approx(157, abs=0.5) and answer["sigmas"][-2] == pytest.approx(0.3, abs=0.05)
    assert "almost twenty times as far" in told("share") and 15 < moved[0] / moved[-1] < 21
    assert moved[:4].min() > moved[5:].max()
