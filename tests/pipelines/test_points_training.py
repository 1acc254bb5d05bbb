"""A network learns the points: from noise to nearly the exact denoiser, in seconds, stopped and diverging too."""

import math

import pytest

from pipelines import registry
from pipelines.device import DeviceManager
from pipelines.errors import BadRequest
from pipelines.events import Event, Loss, Result, Snapshot, StopEarly
from pipelines.lab import points_training

TRAINING = registry.get("points-training")


def events_of(**values: object) -> list[Event]:
    request = TRAINING.request_type.parse({"count": 400, "num_inference_steps": 30} | values)
    devices = DeviceManager("cpu")
    try:
        return list(TRAINING.stream(request, devices))
    finally:
        devices.close()


def test_it_learns_what_it_was_shown_and_the_loss_hardly_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points_training, "EVERY_SECONDS", 0.2)
    events = events_of(training_steps=1500, data="moons", beta_schedule="cosine")
    first, *_, last = [e.values for e in events if isinstance(e, Snapshot)]
    assert first["nll"] > 100 and last["nll"] < last["nll_of_data"] + 1.2
    assert last["distance"] < last["distance_of_data"] + 0.15
    assert sum(last["error_by_t"]) < 0.1 * sum(first["error_by_t"])
    losses = [e.losses["loss"] for e in events if isinstance(e, Loss)]
    assert len(losses) == 1500 // points_training.EVERY_STEPS
    late = losses[len(losses) // 2 :]
    assert max(late) < 1.6 * min(late), "flat, although the samples still get better"
    assert isinstance(events[-1], Result) and len(events[-1].images) == 0


def test_the_loss_is_the_least_that_can_be_had_plus_the_error() -> None:
    *_, last = [e.values for e in events_of(training_steps=300) if isinstance(e, Snapshot)]
    for loss, least, error in zip(last["loss_by_t"], last["least_by_t"], last["error_by_t"], strict=True):
        assert loss == pytest.approx(least + error, abs=0.1 * math.sqrt(error) + 0.02)


def test_the_same_seed_learns_the_same() -> None:
    first, second = (events_of(training_steps=60, seed=5) for _ in range(2))
    assert [e for e in first if isinstance(e, Loss)] == [e for e in second if isinstance(e, Loss)]


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(BadRequest, match="the training diverged: .* Try a smaller learning_rate than 10"):
        events_of(training_steps=400, learning_rate=10.0)


def test_stopped_it_ends_with_what_it_has() -> None:
    devices = DeviceManager("cpu")
    stream = TRAINING.stream(TRAINING.request_type.parse({"training_steps": 20_000}), devices)
    seen = [next(stream) for _ in range(4)]
    assert any(isinstance(e, Snapshot) for e in seen)
    assert isinstance(stream.throw(StopEarly()), Result)  # type: ignore[attr-defined]
    devices.close()


def test_classes_are_refused_since_it_knows_none() -> None:
    with pytest.raises(BadRequest, match="knows no classes"):
        TRAINING.request_type.parse({"label": 1})
