"""The one loop: it learns, tells how it goes, heeds what is asked of it, and fails with a sentence and its weights."""

import copy
import math
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipelines.errors import BadFile, BadRequest
from pipelines.learning import rates, training
from pipelines.learning.checkpoints import Checkpoints
from pipelines.learning.events import Paused, Report, Resumed, SampleDue, Saved
from pipelines.learning.moments import Moment
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson
from pipelines.learning.training import Training
from pipelines.learning.wishes import Wishes
from tests.pipelines.learning.line import COUNT, LineTask


def a_training(steps: int = 30, task: LineTask | None = None, **recipe: Any) -> Training:
    return Training(task or LineTask(), Recipe(steps, **{"batch": 8, "ema_decay": 0.9, **recipe}))


def bits(one: Training) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in one.tensors().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_the_line_and_reports_means_rate_gradient_and_pace() -> None:
    one = a_training(200, LineTask(clip=5.0), report_every=50)
    told = list(one.run())
    assert [event.step for event in told] == [50, 100, 150, 200]
    first, *_, last = [event for event in told if isinstance(event, Report)]
    assert last.losses["loss"] < 0.1 * first.losses["loss"]
    assert last.rate == pytest.approx(0.05) and 0 < last.gradient < math.inf
    assert last.seen == 200 * 8 and last.a_second > 0 and last.seconds == one.seconds > 0


def test_a_report_has_the_mean_of_its_steps_and_bands_a_value_an_example() -> None:
    class Banded(LineTask):
        def lesson(self, player: str, moment: Moment) -> Lesson:
            bands = {"low": [1.0, 2.0], "high": [9.0]} if moment.step % 2 else {"low": [6.0]}
            return Lesson(super().lesson(player, moment).loss, bands)

    (report,) = a_training(2, Banded()).run()
    assert isinstance(report, Report) and report.losses == {"low": 3.0, "high": 9.0}


def test_the_gradient_that_is_told_is_the_one_before_clipping() -> None:
    (free,), (clipped,) = (a_training(1, LineTask(clip=clip)).run() for clip in (None, 1e-3))
    assert isinstance(free, Report) and isinstance(clipped, Report)
    assert free.gradient == pytest.approx(clipped.gradient) and free.gradient > 0.01


def test_several_parts_in_one_step_are_one_larger_batch() -> None:
    """Their dice differ, so without noise."""
    whole, parted = (a_training(10, LineTask(noise=0), batch=16 // n, accumulate=n) for n in (1, 4))
    list(whole.run()), list(parted.run())
    for name, tensor in whole.tensors().items():
        torch.testing.assert_close(parted.tensors()[name], tensor, rtol=1e-4, atol=1e-6)
    assert whole.seen == parted.seen == 160


def test_averaged_weights_lag_behind_and_without_a_decay_the_model_itself_is_shown() -> None:
    one = a_training(20, ema_decay=0.0)
    list(one.run())
    assert same(dict(one.averaged.state_dict()), dict(one.model.state_dict())), "decay 0: the newest weights"
    assert a_training(ema_decay=None).averaged is not a_training().model
    plain = a_training(ema_decay=None)
    assert plain.averaged is plain.model
    slow = a_training(3, ema_decay=0.9)
    before = copy.deepcopy(slow.model.state_dict())
    slow.learn()
    for name, weight in slow.model.state_dict().items():
        torch.testing.assert_close(slow.averaged.state_dict()[name], before[name].lerp(weight, 1 - 2 / 11))


@pytest.mark.parametrize("stops", [[1], [7, 8], [3, 13, 29]])
def test_stopped_and_resumed_it_is_the_undisturbed_training_bit_for_bit(tmp_path: Path, stops: list[int]) -> None:
    """40 points in batches of 8: the second epoch is steps 5 to 9."""
    whole = a_training(30)
    list(whole.run())
    for stop in stops:
        wishes, one = Wishes(), a_training(30, report_every=1)
        for event in one.run(tmp_path, wishes):
            if isinstance(event, Report) and event.step == stop:
                wishes.stop()
        assert one.step == stop
    last = a_training(30)
    first, *_ = list(last.run(tmp_path))
    assert first == Resumed(stops[-1])
    assert same(bits(last), bits(whole))
    assert last.seen == whole.seen and last.seconds > 0


def test_a_training_that_is_done_does_nothing_more(tmp_path: Path) -> None:
    list(a_training(5).run(tmp_path))
    again = a_training(5)
    assert list(again.run(tmp_path)) == [Resumed(5)]


def test_it_saves_by_the_clock_and_when_asked_and_once_a_step(tmp_path: Path) -> None:
    saved = [event.step for event in a_training(4, save_every=0).run(tmp_path / "a") if isinstance(event, Saved)]
    assert saved == [1, 2, 3, 4]
    wishes, told = Wishes(), []
    for event in a_training(6, report_every=1).run(tmp_path / "b", wishes):
        told.append(event)
        if isinstance(event, Report) and event.step == 2:
            wishes.save()
            wishes.sample()
    assert [event.step for event in told if isinstance(event, Saved)] == [2, 6]
    assert len([event for event in told if isinstance(event, SampleDue)]) == 1


def test_paused_it_is_saved_and_learns_nothing_until_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PAUSED_SECONDS", 0.01)
    wishes, one, paused = Wishes(), a_training(8, report_every=1), 0
    for event in one.run(tmp_path, wishes):
        if isinstance(event, Report) and event.step == 3:
            wishes.pause()
        if isinstance(event, Paused):
            paused += 1
            assert one.step == event.step == 3
            last = Checkpoints(tmp_path).newest()
            assert last is not None and last.step == 3
            if paused == 5:
                wishes.resume()
    whole = a_training(8)
    list(whole.run())
    assert paused == 5 and same(bits(one), bits(whole))


def test_a_paused_training_wakes_at_once_when_it_is_stopped() -> None:
    wishes, one = Wishes(), a_training(8)
    wishes.pause()
    began, stream = time.monotonic(), one.run(None, wishes)
    next(stream)
    threading.Timer(0.05, wishes.stop).start()
    assert not [event for event in stream if not isinstance(event, Paused)] and one.step == 0
    assert time.monotonic() - began < 5 * training.PAUSED_SECONDS


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e9])
def test_a_loss_that_is_no_number_stops_it_with_a_sentence_before_the_weights_move(
    tmp_path: Path, value: float
) -> None:
    class Spoilt(LineTask):
        def lesson(self, player: str, moment: Moment) -> Lesson:
            lesson = super().lesson(player, moment)
            return Lesson(lesson.loss * value) if moment.step == 6 else lesson

    good = a_training(6)
    list(good.run())
    one = a_training(20, Spoilt(), save_every=0)
    with pytest.raises(
        BadRequest, match=r"the loss was .* at step 7\. The checkpoint of step 6 is kept; .* than 0\.05"
    ):
        list(one.run(tmp_path))
    kept = Checkpoints(tmp_path).newest()
    assert kept is not None and kept.step == 6
    for name, tensor in bits(good).items():
        assert torch.equal(tensor, kept.tensors[name]) and torch.equal(one.tensors()[name], tensor)


def test_a_gradient_that_is_no_number_stops_it_too() -> None:
    class Steep(LineTask):
        def lesson(self, player: str, moment: Moment) -> Lesson:
            lesson = super().lesson(player, moment)
            return Lesson(lesson.loss + (self.model[0].weight.sum() * 0).abs().sqrt())  # 0, with slope 0/0

    with pytest.raises(BadRequest, match=r"the gradient is no number any more at step 1\. Try a smaller"):
        list(a_training(3, Steep(clip=1.0)).run())


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    one, wishes = a_training(9, report_every=1), Wishes()
    with pytest.raises(BadRequest, match="no numbers any more after step 5. The checkpoint of step 2 is kept"):
        for event in one.run(tmp_path, wishes):
            if isinstance(event, Report) and event.step in (2, 5):
                wishes.save()
            if isinstance(event, Report) and event.step == 5:
                with torch.no_grad():
                    next(one.model.parameters()).fill_(math.nan)
            if isinstance(event, Saved):
                assert event.step == 2
    kept = Checkpoints(tmp_path).newest()
    assert kept is not None and all(tensor.isfinite().all() for tensor in kept.tensors.values())


def test_another_training_s_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    list(a_training(2).run(tmp_path))
    with pytest.raises(BadFile, match="had 8 examples in a step, and now it would have 32"):
        list(a_training(4, batch=16, accumulate=2).run(tmp_path))
    with pytest.raises(BadFile, match="another training's checkpoints"):
        other = LineTask()
        other.model.append(torch.nn.Linear(1, 1))
        list(a_training(4, other).run(tmp_path))


def test_learning_neither_heeds_nor_disturbs_torch_s_own_dice() -> None:
    torch.manual_seed(3)
    first = a_training(3)
    list(first.run())
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))
    second = a_training(3)
    list(second.run())
    assert same(bits(first), bits(second))


def test_the_rate_rises_and_falls() -> None:
    went = [rates.warm_cosine(i / 1000) for i in range(1001)]
    top = went.index(max(went))
    assert 0 < went[0] < 0.02 and 40 <= top <= 60 and went[top] > 0.98 and went[-1] < 1e-9
    assert went[: top + 1] == sorted(went[: top + 1]) and went[top:] == sorted(went[top:], reverse=True)
    assert rates.warm_cosine(1.5) == pytest.approx(0, abs=1e-12)


def test_every_point_is_seen_once_an_epoch() -> None:
    task = LineTask()
    list(a_training(10, task).run())
    assert [sorted(sum(task.seen[i : i + 5], [])) for i in (0, 5)] == [list(range(COUNT))] * 2
