"""Jobs side by side on several devices: which one each gets, and what becomes of it when its device is lost.

Two lanes of this machine's CPU stand for two cards: torch takes "cpu:0" and "cpu:1" as it takes "cuda:0" and "cuda:1".
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from pipelines.device.evaluations import Rows
from pipelines.device.lanes import Lanes
from pipelines.device.manager import DeviceManager
from pipelines.device.recall import Recall
from pipelines.engine import registry
from pipelines.engine.job import Job, JobState
from pipelines.engine.queue import JobQueue
from pipelines.events import Frame
from tests.pipelines.device.small_jobs import Shelf, asked, over
from tests.tiny import tiny_model

TWO, THREE = "cpu:0,cpu:1", "cpu:0,cpu:1,cpu:2"
LOST = RuntimeError("CUDA error: an illegal memory access was encountered")


@dataclass
class Weights:
    nbytes: int

    def to(self, device: str) -> "Weights":
        return self


@pytest.fixture
def made() -> Iterator[Callable[..., Lanes]]:
    every: list[Lanes] = []

    def make(device: str = TWO, **settings: Any) -> Lanes:
        every.append(Lanes.over(device, threads=1, **settings))
        return every[-1]

    yield make
    for lanes in every:
        lanes.close()


def names(lanes: Lanes) -> list[str]:
    return [lane.device for lane in lanes]


# which lane a job gets


def test_nothing_is_looked_up_before_a_job_needs_it(made):
    lanes = made(probe=lambda: pytest.fail("torch was asked"))
    assert len(lanes) == 1 and lanes.listed() == []


def test_each_device_has_models_a_budget_and_a_worker_of_its_own(made):
    lanes = made()
    lanes.look()
    first, second = lanes
    assert names(lanes) == ["cpu:0", "cpu:1"] and first.worker() is not second.worker()
    with first.lease("one@1", lambda: Weights(10)):
        assert [held["device"] for held in lanes.loaded()] == ["cpu:0"]
        assert first.turns is not second.turns
    assert lanes.drop("one") == 1 and lanes.loaded() == []


def test_memory_that_is_shared_is_not_promised_twice(made):
    alone, lanes = made("cpu:0"), made()
    lanes.look()
    together = sum(lane.budget_bytes for lane in lanes)
    assert 0.7 * alone.main.budget_bytes < together < 1.3 * alone.main.budget_bytes


def test_a_job_goes_where_fewest_run_and_of_equals_where_its_model_is(made):
    lanes = made(budget_bytes=100)
    with lanes.place("one") as first:
        assert first.device == "cpu:0"
        with first.lease("one@1", lambda: Weights(10)):
            pass
        with lanes.place("one") as second:
            assert second.device == "cpu:1"
        assert [each["running"] for each in lanes.listed()] == [1, 0]
    with lanes.place("one") as again:
        assert again is first
    with lanes.place("two") as other:
        assert other.device == "cpu:0", "an idle model makes room"
        with other.lease("two@1", lambda: Weights(10)), ExitStack() as held:
            held.enter_context(lanes.place("two"))
            assert [each["running"] for each in lanes.listed()] == [1, 1]


def test_a_model_goes_where_there_is_room_rather_than_where_nobody_works(made):
    lanes = made(budget_bytes=100)
    with lanes.place("large") as first, first.lease("large@1", lambda: Weights(80)):
        pass
    second = list(lanes)[1]
    with second.lease("lab@1", lambda: Weights(50)), lanes.place("") as _, lanes.place("large") as placed:
        assert placed is first


def test_what_is_asked_of_the_studio_is_answered_by_a_lane_that_works(made):
    lanes = made()
    lanes.look()
    first, second = lanes
    assert lanes.main is first and len(lanes) == 2 and lanes.hint == ""
    first.lost = True
    assert lanes.main is second and len(lanes) == 1 and not lanes.lost
    assert "cpu:0 has failed" in lanes.hint and [each["lost"] for each in lanes.listed()] == [True, False]
    with lanes.place("any") as placed:
        assert placed is second
    second.lost = True
    assert lanes.lost


# what a job remembers


X = torch.zeros(2, 1, 2, 2)


def test_what_was_answered_is_answered_again_until_something_else_is_asked():
    recall = Recall()
    for i in range(3):
        assert recall.answer((i,), X) is None
        recall.keep((i,), X + i)
    recall.rewind()
    assert [float(recall.answer((i,), X).mean()) for i in range(2)] == [0, 1]
    assert recall.answer((7,), X) is None and recall.answer((2,), X) is None, "after another question all are others"
    recall.rewind()
    assert len(recall) == 0 and [recall.answer((i,), X) is None for i in range(3)] == [False, False, True]


def test_what_is_too_much_to_remember_is_forgotten_whole():
    recall = Recall(most_bytes=40)
    for i in range(4):
        recall.keep((i,), X)
    recall.rewind()
    assert recall.answer((0,), X) is None


# whole jobs


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture
def studio(made, home) -> Iterator[Callable[..., tuple[JobQueue, Lanes, Shelf]]]:
    queues: list[JobQueue] = []

    def make(device: str = TWO, **options: Any) -> tuple[JobQueue, Lanes, Shelf]:
        lanes, shelf = made(device), Shelf()
        lanes.look()
        queues.append(JobQueue(lanes, cast(Any, shelf), **options))
        return queues[-1], lanes, shelf

    yield make
    for queue in queues:
        queue.close()


def breaks(lane: DeviceManager, after: int, error: Exception = LOST) -> list[int]:
    """Let the device fail once it was asked so often; the list that is returned grows with each call before."""
    calls: list[int] = []
    call = lane.worker()._call

    def failing(torch: Any, network: Any, rows: Rows, size: int) -> Any:
        if len(calls) >= after:
            raise error
        calls.append(len(rows))
        return call(torch, network, rows, size)

    lane.worker()._call = failing
    return calls


def frames(job: Job) -> list[int]:
    return [event.index for _, event in job.events() if isinstance(event, Frame)]


def alone(studio: Any, **values: Any) -> tuple[Shelf, int]:
    """What one device paints, and how often its network is asked."""
    queue, lanes, shelf = studio("cpu")
    calls = breaks(lanes.main, 1000)
    over(queue.submit("text-to-image", asked(**values), "me"))
    return shelf, len(calls)


CASES = {
    "a sampler that remembers": {"sampler": "dpmpp_2m"},
    "a sampler that draws noise": {"sampler": "euler_a"},
    "two calls a step": {"sampler": "heun"},
    "several pictures": {"count": 3},
    "a second pass": {"hires_scale": 2.0, "hires_upscaler": "latent"},
}


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_a_job_whose_device_is_lost_goes_on_from_its_last_step_on_another(studio, values):
    right, calls = alone(studio, **values)
    queue, lanes, shelf = studio()
    first, second = lanes
    before, after = breaks(first, 6), breaks(second, 1000)
    job = queue.submit("text-to-image", asked(**values), "me")
    over(job)
    assert job.state is JobState.DONE and job.devices_lost == 1 and first.lost and not second.lost
    assert list(map(np.ndarray.tobytes, shelf.pictures.values())) == list(
        map(np.ndarray.tobytes, right.pictures.values())
    )
    assert list(shelf.steps.values()) == list(right.steps.values()), "the recipe has every step"
    assert len(before) == 6 and len(before) + len(after) == calls, "no evaluation was made twice"
    assert frames(job) == sorted(set(frames(job))) and frames(job)[0] == 0, "no frame came twice"


def test_all_jobs_of_a_lost_device_go_on_and_new_ones_avoid_it(studio):
    queue, lanes, shelf = studio(further_places=4)
    first, second = lanes
    breaks(first, 9)
    jobs = [queue.submit("text-to-image", asked(seed=i, num_inference_steps=12), f"client {i}") for i in range(5)]
    over(*jobs)
    assert all(job.state is JobState.DONE for job in jobs) and len(shelf.pictures) == 5 and first.lost
    late = queue.submit("text-to-image", asked(seed=9), "late")
    over(late)
    assert late.state is JobState.DONE and not second.lost


def test_pictures_that_were_saved_are_not_saved_again(studio):
    grid = registry.get("grid").request_type.parse(asked().values() | {"x_field": "seed", "x_values": "1, 2, 3"})
    queue, lanes, shelf = studio()
    breaks(lanes.main, 12)
    job = queue.submit("grid", grid, "me")
    over(job)
    assert job.state is JobState.DONE and len(shelf.pictures) == 3 + 1 and len(job.image_ids) == 4


def test_what_fails_on_two_devices_is_not_tried_on_a_third(studio):
    queue, lanes, _ = studio(THREE)
    for lane in lanes:
        breaks(lane, 3)
    bad = queue.submit("text-to-image", asked(), "me")
    over(bad)
    assert bad.state is JobState.FAILED and bad.error and bad.error.code == "device_lost"
    assert [lane.lost for lane in lanes].count(True) == 2


def test_a_bug_is_no_lost_device(studio):
    queue, lanes, _ = studio()
    breaks(lanes.main, 3, RuntimeError("CUDA error: invalid configuration argument"))
    bad = queue.submit("text-to-image", asked(), "me")
    over(bad)
    assert bad.state is JobState.FAILED and not any(lane.lost for lane in lanes)


def test_jobs_of_different_clients_run_at_once_on_different_devices(studio):
    queue, lanes, _ = studio()
    meeting = threading.Barrier(2, timeout=60)
    for lane in lanes:
        lane.worker()._call = _after(meeting, lane.worker()._call)
    jobs = [queue.submit("text-to-image", asked(seed=i), f"client {i}") for i in range(2)]
    over(*jobs)
    assert all(job.state is JobState.DONE for job in jobs), "neither call would end without the other"


def _after(meeting: threading.Barrier, call: Callable[..., Any]) -> Callable[..., Any]:
    def first_meeting(*given: Any) -> Any:
        if not met:
            met.append(True)
            meeting.wait()
        return call(*given)

    met: list[bool] = []
    return first_meeting
