"""The job queue: turns, stopping, failures, bounds and restarts, with real threads and small real generators."""

import asyncio
import gc
import itertools
import json
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipelines.device.evaluations import Rows
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.engine import queue
from pipelines.engine.eventlog import EventLog, StateChange
from pipelines.engine.queue import Job, JobQueue, JobState
from pipelines.errors import BadRequest, Busy, DeviceLost, NotAllowed, NotFound, StorageError
from pipelines.events import Frame, Loss, Progress, Result, StopEarly
from pipelines.params import Range, Request, Text, param


@dataclass(frozen=True)
class Steps(Request):
    name: str = param("", Text(100), "what the log calls it")
    steps: int = param(4, Range(0, 10_000), "how many frames")
    size: int = param(2, Range(1, 512), "side of the picture")


def picture(value: int, size: int = 2) -> np.ndarray:
    return np.full((1, size, size, 3), value % 256, np.uint8)


def frame(i: int, total: int, size: int = 2) -> Frame:
    return Frame(i, total, float(total - i), picture(i, size), picture(255 - i, size))


@dataclass
class Counting:
    """Yields frames 0 to `steps` and a picture; answers StopEarly with what there is. `hold` pauses before steps."""

    name: str = "counting"
    request_type: type[Request] = Steps
    hold: threading.Event = field(default_factory=threading.Event)
    log: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hold.set()

    def stream(self, request, devices):
        done = 0
        self.log.append(request.name)
        try:
            yield Progress("loading", 1, 1, note=f"note of {request.name}")
            for i in range(request.steps + 1):
                assert self.hold.wait(20)
                self.log.append(f"{request.name}{i}")
                done = i
                yield frame(i, request.steps, request.size)
        except StopEarly:
            yield Result(picture(done, request.size), ({"name": request.name},), unfinished=True, steps_done=done)
            return
        finally:
            self.closed.append(request.name)
        yield Result(picture(request.steps, request.size), ({"name": request.name},), steps_done=request.steps)


class Failing(Counting):
    """Fails at the first step with `error`."""

    error: Exception = ValueError("secret /path of a bug")

    def stream(self, request, devices):
        yield Progress("loading")
        raise self.error


@dataclass
class Shelf:
    """A store in memory; `full` makes it fail."""

    pictures: dict[str, tuple[np.ndarray, dict, str, bool]] = field(default_factory=dict)
    full: bool = False
    ids: Iterator[int] = field(default_factory=itertools.count)

    def new_id(self) -> str:
        return f"p{next(self.ids)}"

    def has(self, image_id) -> bool:
        return image_id in self.pictures

    def save(self, image, recipe, client="", unfinished=False, image_id="") -> str:
        if self.full:
            raise StorageError("The disk is full. Make room and save again.")
        self.pictures[image_id] = (image, recipe, client, unfinished)
        return image_id


@pytest.fixture
def devices():
    manager = DeviceManager("cpu", threads=1, probe=Machine)
    yield manager
    manager.close()


@pytest.fixture
def make(devices):
    """Build queues over generators that are looked up by name; all are closed at the end."""
    queues = []

    def build(*generators: Counting, store=None, **options) -> JobQueue:
        known = {generator.name: generator for generator in generators}

        def get(name: str):
            if name not in known:
                raise NotFound(f"unknown generator {name!r}.")
            return known[name]

        queues.append(JobQueue(devices, Shelf() if store is None else store, get=get, **options))
        return queues[-1]

    yield build
    for generator_queue in queues:
        generator_queue.close()


def wait(claim: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def over(*jobs: Job) -> None:
    wait(lambda: all(job.over for job in jobs))


def running(job: Job) -> bool:
    return job.state is JobState.RUNNING


# ---- one job


def test_a_job_runs_to_its_picture(make):
    store = Shelf()
    job = make(Counting(), store=store).submit("counting", Steps("a", 3, 2), "me")
    over(job)
    assert job.state is JobState.DONE and job.error is None and job.image_ids == ["p0"]
    image, recipe, client, unfinished = store.pictures["p0"]
    assert image.shape == (2, 2, 3) and recipe == {"name": "a"} and client == "me" and not unfinished
    assert [f.index for f in job.frames()] == [0, 1, 2, 3]
    assert job.created <= job.started <= job.finished and job.notes == ["note of a"]


def test_an_idle_studio_gives_back_what_was_freed_after_every_so_many_jobs(make, monkeypatch):
    given: list[int] = []
    monkeypatch.setattr(queue, "give_back_freed", lambda: given.append(1))
    jobs = make(Counting())
    for _ in range(2 * queue.TIDY_EVERY + 3):
        over(jobs.submit("counting", Steps("a", 1, 2), "me"))
        wait(lambda: not jobs._running)
    wait(lambda: len(given) == 2)


def test_a_snapshot_is_json_and_does_not_give_the_client_away(make):
    job = make(Counting()).submit("counting", Steps("a"), "secret-cookie")
    over(job)
    told = json.loads(json.dumps(job.snapshot()))
    assert told["state"] == "done" and told["image_ids"] == ["p0"] and told["request"]["steps"] == 4
    assert told["progress"]["step"] == told["progress"]["total"] == 4
    assert "secret-cookie" not in json.dumps(told)


def test_time_left_is_estimated_from_the_last_steps(make, monkeypatch):
    clock = 0.0

    class Slow(Counting):
        """The first step takes 100 seconds of a clock of its own, the others 2."""

        def stream(self, request, devices):
            nonlocal clock
            assert self.hold.wait(20)
            for i in range(21):
                clock += 100 if i == 1 else 2
                yield frame(i, 20)
                seconds_left.append(job.progress.seconds_left)

    monkeypatch.setattr(sys.modules[Job.__module__], "time", SimpleNamespace(time=time.time, monotonic=lambda: clock))
    generator, seconds_left = Slow(), []
    generator.hold.clear()
    job = make(generator).submit("counting", Steps(), "me")
    generator.hold.set()
    over(job)
    assert seconds_left[0] is None and seconds_left[1] == 1900
    assert seconds_left[10:] == [2.0 * (20 - i) for i in range(10, 21)]


def test_unknown_generators_and_wrong_requests_are_refused(make):
    queue = make(Counting())
    with pytest.raises(NotFound):
        queue.submit("nothing", Steps(), "me")
    with pytest.raises(BadRequest, match="takes a Steps"):
        queue.submit("counting", Request(), "me")
    with pytest.raises(NotFound):
        queue.get("nothing")


# ---- events


def test_events_are_replayed_after_the_end_as_they_were(make):
    job = make(Counting()).submit("counting", Steps("a", 3), "me")
    live = list(job.events())
    again = list(job.events())
    assert [type(event) for _n, event in again] == [Progress, Frame, Frame, Frame, Frame, Result, StateChange]
    assert again[-1][1].snapshot["state"] == "done" and not again[-1][1].snapshot["stopping"]
    assert live[-1] == again[-1]
    assert list(job.events(after=again[-3][0])) == again[-2:]
    assert list(job.events(live=False)) == again


def test_a_second_reader_joins_while_it_runs(make):
    generator = Counting()
    generator.hold.clear()
    job = make(generator).submit("counting", Steps("a", 5), "me")
    wait(lambda: running(job))
    found: list[list] = [[], []]
    readers = [threading.Thread(target=lambda i=i: found[i].extend(job.events())) for i in range(2)]
    for reader in readers:
        reader.start()
    generator.hold.set()
    for reader in readers:
        reader.join(10)
    for events in found:
        numbers = [number for number, _event in events]
        assert numbers == sorted(set(numbers)) and isinstance(events[-1][1], StateChange)
        assert [e.index for _n, e in events if isinstance(e, Frame)][-1] == 5


def test_a_slow_reader_gets_the_newest_frame_and_does_not_slow_the_job(make):
    generator = Counting()
    generator.hold.clear()
    job = make(generator).submit("counting", Steps("a", 200), "me")
    wait(lambda: running(job))
    reader = job.events()
    next(reader)  # and then it sleeps, as a stalled browser does
    generator.hold.set()
    over(job)  # though nobody reads
    frames = [event.index for _number, event in reader if isinstance(event, Frame)]
    assert frames == [200]


def test_coroutines_can_wait_for_events_without_a_thread(make):
    generator = Counting()
    generator.hold.clear()
    job = make(generator).submit("counting", Steps("a", 20), "me")

    async def watch() -> list:
        got, after = [], -1
        while events := await job.next_events(after):
            got += events
            after = events[-1][0]
        return got

    async def many() -> list:
        watchers = [asyncio.create_task(watch()) for _ in range(50)]
        await asyncio.sleep(0.05)
        generator.hold.set()
        return await asyncio.wait_for(asyncio.gather(*watchers), 10)

    before = threading.active_count()
    for got in asyncio.run(many()):
        assert [n for n, _e in got] == sorted({n for n, _e in got})
        assert got[-1][1].snapshot["state"] == "done"
    assert threading.active_count() <= before


def test_waiting_for_events_can_time_out_and_leaves_nothing_behind(make):
    generator = Counting()
    generator.hold.clear()
    job = make(generator).submit("counting", Steps(), "me")
    wait(lambda: job.progress.stage == "loading")
    last = job.log.since(-1, True)[-1][0]
    assert asyncio.run(job.next_events(last, timeout=0.05)) == []
    assert not job.over and not job.log._sleepers
    generator.hold.set()


def test_frames_are_thinned_evenly_within_their_bytes_and_the_ends_stay():
    log = EventLog(frame_bytes=20 * 24)
    for i in range(1001):
        log.put(frame(i, 1000))
        kept = [f.index for f in log.frames()]
        assert kept[0] == 0 and kept[-1] == i and log.frame_bytes() <= 20 * 24
    gaps = np.diff(kept)
    assert len(kept) >= 10 and set(gaps[:-1]) == {gaps[0]} and gaps[-1] <= gaps[0]


def test_frames_larger_than_the_budget_keep_the_first_and_the_last():
    log = EventLog(frame_bytes=1)
    for i in range(9):
        log.put(frame(i, 8))
    assert [f.index for f in log.frames()] == [0, 8]


def test_of_events_that_all_count_the_last_ten_thousand_stay():
    log = EventLog()
    for step in range(12_000):
        log.put(Loss(step, {"loss": 0.0}))
    assert [event.step for _number, event in log.since(-1, True)] == list(range(2_000, 12_000))


# ---- turns


def test_clients_take_turns_whoever_has_how_many_jobs(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1)
    first = queue.submit("counting", Steps("a0", 0), "a")
    wait(lambda: running(first))
    jobs = [queue.submit("counting", Steps(f"a{i}", 0), "a") for i in range(1, 5)]
    jobs += [queue.submit("counting", Steps(f"b{i}", 0), "b") for i in range(2)]
    jobs += [queue.submit("counting", Steps("c0", 0), "c")]
    told = [job.request.name for job in queue.list()]
    generator.hold.set()
    over(first, *jobs)
    ran = [name for name in generator.log if len(name) == 2]
    assert ran == ["a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4"]
    assert told == ran


def test_two_jobs_run_at_once_and_a_third_waits(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator)
    jobs = [queue.submit("counting", Steps(name, 50), name) for name in "abc"]
    wait(lambda: running(jobs[0]) and running(jobs[1]))
    assert jobs[2].state is JobState.WAITING and jobs[2].position == 0
    assert queue.stats() | {"running": 2, "waiting": 1} == queue.stats()
    generator.hold.set()
    over(*jobs)


def test_a_job_can_be_moved_among_its_owners_own(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1)
    first = queue.submit("counting", Steps("x", 0), "a")
    mine = [queue.submit("counting", Steps(f"a{i}"), "a") for i in range(3)]
    other = queue.submit("counting", Steps("b0"), "b")
    queue.move(mine[2].id, "a", 0)
    assert [job.request.name for job in queue.list()] == ["x", "b0", "a2", "a0", "a1"]
    assert [job.position for job in (other, mine[2], mine[0], mine[1])] == [0, 1, 2, 3]
    queue.move(mine[2].id, "a", 99)
    assert [job.request.name for job in queue.list("a")] == ["x", "a0", "a1", "a2"]
    with pytest.raises(BadRequest):
        queue.move(first.id, "a", 0)
    generator.hold.set()


def test_a_full_queue_says_so_but_keeps_a_place_for_other_clients(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1, max_waiting=8)
    for _ in range(9):
        queue.submit("counting", Steps(), "greedy")
    with pytest.raises(Busy, match="8 jobs wait"):
        queue.submit("counting", Steps(), "greedy")
    assert queue.submit("counting", Steps(), "modest").state is JobState.WAITING
    with pytest.raises(Busy):
        for i in range(100):
            queue.submit("counting", Steps(), f"forged {i}")
    assert queue.stats()["waiting"] <= 16
    generator.hold.set()


def test_jobs_of_a_client_that_vanished_are_set_aside_until_it_is_seen(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1, grace_seconds=0.1)
    current = queue.submit("counting", Steps("now", 0), "a")
    gone = queue.submit("counting", Steps("gone", 0), "gone")
    time.sleep(0.15)
    here = queue.submit("counting", Steps("here", 0), "b")
    assert (gone.position, here.position) == (None, 0)
    generator.hold.set()
    over(current, here)
    assert gone.state is JobState.WAITING and queue.stats()["set_aside"] == 1
    queue.seen("gone")
    over(gone)
    assert gone.state is JobState.DONE


def test_a_running_job_finishes_though_its_client_vanished(make):
    generator = Counting()
    generator.hold.clear()
    job = make(generator, grace_seconds=0.01).submit("counting", Steps(), "gone")
    time.sleep(0.05)
    generator.hold.set()
    over(job)
    assert job.state is JobState.DONE and job.image_ids


# ---- trainings


class Learning(Counting):
    """What learns for minutes, under the name of one that the registry knows as such."""


def learning(**options) -> Learning:
    return Learning("points-training", **options)


def test_a_training_ends_a_while_after_its_owner_is_gone_and_keeps_what_it_learned(make):
    generator = learning()
    generator.hold.clear()
    job = make(generator, training_grace_seconds=0.2).submit("points-training", Steps(steps=10_000), "gone")
    wait(lambda: running(job))
    wait(lambda: job.state is JobState.CANCELLED)
    generator.hold.set()
    over(job)
    assert job.image_ids and "nobody was there" in job.notes[-1]


def test_a_training_goes_on_as_long_as_its_owner_is_seen(make):
    generator = learning()
    generator.hold.clear()
    queue = make(generator, training_grace_seconds=0.3)
    job = queue.submit("points-training", Steps(), "here")
    for _ in range(12):
        time.sleep(0.05)
        queue.seen("here")
    generator.hold.set()
    over(job)
    assert job.state is JobState.DONE


def test_trainings_leave_a_place_for_everybody_else_and_stand_behind_them(make):
    training, other = learning(), Counting()
    training.hold.clear()
    queue = make(training, other, running_at_once=2)
    first, second, third = (queue.submit("points-training", Steps(), client) for client in "abc")
    assert (running(first), second.position, third.position) == (True, 0, 1)
    other.hold.clear()
    picture_job, next_one = (queue.submit("counting", Steps(), client) for client in "de")
    assert running(picture_job) and (next_one.position, second.position, third.position) == (0, 1, 2)
    other.hold.set()
    over(picture_job, next_one)
    assert second.state is JobState.WAITING
    training.hold.set()
    over(first, second, third)


def test_where_one_job_runs_at_a_time_that_may_be_a_training(make):
    over(make(learning(), running_at_once=1).submit("points-training", Steps(), "me"))


# ---- stopping


@pytest.mark.parametrize("at", range(6))
def test_a_job_cancelled_at_any_step_is_cancelled_and_saves_what_it_has(make, at):
    store = Shelf()

    class Stepping(Counting):
        def stream(self, request, devices):
            for event in (inner := super().stream(request, devices)):
                if isinstance(event, Frame) and event.index == at:
                    job.cancel()
                    assert job.snapshot()["state"] == "cancelled" and job.snapshot()["stopping"]
                try:
                    yield event
                except StopEarly as stop:
                    yield inner.throw(stop)

    generator, ready = Stepping(), threading.Event()
    generator.hold.clear()
    job = make(generator, store=store).submit("counting", Steps("a", 5), "me")
    ready.set()
    generator.hold.set()
    over(job)
    assert job.state is JobState.CANCELLED and not job.stopping
    assert [f.index for f in job.frames()] == list(range(at + 1))
    (image, _recipe, _client, unfinished) = store.pictures[job.image_ids[0]]
    assert unfinished and image[0, 0, 0] == at and generator.closed == ["a"]


def test_cancel_is_shown_at_once_though_the_step_goes_on(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator)
    job = queue.submit("counting", Steps("a"), "me")
    wait(lambda: running(job))
    queue.cancel(job.id, "me")
    assert job.snapshot()["state"] == "cancelled" and job.snapshot()["stopping"] and not job.over
    queue.cancel(job.id, "me")  # twice is once
    assert not job.over  # the step is still held: nothing waited for it
    newest = [event for _n, event in job.events(live=False) if isinstance(event, StateChange)]
    assert newest[-1].snapshot["stopping"]
    generator.hold.set()
    over(job)
    assert job.state is JobState.CANCELLED and len(job.image_ids) == 1
    queue.cancel(job.id, "me")
    assert job.state is JobState.CANCELLED


def test_a_waiting_job_can_be_cancelled_and_never_runs(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1)
    first, second = (queue.submit("counting", Steps(name), "me") for name in "ab")
    queue.cancel(second.id, "me")
    assert second.over and second.state is JobState.CANCELLED and not second.stopping
    assert list(second.events())[-1][1].snapshot["state"] == "cancelled"
    generator.hold.set()
    over(first)
    assert "b" not in generator.log and queue.get(second.id) is second


def test_cancelling_a_finished_job_changes_nothing(make):
    queue = make(Counting())
    job = queue.submit("counting", Steps(), "me")
    over(job)
    assert queue.cancel(job.id, "me").state is JobState.DONE


def test_removed_jobs_are_forgotten(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1)
    first, second = (queue.submit("counting", Steps(name), "me") for name in "ab")
    queue.remove(second.id, "me")
    with pytest.raises(NotFound):
        queue.get(second.id)
    generator.hold.set()
    over(first)
    wait(lambda: queue.stats()["running"] == 0)
    queue.remove(first.id, "me")
    assert queue.list() == []


def test_a_generator_that_ignores_being_stopped_is_closed(make):
    class Deaf(Counting):
        def stream(self, request, devices):
            try:
                for i in range(1000):
                    try:
                        yield frame(i, 1000)
                        time.sleep(0.005)
                    except StopEarly:
                        pass
            finally:
                self.closed.append("deaf")

    generator = Deaf()
    queue = make(generator)
    job = queue.submit("counting", Steps(), "me")
    wait(lambda: job.progress.step > 0)
    queue.cancel(job.id, "me")
    over(job)
    assert generator.closed == ["deaf"] and job.state is JobState.CANCELLED and job.image_ids == []


def test_jobs_of_others_are_not_mine_to_change(make):
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1)
    jobs = [queue.submit("counting", Steps(), "me") for _ in range(2)]
    for job in jobs:
        for change in (queue.cancel, queue.remove, lambda *who: queue.move(*who, 0), queue.save_again):
            with pytest.raises(NotAllowed):
                change(job.id, "you")
    assert [job.state for job in jobs] == [JobState.RUNNING, JobState.WAITING]
    generator.hold.set()


def test_closing_stops_everything_quickly_and_may_be_repeated(make):
    generator = Counting()
    queue = make(generator, running_at_once=1)
    jobs = [queue.submit("counting", Steps(size=512, steps=10_000), "me") for _ in range(3)]
    wait(lambda: jobs[0].progress.step > 3)
    watching = threading.Thread(target=lambda: list(jobs[2].events()))
    watching.start()
    queue.close(timeout=60)
    queue.close()
    watching.join(20)
    assert not watching.is_alive() and jobs[0].over and jobs[0].progress.step < 10_000
    assert [job.state for job in jobs] == [JobState.CANCELLED, JobState.WAITING, JobState.WAITING]
    assert len(jobs[0].image_ids) == 1
    with pytest.raises(Busy):
        queue.submit("counting", Steps(), "me")


# ---- failures


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ValueError("secret /path of a bug"), "bug", "the log has the details"),
        (BadRequest("eta must be 0 to 1; got 7."), "bad_request", "eta must be 0 to 1"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory", "smaller size"),
        (MemoryError(), "out_of_memory", "smaller size"),
        (StopEarly(), "bug", "log"),
    ],
)
def test_a_failure_is_told_and_does_not_stop_the_next_job(make, error, code, words):
    failing = Failing("failing")
    failing.error = error
    queue = make(failing, Counting(), running_at_once=1)
    bad, good = queue.submit("failing", Steps(), "me"), queue.submit("counting", Steps(), "me")
    over(bad, good)
    assert bad.state is JobState.FAILED and bad.error.code == code and words in bad.error.message
    assert "secret" not in bad.error.message and len(bad.error.message) < 300
    assert list(bad.events())[-1][1].snapshot["error"]["code"] == code
    assert good.state is JobState.DONE


def test_a_lost_context_of_the_card_is_no_bug_and_the_other_jobs_wait_for_the_restart(make, monkeypatch):
    failing = Failing("failing")
    failing.error = RuntimeError("CUDA error: device-side assert triggered")
    queue = make(failing, Counting(), running_at_once=1)
    monkeypatch.setattr(queue._lanes.main, "lost", False)
    long = queue.submit("counting", Steps(steps=10_000), "me")
    bad, good = queue.submit("failing", Steps(), "me"), queue.submit("counting", Steps(), "me")
    queue.cancel(long.id, "me")
    over(bad)
    assert bad.error.code == "device_lost" and "Restart the studio" in bad.error.message
    time.sleep(0.1)
    assert good.state is JobState.WAITING
    with pytest.raises(DeviceLost):
        queue.submit("counting", Steps(), "me")


def test_a_full_disk_fails_the_job_but_its_pictures_can_be_saved_later(make):
    store = Shelf(full=True)
    queue = make(Counting(), store=store)
    job = queue.submit("counting", Steps("a"), "me")
    over(job)
    assert job.state is JobState.FAILED and job.error.code == "storage" and "full" in job.error.message
    with pytest.raises(StorageError):
        queue.save_again(job.id, "me")
    store.full = False
    queue.save_again(job.id, "me")
    queue.save_again(job.id, "me")
    assert job.state is JobState.DONE and job.error is None
    assert job.image_ids == list(store.pictures) and [kept[1] for kept in store.pictures.values()] == [{"name": "a"}]


# ---- threads

SHARED = {"_waiting", "_running", "_finished", "_line", "_attendance", "_served", "_closed"}


class Watched(JobQueue):
    """Notes who touches what the threads share without holding the lock."""

    unlocked: set[str] | None = None

    def __getattribute__(self, name: str):
        noted = super().__getattribute__("unlocked")
        if noted is not None and name in SHARED and not self._lock._is_owned():
            noted.add(f"{sys._getframe(1).f_code.co_name} reads {name}")
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: object) -> None:
        if self.unlocked is not None and name in SHARED and not self._lock._is_owned():
            self.unlocked.add(f"{sys._getframe(1).f_code.co_name} sets {name}")
        super().__setattr__(name, value)


def test_nothing_that_threads_share_is_touched_without_the_lock(devices, tmp_path):
    """A missing lock shows once in a thousand runs; a touch without it shows each time."""
    generator, store = Counting(), Shelf(full=True)
    queue = Watched(devices, store, 1, keep_finished=4, path=tmp_path / "waiting.json", get=lambda name: generator)
    names = {name for name, member in vars(JobQueue).items() if callable(member) and not name.startswith("_")}
    queue.unlocked = set()
    generator.hold.clear()
    first, *waiting = [queue.submit("counting", Steps(f"{i}"), f"client {i % 2}") for i in range(6)]
    used = {"submit", "move", "cancel", "remove", "seen", "get", "list", "stats", "save_again", "close"}
    queue.move(waiting[1].id, "client 0", 0)
    queue.cancel(waiting[0].id, "client 1")
    queue.remove(waiting[2].id, "client 1")
    queue.seen("client 0"), queue.seen("nobody"), queue.get(first.id), queue.list(), queue.list("client 0")
    generator.hold.set()
    over(first)
    store.full = False
    queue.save_again(first.id, "client 0")
    over(*waiting)
    wait(lambda: queue.stats()["running"] == 0)
    queue.close()
    assert queue.unlocked == set()
    assert names == used, "a method that this test does not call"


# ---- many jobs, and restarts


@pytest.mark.slow
def test_a_thousand_jobs_leave_no_memory_behind(make):
    queue = make(Counting(), keep_finished=20, max_waiting=1000)
    before = threading.active_count()
    jobs = weakref.WeakSet()
    for i in range(1000):
        job = queue.submit("counting", Steps(f"{i}", 2, 8), f"client {i % 200}")
        jobs.add(job)
        if i % 100 == 0:
            wait(lambda: queue.stats()["waiting"] < 50)
    wait(lambda: queue.stats()["served"] == 1000)
    wait(lambda: threading.active_count() <= before)
    assert len(queue.list()) == 20
    assert not queue._attendance and not queue._line and not queue._running
    del job
    gc.collect()
    assert len(jobs) == 20


def test_a_finished_jobs_pictures_are_not_kept_in_memory(make):
    job = make(Counting()).submit("counting", Steps("a", 2, 512), "me")
    over(job)
    (result,) = [event for _n, event in job.events() if isinstance(event, Result)]
    assert result.images.shape == (0, 512, 512, 3) and result.images.base is None and result.recipes == ({"name": "a"},)
    assert job.unsaved == []


def test_waiting_jobs_survive_a_restart_in_their_order(make, tmp_path):
    path = tmp_path / "state" / "waiting.json"
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1, path=path)
    queue.submit("counting", Steps("running"), "me")
    kept = [queue.submit("counting", Steps(f"{i}", i), "me") for i in range(4)]
    queue.cancel(kept[1].id, "me")
    queue.move(kept[3].id, "me", 0)
    generator.hold.set()
    queue.close()

    second = Counting()
    again = make(second, running_at_once=1, path=path)
    jobs = [again.get(kept[i].id) for i in (3, 0, 2)]
    over(*jobs)
    assert [job.request for job in jobs] == [kept[i].request for i in (3, 0, 2)]
    assert [name for name in second.log if name in "0123"] == ["3", "0", "2"]
    assert all(job.client == "me" and job.state is JobState.DONE for job in jobs)
    again.close()
    third = make(Counting(), path=path)
    assert {job.id: job.state for job in third.list()} == {job.id: job.state for job in again.list()}
    assert third.get(kept[1].id).state is JobState.CANCELLED and third.get(jobs[0].id).image_ids == jobs[0].image_ids


def test_the_file_is_right_at_any_moment_of_being_killed(make, tmp_path):
    path = tmp_path / "waiting.json"
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, running_at_once=1, path=path)
    current = queue.submit("counting", Steps(), "me")
    for n in range(1, 20):
        queue.submit("counting", Steps(f"{n}"), "me")
        on_disk = json.loads(path.read_text())
        assert len(on_disk["waiting"]) == n and [row["id"] for row in on_disk["running"]] == [current.id]
    wait(lambda: sorted(p.name for p in tmp_path.iterdir()) == ["waiting.json", "waiting.lock"])  # no more is written
    generator.hold.set()


def test_a_restored_job_that_is_not_valid_any_more_says_why(make, tmp_path):
    path = tmp_path / "waiting.json"
    row = {"id": "x1", "client": "me", "generator": "counting", "request": {"steps": -1}, "created": 1.0}
    path.write_text(json.dumps({"version": 1, "waiting": [row, row | {"id": "x2", "generator": "gone"}]}))
    queue = make(Counting(), path=path)
    assert queue.get("x1").state is JobState.FAILED and "steps must be" in queue.get("x1").error.message
    assert queue.get("x2").error.code == "not_found"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"waiting": [1]}', '{"waiting": [{"id": 1}]}', "\x00" * 100])
def test_a_damaged_file_is_set_aside_and_the_queue_works(make, tmp_path, content):
    path = tmp_path / "waiting.json"
    path.write_text(content)
    queue = make(Counting(), path=path)
    job = queue.submit("counting", Steps(), "me")
    over(job)
    assert (tmp_path / "waiting.json.damaged").read_text() == content


def test_a_folder_that_cannot_be_written_does_not_stop_the_jobs(make, tmp_path):
    (tmp_path / "file").write_text("")
    queue = make(Counting(), path=tmp_path / "file" / "waiting.json")
    job = queue.submit("counting", Steps(), "me")
    over(job)
    assert job.state is JobState.DONE


# ---- with a real network on the worker


class Net:
    """A real convolution and linear layer behind the worker."""

    key, batch_rows, nbytes = "net", 8, 4096

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.conv, self.out = torch.nn.Conv2d(4, 64, 3, padding=1), torch.nn.Linear(64, 4)

    def to(self, device: str) -> "Net":
        return self

    def __call__(self, x, timesteps, context):
        h = self.conv(x).relu() + timesteps[:, None, None, None] * context["words"].mean()
        return self.out(h.movedim(1, -1)).movedim(-1, 1)


class Denoising(Counting):
    """Each step evaluates the shared network through the worker, as diffusion does."""

    def stream(self, request, devices):
        with devices.lease("net", Net) as net:
            x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(int(request.name)))
            for i in range(request.steps):
                assert self.hold.wait(20)
                rows = Rows(x, torch.full((2,), 0.01), {"words": torch.ones(2, 3, 4)})
                x = x - 0.1 * devices.worker().evaluate(net, rows)
                yield frame(i, request.steps)
        self.results[request.name] = x
        yield Result(picture(0), ({},))

    results: dict = {}


def test_jobs_that_run_together_share_batches_and_get_the_bits_they_get_alone(make, devices):
    generator = Denoising()
    generator.results = {}
    queue = make(generator, running_at_once=4)
    for name in "1234":
        over(queue.submit("counting", Steps(name, 20), name))
    alone, generator.results = generator.results, {}
    stats = devices.worker().stats
    evaluations, batches = stats.evaluations, stats.batches
    generator.hold.clear()
    jobs = [queue.submit("counting", Steps(name, 20), name) for name in "1234"]
    wait(lambda: all(running(job) for job in jobs))
    generator.hold.set()
    over(*jobs)
    assert all(torch.equal(alone[name], generator.results[name]) for name in "1234")
    assert stats.evaluations - evaluations == 80
    assert stats.batches - batches < 60  # 80 if nobody shared; 20 if everybody always did
    assert devices.loaded() == [{"key": "net", "bytes": 4096, "leases": 0}]


def test_a_cancelled_job_gives_its_lease_back(make, devices):
    generator = Denoising()
    queue = make(generator)
    job = queue.submit("counting", Steps("1", 10_000), "me")
    wait(lambda: job.progress.step > 3)
    queue.cancel(job.id, "me")
    over(job)
    assert devices.loaded()[0]["leases"] == 0 and job.state is JobState.CANCELLED
