"""A network learns the points: from noise to nearly the exact denoiser, in seconds, stopped and diverging too."""

import math

import pytest
import torch
from torch import Tensor

from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadRequest
from pipelines.events import Event, Loss, Result, Snapshot, StopEarly
from pipelines.lab import points_bound, points_training
from pipelines.learning import pace

TRAINING = registry.get("points-training")


@pytest.fixture(autouse=True)
def first_and_last_snapshot_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock a slow machine takes many more snapshots than a fast one, each dearer than the steps between."""
    monkeypatch.setattr(pace, "EVERY_SECONDS", 1e6)


def events_of(**values: object) -> list[Event]:
    request = TRAINING.request_type.parse({"count": 400, "num_inference_steps": 30} | values)
    devices = DeviceManager("cpu")
    try:
        return list(TRAINING.stream(request, devices))
    finally:
        devices.close()


@pytest.mark.slow
def test_it_learns_what_it_was_shown_and_the_loss_hardly_tells() -> None:
    events = events_of(training_steps=1500, data="moons", beta_schedule="cosine")
    first, *_, last = [e.values for e in events if isinstance(e, Snapshot)]
    assert first["nll"] > 100 and last["nll"] < last["nll_of_data"][1] + 1.2
    assert last["distance"] < last["distance_of_data"][1] + 0.15
    assert sum(last["error_by_t"]) < 0.1 * sum(first["error_by_t"])
    losses = [e.losses["loss"] for e in events if isinstance(e, Loss)]
    assert len(losses) == 1500 // points_training.EVERY_STEPS
    late = losses[len(losses) // 2 :]
    assert max(late) < 1.6 * min(late), "flat, although the samples still get better"
    assert isinstance(events[-1], Result) and len(events[-1].images) == 0


@pytest.mark.slow
def test_the_loss_is_the_least_that_can_be_had_plus_the_error() -> None:
    *_, last = [e.values for e in events_of(training_steps=300) if isinstance(e, Snapshot)]
    for loss, least, error in zip(last["loss_by_t"], last["least_by_t"], last["error_by_t"], strict=True):
        assert loss == pytest.approx(least + error, abs=0.1 * math.sqrt(error) + 0.02)


@pytest.mark.slow
def test_the_same_seed_learns_the_same() -> None:
    first, second = (events_of(training_steps=60, seed=5) for _ in range(2))
    assert [e for e in first if isinstance(e, Loss)] == [e for e in second if isinstance(e, Loss)]


@pytest.mark.slow
def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(BadRequest, match="the training diverged: .* Try a smaller learning_rate than 10"):
        events_of(training_steps=400, learning_rate=10.0)


@pytest.mark.slow
def test_stopped_it_ends_with_what_it_has() -> None:
    devices = DeviceManager("cpu")
    stream = TRAINING.stream(TRAINING.request_type.parse({"training_steps": 20_000}), devices)
    seen = [next(stream) for _ in range(4)]
    assert any(isinstance(e, Snapshot) for e in seen)
    last = stream.throw(StopEarly())  # type: ignore[attr-defined]
    assert isinstance(last, Snapshot) and last.values["bound"]["learned"]["total"] > 0
    assert isinstance(next(stream), Result)
    devices.close()


def test_a_snapshot_that_cannot_be_sent_as_numbers_is_a_divergence() -> None:
    request = points_training.PointsTrainingRequest.parse({"count": 10, "num_inference_steps": 2})
    view = points_training.View(request, points_training.training_of(request))
    view.training.averaged.get_parameter("leave.weight").data.fill_(math.nan)
    with pytest.raises(BadRequest, match="the training diverged: what the network answers after step 0 is no number"):
        view.snapshot()


@pytest.mark.slow
@pytest.mark.parametrize(("timesteps", "in_all"), [(40, True), (101, False)])
def test_every_snapshot_of_few_timesteps_has_the_bound_and_the_last_one_always(
    monkeypatch: pytest.MonkeyPatch, timesteps: int, in_all: bool
) -> None:
    monkeypatch.setattr(pace.SnapshotPace, "due", lambda self: True)
    made = [e.values for e in events_of(training_steps=3, num_train_timesteps=timesteps) if isinstance(e, Snapshot)]
    assert [values["bound"] is not None for values in made] == [in_all, in_all, True]
    assert len(made[-1]["bound"]["learned"]["terms"]) == timesteps


@pytest.mark.slow
def test_what_is_learned_brings_the_bound_down_towards_that_of_the_ideal_denoiser() -> None:
    first, *_, last = [
        e.values["bound"] for e in events_of(training_steps=400, data="moons") if isinstance(e, Snapshot)
    ]
    assert first["ideal"] == last["ideal"], "on the same draws"
    assert last["ideal"]["total"] < last["learned"]["total"] < first["learned"]["total"]
    assert last["entropy"] < last["ideal"]["total"]
    assert last["learned"]["total"] == pytest.approx(sum(last["learned"]["terms"]) + last["prior"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussians", "checkerboard"])
def test_a_network_that_is_exact_costs_what_the_ideal_denoiser_costs(name: str) -> None:
    request = points_training.PointsTrainingRequest.parse({"data": name, "num_train_timesteps": 50})
    process, data = request.process(), request.distribution()
    whole = points_bound.PointsBound(data, process, seed=0)

    def exact(x_t: Tensor, t: Tensor) -> Tensor:
        sigma = float(process.sigmas[int(t[0])])
        x = x_t.double() * math.sqrt(1 + sigma**2)
        return (x - data.denoise(x, sigma)) / sigma

    ideal, learned = whole.ideal, whole.learned(exact)
    assert torch.allclose(learned.terms[:, 1:], ideal.terms[:, 1:], rtol=1e-3, atol=1e-4)
    steps = process.snr[:-1] - process.snr[1:]
    gaps = learned.terms[:, 1:] * 2 * math.log(2) / steps  # |x0 - x0_pred|^2 per dimension, as L_t is made of it
    assert (gaps > -1e-9).all() and gaps[:, -1].mean() == pytest.approx(1, abs=0.15), "at the end nothing is known"


@pytest.mark.slow
def test_where_epsilon_gives_no_x0_the_training_goes_on_and_says_why_it_has_no_bound() -> None:
    *_, last = [e.values for e in events_of(training_steps=60, zero_snr=True) if isinstance(e, Snapshot)]
    assert set(last["bound"]) == {"refused"} and "switch zero terminal SNR off" in last["bound"]["refused"]


@pytest.mark.parametrize("strokes", [[], [[0.5, 0.5]], [[0.5, 0.5]] * 3])
def test_a_drawing_without_two_places_is_refused_with_a_sentence(strokes: list) -> None:
    with pytest.raises(BadRequest, match="a drawing must have"):
        TRAINING.request_type.parse({"data": "drawn", "strokes": strokes})


def test_classes_are_refused_since_it_knows_none() -> None:
    with pytest.raises(BadRequest, match="knows no classes"):
        TRAINING.request_type.parse({"label": 1})
