"""Clients share the device's time: scenarios with small networks whose evaluations are counted, and times foretold."""

import time
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pipelines.device.evaluations import Rows
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.device.turns import Turns, open_between
from pipelines.engine.eventlog import StateChange
from pipelines.engine.forecast import Paces, forecast
from pipelines.engine.job import Job, JobState
from pipelines.engine.queue import JobQueue
from pipelines.engine.shares import CLIENTS_OF_ADDRESS, LONG_SECONDS, Places
from pipelines.engine.shares import Turns as Order
from pipelines.errors import Busy, NoRoom
from pipelines.events import Loss, Progress, Result, StopEarly
from pipelines.params import Range, Request, Text, param
from pipelines.requests.others import SketchRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.images import ImageStore
from tests import embedded
from tests.pipelines.engine.test_jobs import Counting, Shelf, Steps, frame, make, over, picture, running, wait  # noqa: F401

FURTHER = 4
TIGHT = 0.01
PATIENT = 300.0


@dataclass(frozen=True)
class Painting(Request):
    prompt: str = param("", Text(100), "whose it is")
    num_inference_steps: int = param(4, Range(1, 1000), "how many evaluations for each picture")
    count: int = param(1, Range(1, 100), "pictures, all evaluated together")
    side: int = param(8, Range(1, 512), "of the latents; an evaluation takes the longer the larger they are")


@dataclass
class Network:
    """Takes `seconds` for a row of eight pixels a side, longer for wider ones; logs whose rows it was given."""

    log: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    key: str = "network"
    batch_rows: int = 1
    seconds: float = 0.004

    def __call__(self, x, timesteps, context):
        self.log += [self.names[int(who)] for who in context["who"][:, 0]]
        time.sleep(self.seconds * x.shape[-1] / 8)
        return x * 0.5


@dataclass
class Painter:
    """Evaluates the network as a sampler does, a frame for each step, and logs each picture that is done."""

    network: Network = field(default_factory=Network)
    name: str = "painter"
    request_type: type[Request] = Painting

    def stream(self, request, devices):
        network = self.network
        network.names.append(request.prompt)
        who = torch.full((request.count, 1), len(network.names) - 1)
        x = torch.zeros(request.count, 1, request.side, request.side)
        try:
            yield Progress("loading")
            for i in range(request.num_inference_steps):
                x = devices.worker().evaluate(network, Rows(x, torch.zeros(request.count), {"who": who}))
                network.log.append(f"{request.prompt} frame")
                yield frame(i + 1, request.num_inference_steps)
        except StopEarly:
            return
        network.log.append(f"{request.prompt} done")
        yield Result(picture(1), ({"name": request.prompt},))


class Learner(Counting):
    """Learns without the worker, until it is stopped."""

    def stream(self, request, devices):
        try:
            for step in range(request.steps):
                time.sleep(0.004)
                self.log.append("learned")
                yield Loss(step, {"loss": 0.0})
        except StopEarly:
            return


@pytest.fixture
def devices():
    manager = DeviceManager("cpu", threads=1, probe=Machine, turns=Turns(ahead=TIGHT))
    yield manager
    manager.close()


def after(log: list[str], since: int, until: str, name: str) -> int:
    """How many of that entry stand after place `since` and before the first `until` there."""
    there = log[since:]
    return there[: there.index(until)].count(name)


@pytest.mark.parametrize("as_one_job", [False, True])
def test_who_comes_after_32_pictures_is_served_as_if_there_were_few(make, as_one_job):  # noqa: F811
    painter = Painter()
    queue, log = make(painter, further_places=FURTHER), painter.network.log
    if as_one_job:
        queue.submit("painter", Painting("A", count=32, num_inference_steps=4), "a")
    else:
        for _ in range(32):
            queue.submit("painter", Painting("A", num_inference_steps=4), "a")
    wait(lambda: log.count("A") >= 2)
    since = len(log)
    others = [queue.submit("painter", Painting("B"), "b") for _ in range(2)]
    others += [queue.submit("painter", Painting("C"), "c") for _ in range(3)]
    over(*others)
    for name in ("B", "C"):
        first = log[since:].index(f"{name} frame")
        assert len([entry for entry in log[since : since + first] if entry in "ABC"]) <= 2 * 4
    done = len(log) - 1 - log[::-1].index("C done")
    assert log[:done].count("A done") < 6 and log[:done].count("B done") == 2
    if as_one_job:
        assert log[since:done].count("A") <= 2 * 3 * 4, "its share, though all of its rows were one evaluation"


def test_four_steps_beside_a_hundred_long_ones_wait_for_one_of_them_at_most(make):  # noqa: F811
    painter = Painter()
    queue, log = make(painter, further_places=FURTHER), painter.network.log
    large = [queue.submit("painter", Painting("A", num_inference_steps=100, side=256), "a") for _ in range(3)]
    wait(lambda: log.count("A frame") >= 1)
    since = len(log)
    over(queue.submit("painter", Painting("B", num_inference_steps=4), "b"))
    assert after(log, since, "B done", "A") <= 2
    assert not any(job.over for job in large)


@dataclass
class InBlocks(Network):
    """The same in 64 blocks, between which others may come."""

    def __post_init__(self) -> None:
        self.blocks = nn.ModuleList(nn.Identity() for _ in range(64))
        open_between(self.blocks)

    def __call__(self, x, timesteps, context):
        self.log += [self.names[int(who)] for who in context["who"][:, 0]]
        for block in self.blocks:
            time.sleep(self.seconds * x.shape[-1] / 8 / 64)
            x = block(x)
        return x


def test_four_steps_are_done_in_the_midst_of_one_long_evaluation(make):  # noqa: F811
    painter = Painter(InBlocks(seconds=0.04))
    queue, log = make(painter, further_places=FURTHER), painter.network.log
    queue.submit("painter", Painting("A", num_inference_steps=100, side=512), "a")
    wait(lambda: log.count("A") == 2)
    since = len(log)
    over(queue.submit("painter", Painting("B", num_inference_steps=4), "b"))
    assert after(log, since, "B done", "A frame") == 0, "what the long one has had so far counts while it runs"


def test_a_training_has_a_share_as_any_picture(make):  # noqa: F811
    painter = Painter()
    learner = Learner("points-training", log=painter.network.log)
    queue, log = make(painter, learner, further_places=FURTHER), painter.network.log
    training = queue.submit("points-training", Steps("t", 100_000), "a")
    wait(lambda: log.count("learned") > 20)
    before = training.turn.seconds
    pictures = [queue.submit("painter", Painting(name, num_inference_steps=60), name) for name in "BCD"]
    over(*pictures)
    learned, painted = training.turn.seconds - before, [job.turn.seconds for job in pictures]
    assert min(painted) / 3 <= learned <= 1.5 * max(painted) + 0.05, "not the time of all three, though beside them"


def test_invented_clients_at_one_address_do_not_take_all_places(make):  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    crowd = [queue.submit("counting", Steps("x"), f"invented-{i}", "10.0.0.66") for i in range(20)]
    mine = queue.submit("counting", Steps("mine"), "ada", "10.0.0.7")
    assert sum(map(running, crowd)) == CLIENTS_OF_ADDRESS and running(mine)
    generator.hold.set()
    over(mine, *crowd)


def test_jobs_that_take_an_hour_do_not_hold_all_places(make):  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    hours = [queue.submit("counting", Steps("x"), f"client-{i}") for i in range(2 + FURTHER)]
    assert all(map(running, hours))
    late = [queue.submit("counting", Steps("late"), f"late-{i}") for i in range(30)]
    assert not any(map(running, late))
    for job in hours:
        wait(lambda job=job: job.turn)
        job.turn.seconds = LONG_SECONDS
    queue.seen(late[0].client)
    assert sum(map(running, late)) == 2 + FURTHER and all(map(running, hours))
    generator.hold.set()
    over(*hours, *late)


def test_one_client_has_no_more_places_than_before(make):  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    mine = [queue.submit("counting", Steps(f"{i}"), "me") for i in range(5)]
    assert sum(map(running, mine)) == 2
    generator.hold.set()
    over(*mine)


def test_who_had_much_time_comes_after_those_who_had_little():
    long = [Job("counting", Steps(), "long") for _ in range(3)]
    short = [Job("counting", Steps(), "short") for _ in range(4)]
    took = {"long": 60.0, "short": 10.0}
    names = [one.client for one in Order().order([*long, *short], lambda client: 0.0, lambda one: took[one.client])]
    assert names[:2] == ["long", "short"] and names[2:5] == ["short"] * 3
    names = [one.client for one in Order().order([*long, *short], lambda client: 60.0 * (client == "long"))]
    assert names[:4] == ["short"] * 4


def test_a_stop_is_felt_while_the_job_gives_way(make, devices):  # noqa: F811
    painter = Painter()
    queue = make(painter, further_places=FURTHER)
    with devices.turns.of("somebody") as other, other.waiting():  # is owed time, and never takes it
        job = queue.submit("painter", Painting("A", num_inference_steps=1000), "a")
        wait(lambda: devices.turns.ahead("a") > TIGHT)
        steps = painter.network.log.count("A")
        queue.cancel(job.id, "a")
        over(job)
        assert painter.network.log.count("A") <= steps + 1


def test_a_job_that_gives_way_waits_again_at_the_next_start(make, devices, tmp_path):  # noqa: F811
    painter = Painter()
    queue = make(painter, further_places=FURTHER, path=tmp_path / "waiting.json")
    with devices.turns.of("somebody") as other, other.waiting():
        job = queue.submit("painter", Painting("A", num_inference_steps=1000), "a")
        wait(lambda: devices.turns.ahead("a") > TIGHT)
        queue.close()
    again = make(painter, path=tmp_path / "waiting.json").get(job.id)
    assert not again.over and again.interruptions == 1
    again.cancel()
    over(again)


class Crowded(Counting):
    """Its model has room once no `other` holds the device."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: list[str] = []
        self.held = True

    def stream(self, request, devices):
        self.tried.append(request.name)
        if request.name == "late" and self.held:
            yield Progress("loading")
            raise NoRoom("No room for the model {key}.", key="x")
        yield from super().stream(request, devices)


def test_a_job_without_room_beside_others_waits_and_is_not_lost(make):  # noqa: F811
    generator, store = Crowded(), Shelf()
    generator.hold.clear()
    queue = make(generator, store=store, further_places=FURTHER)
    first = queue.submit("counting", Steps("first"), "a")
    wait(lambda: running(first))
    late = queue.submit("counting", Steps("late"), "b")
    wait(lambda: generator.tried.count("late") == 1 and late.state is JobState.WAITING)
    wait(lambda: queue.stats()["waiting"])
    assert late.position == 0 and not late.over
    assert running(queue.submit("counting", Steps("other"), "c")), "others go on"
    time.sleep(0.05)
    assert generator.tried.count("late") == 1, "and it is not tried again as long as nothing has changed"
    generator.held = False
    generator.hold.set()
    over(late)
    assert late.state is JobState.DONE and len(late.image_ids) == 1 and late.error is None


def test_a_job_without_room_alone_fails_with_the_reason(make):  # noqa: F811
    generator = Crowded()
    job = make(generator).submit("counting", Steps("late"), "b")
    over(job)
    assert job.state is JobState.FAILED and job.error is not None and job.error.code == "no_room"


def test_a_job_that_waits_for_room_can_be_taken_back(make):  # noqa: F811
    generator = Crowded()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    wait(lambda: running(queue.submit("counting", Steps("first"), "a")))
    late = queue.submit("counting", Steps("late"), "b")
    wait(lambda: generator.tried.count("late") == 1 and late.state is JobState.WAITING)
    wait(lambda: late in queue.list("b") and queue.stats()["waiting"] == 1)
    queue.cancel(late.id, "b")
    assert late.over and late.state is JobState.CANCELLED
    generator.hold.set()


def test_a_clients_waiting_jobs_are_capped_with_a_sentence(make):  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    with pytest.raises(Busy, match=r"160 of your jobs wait, the most that one visitor may have\. Try again when"):
        for _ in range(200):
            queue.submit("counting", Steps("a", 1), "a")
    assert running(queue.submit("counting", Steps("b", 1), "b"))
    generator.hold.set()


# ---- what is foretold


def jobs(*clients: str) -> list[Job]:
    return [Job("painter", Painting(client), client) for client in clients]


def told(running: list[Job], waiting: list[Job], seconds: dict[str, float | None], places: Places) -> dict[str, tuple]:
    prospects = forecast(running, waiting, lambda job: seconds[job.request.values()["prompt"]], places)
    return {
        job.request.values()["prompt"]: (prospects[job.id].starts_in, prospects[job.id].ends_in)
        for job in running + waiting
    }


def test_clients_that_run_share_the_time_evenly_and_who_waits_starts_when_a_place_is_free():
    a, b, c = jobs("a", "b", "c")
    times = told([a, b], [c], {"a": 10.0, "b": 4.0, "c": 3.0}, Places(2, 0))
    assert times == {"a": (0.0, 17.0), "b": (0.0, 8.0), "c": (8.0, 14.0)}


def test_a_clients_own_jobs_share_what_it_has():
    a1, a2, b = jobs("a1", "a2", "b")
    a1.client = a2.client = "a"
    times = told([a1, a2, b], [], {"a1": 5.0, "a2": 5.0, "b": 10.0}, Places(3, 0))
    assert times == {"a1": (0.0, 20.0), "a2": (0.0, 20.0), "b": (0.0, 20.0)}


def test_what_depends_on_a_time_that_is_not_known_is_not_said():
    a, b, c, d = jobs("a", "b", "c", "d")
    times = told([a, b], [c, d], {"a": None, "b": 4.0, "c": None, "d": 1.0}, Places(2, 0))
    assert times == {"a": (0.0, None), "b": (0.0, 8.0), "c": (8.0, None), "d": (None, None)}


def test_a_training_that_waits_for_another_is_not_foretold_before_its_end():
    first, second = (Job("points-training", Painting(name), name) for name in ("first", "second"))
    times = told([first], [second], {"first": 60.0, "second": 30.0}, Places(2, 4))
    assert times["second"] == (60.0, 90.0)


def test_a_line_of_hundreds_is_foretold_soon():
    waiting = jobs(*(f"c{i % 40}" for i in range(400)))
    for job in waiting:
        job.kind  # noqa: B018
    started = time.process_time()
    assert forecast([], waiting, lambda job: 1.0, Places(2, 4))[waiting[-1].id].ends_in == 400.0
    assert time.process_time() - started < 1


def test_place_and_times_are_told_during_the_wait(make):  # noqa: F811
    painter = Painter(Network(seconds=0.02))
    queue = make(painter)
    over(queue.submit("painter", Painting("a", num_inference_steps=10), "a"))
    mine = [queue.submit("painter", Painting(f"{i}", num_inference_steps=50), "a") for i in range(4)]
    last = mine[-1]
    queue.list()
    assert last.position == 1 and last.starts_in is not None and last.ends_in is not None
    assert 0.5 < last.starts_in < last.ends_in
    over(*mine)
    places = [event.snapshot["position"] for _, event in last.events() if isinstance(event, StateChange)]
    assert places[-1] is None and last.starts_in is last.ends_in is None


def test_watchers_hear_of_times_only_when_they_are_clearly_others():
    (job,) = jobs("a")
    numbers = []
    for starts_in in (None, 100.0, 99.0, 90.0, 74.0, 73.0, 50.0, None):
        job.place(0, starts_in, None)
        numbers.append(len(job.log.since(-1, True)) and job.log.since(-1, True)[-1][0])
    heard = [b != a for a, b in zip(numbers, numbers[1:], strict=False)]
    assert heard == [True, False, False, True, False, True, True]
    assert job.starts_in is None


def test_a_job_that_runs_says_with_how_many_it_shares(make, devices):  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    queue = make(generator, further_places=FURTHER)
    one = queue.submit("counting", Steps("a"), "a")
    wait(lambda: one.progress.stage == "loading")
    two = queue.submit("counting", Steps("b"), "b")
    wait(lambda: two.progress.stage == "loading")
    queue.list()
    assert one.snapshot()["sharing"] == two.snapshot()["sharing"] == 1
    generator.hold.set()
    over(one, two)
    assert one.snapshot()["sharing"] == 0


def test_paces_are_learned_from_jobs_that_are_done_and_scale_with_steps_and_pictures(devices):
    paces, job = Paces(), Job("painter", Painting("a", num_inference_steps=10, count=2), "a")
    with devices.turns.of("a") as turn:
        pass
    turn.seconds = 40.0
    job.turn = turn
    paces.learn(job)
    assert paces.seconds(job) is None, "it is not done"
    job.start()
    job.finish()
    paces.learn(job)
    assert paces.seconds(Job("painter", Painting("b", num_inference_steps=5), "b")) == 10.0
    assert paces.seconds(Job("painter", Painting("a", side=64), "a")) is None, "nothing like it has run"


def test_what_is_left_comes_from_others_like_it_else_from_its_own_steps_if_these_are_counted_once(devices):
    paces, request = Paces(), Painting("a", num_inference_steps=10)
    with devices.turns.of("a") as turn:
        pass
    for generator, left in (("text-to-image", 30.0), ("grid", None)):
        job = Job(generator, request, "a")
        job.turn, turn.seconds = turn, 20.0
        job.observe(frame(1, 10))
        assert paces.left(job) is None, "the first step says little"
        job.observe(frame(4, 10))
        assert paces.left(job) == left
    done = Job("grid", request, "a")
    done.turn, turn.seconds = turn, 50.0
    done.start()
    done.finish()
    paces.learn(done)
    turn.seconds = 20.0
    assert paces.left(job) == 30.0
    turn.seconds = 60.0
    assert paces.left(job) is None, "it takes longer than the others, nobody knows how much"


@pytest.mark.slow
def test_a_real_picture_has_the_same_pixels_alone_and_where_others_come_in_its_midst(tmp_path):
    manager, store = DeviceManager("cpu", threads=1, probe=Machine, turns=Turns(ahead=TIGHT)), ImageStore(tmp_path)
    queue = JobQueue(manager, store, further_places=FURTHER)
    side = 6 * embedded.SIDE  # beyond what runs in one piece outside of PyTorch
    wide = {"prompt": "a red heart", "width": side, "height": side, "num_inference_steps": 2, "seed": 3}

    def pixels(job: Job) -> np.ndarray:
        wait(lambda: job.over, PATIENT)
        assert job.error is None
        return np.asarray(Image.open(store.path(job.image_ids[0])))

    def sketched(seed: int) -> np.ndarray:
        job = queue.submit("sketch", SketchRequest(prompt="a blue circle", seed=seed), "b")
        wait(lambda: job.over, PATIENT)
        return job.frames()[-1].x0_pred

    alone = pixels(queue.submit("text-to-image", TextToImageRequest(**wide), "a"))
    sketches = [sketched(seed) for seed in range(3)]
    served = Spy(manager.worker())
    large = queue.submit("text-to-image", TextToImageRequest(**wide), "a")
    wait(lambda: large.progress.stage == "denoising", PATIENT)
    assert all(np.array_equal(sketched(seed), sketches[seed]) for seed in range(3))
    assert np.array_equal(pixels(large), alone)
    assert served.between, "some came in the midst of an evaluation"
    queue.close()
    manager.close()


class Spy:
    """Counts the evaluations that come in the midst of others."""

    def __init__(self, worker) -> None:
        self.between = 0
        answer = worker._answer

        def counted(torch, parts, between=False):
            self.between += between
            return answer(torch, parts, between)

        worker._answer = counted
