"""Shares of the device's time, by a clock of the tests' own, and evaluations that come between others."""

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack

import pytest
import torch
from torch import Tensor, nn

from pipelines import stopping
from pipelines.device.evaluations import Rows
from pipelines.device.turns import Turns, open_between
from pipelines.device.worker import Worker
from pipelines.errors import Superseded
from tests.pipelines.device.test_worker import Small, rows


class Clock:
    """Stands still unless somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def turns(clock):
    return Turns(clock, ahead=0.0)


def worked(turns: Turns, clock: Clock, costs: dict[str, float], seconds: float) -> dict[str, float]:
    """One device, one piece of work at a time: always of a client that need not give way. What each had of it."""
    had = dict.fromkeys(costs, 0.0)
    with ExitStack() as stack:
        at_work = {client: stack.enter_context(turns.of(client)) for client in costs}
        for turn in at_work.values():
            turns.stand(turn)
        while clock.now < seconds:
            client = next(client for client in costs if turns.ahead(client) <= 0)
            turns.go_on(at_work[client])
            clock.now += costs[client]
            had[client] += costs[client]
            turns.stand(at_work[client])
    return had


def test_shares_are_of_time_whatever_a_piece_of_work_costs(turns, clock):
    had = worked(turns, clock, {"large": 4.5, "small": 0.1, "other": 0.7}, 300)
    assert max(had.values()) - min(had.values()) <= 4.5


def test_who_comes_anew_is_behind_nobody_and_ahead_of_nobody(turns, clock):
    with turns.of("a"):
        clock.now = 1000.0
        with turns.of("b"):
            assert turns.ahead("b") == turns.ahead("a") == 0
            clock.now += 1
        clock.now += 500
        with turns.of("b"):  # which was away, and saved nothing up
            assert turns.ahead("b") == turns.ahead("a") == 0


def test_who_was_away_for_a_moment_still_owes_what_it_had(turns, clock):
    turns.keep(["a", "b"])
    with turns.of("b") as b:
        with b.waiting(), turns.of("a"):
            clock.now += 10
        turns.stand(b)
        with turns.of("a") as a:
            turns.stand(a)
            assert turns.ahead("a") == 10


def test_waiting_costs_nothing(turns, clock):
    with turns.of("a") as a, turns.of("b"), a.waiting():
        clock.now += 5
        assert (turns.used("a"), turns.used("b")) == (0, 5)


def test_giving_way_ends_when_the_others_have_caught_up_when_they_go_and_when_told(turns, clock):
    order: list[str] = []
    ready = threading.Event()

    def ahead(over) -> None:
        with turns.of("a") as turn:
            turns.charge(turn, 10)
            ready.set()
            turn.wait(over)
            order.append("a")

    def run(over=lambda: False) -> threading.Thread:
        ready.clear()
        thread = threading.Thread(target=ahead, args=(over,), daemon=True)
        thread.start()
        assert ready.wait(10)
        return thread

    with turns.of("b") as behind:
        told = threading.Event()
        stopped = run(told.is_set)
        told.set()
        stopped.join(10)
        assert order.pop() == "a" and clock.now == 0
        caught = run()
        order.append("b")
        clock.now += 10
        turns.charge(behind, 0)
        caught.join(10)
        assert order == ["b", "a"]
        order.clear()
        left = run()
        order.append("b")
    left.join(10)
    assert order == ["b", "a"]


def test_one_client_alone_never_waits_for_itself(turns):
    with turns.of("a") as one, turns.of("a") as other:
        turns.charge(one, 100)
        one.wait()
        other.wait()


def test_a_bench_gives_way_at_its_checks_until_it_is_stopped(turns):
    stop = threading.Event()
    with (
        turns.of("owed") as owed,
        owed.waiting(),
        turns.of("bench") as turn,
        stopping.when(stop),
        stopping.pausing(lambda: turn.wait(stopping.wanted)),
    ):
        stopping.check()
        turns.charge(turn, 5)
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(Superseded):
            stopping.check()
        assert stop.is_set()


def test_only_who_is_at_work_or_kept_is_remembered(turns):
    turns.keep(["kept"])
    for client in ("kept", *map(str, range(100))):
        with turns.of(client):
            pass
    assert turns.remembered() == 1
    turns.keep([])
    assert turns.remembered() == 0


# ---- evaluations in between


class Blocks(Small):
    """A network of blocks, between which others may come; it says when it is in its midst and waits there."""

    def __init__(self, key: str = "blocks", count: int = 6) -> None:
        super().__init__(batch_rows=1, key=key)
        torch.manual_seed(1)
        self.body = nn.ModuleDict({"blocks": nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(count))})
        self.calls: list[tuple[int, int]] = []
        self.seconds = 0.0
        open_between(self.body)

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        self.started.set()
        for i, block in enumerate(self.body["blocks"].children()):
            self.calls.append((x.shape[-1], i))
            assert self.go.wait(10)
            time.sleep(self.seconds if x.shape[-1] > 8 else 0)
            x = torch.tanh(block(x)) + timesteps[:, None, None, None]
        return x


@pytest.fixture
def shared():
    turns = Turns()
    worker = Worker(threads=1, turns=turns)
    yield turns, worker
    worker.close()


def beside(turns: Turns, worker: Worker, network: Blocks, large: Rows, small: Rows) -> tuple[Tensor, Tensor]:
    """The small one is asked once the large one is in the network."""
    answers: dict[str, Tensor] = {}
    network.go.clear()
    network.started.clear()

    def ask(client: str, asked: Rows) -> None:
        with turns.of(client):
            answers[client] = worker.evaluate(network, asked)

    threads = [threading.Thread(target=ask, args=one) for one in (("large", large), ("small", small))]
    threads[0].start()
    assert network.started.wait(10)
    threads[1].start()
    while not worker._waiting:
        time.sleep(0.001)
    network.go.set()
    for thread in threads:
        thread.join(20)
    return answers["large"], answers["small"]


def test_a_short_evaluation_comes_in_the_midst_of_a_long_one_and_both_keep_their_bits(shared):
    turns, worker = shared
    network, large, small = Blocks(), rows(1, 0, size=32), rows(1, 1, size=8)
    alone = worker.evaluate(network, large), worker.evaluate(network, small)
    network.calls.clear()
    network.seconds = 0.1
    together = beside(turns, worker, network, large, small)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
    sides = [side for side, _ in network.calls]
    assert sides.index(8) < len(sides) - 1 - sides[::-1].index(32), "the large one went on after the small one"
    assert not worker._waiting and worker.stats.evaluations == 4


def test_an_evaluation_as_long_as_the_one_that_runs_waits_for_its_end(shared):
    turns, worker = shared
    network = Blocks()
    network.seconds = 0.03
    beside(turns, worker, network, rows(1, 0, size=32), rows(1, 1, size=24))
    sides = [side for side, _ in network.calls]
    assert sides == [32] * 6 + [24] * 6


def test_what_comes_in_between_is_charged_to_its_own_client(shared):
    turns, worker = shared
    turns.keep(["large", "small"])
    network = Blocks()
    network.seconds = 0.1
    beside(turns, worker, network, rows(1, 0, size=32), rows(1, 1, size=8))
    assert turns.used("large") > 0.5 > 0.2 > turns.used("small") > 0


def test_memory_that_runs_out_in_between_leaves_the_long_one_alone_and_the_short_one_waits(shared):
    turns, worker = shared
    relieved: list[bool] = []
    worker._relieve = lambda: relieved.append(True)

    class Tight(Blocks):
        depth = 0

        def __call__(self, x, timesteps, context):
            self.depth += 1
            try:
                if self.depth > 1:
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                return super().__call__(x, timesteps, context)
            finally:
                self.depth -= 1

    network, large, small = Tight(), rows(1, 0, size=32), rows(1, 1, size=8)
    alone = worker.evaluate(network, large), worker.evaluate(network, small)
    network.calls.clear()
    network.seconds = 0.1
    together = beside(turns, worker, network, large, small)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
    assert [side for side, _ in network.calls] == [32] * 6 + [8] * 6 and not relieved


class Recording(Small):
    """Keeps the first row of every call."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rows: list[Tensor] = []

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        self.rows.append(x[0].clone())
        return super().__call__(x, timesteps, context)


def test_of_many_rows_a_client_has_its_own_between_two_calls_of_anothers(shared):
    turns, worker = shared
    network, few = Recording(batch_rows=2), rows(2, 1)
    network.go.clear()

    def ask(client: str, asked: Rows) -> None:
        with turns.of(client):
            worker.evaluate(network, asked)

    threads = [threading.Thread(target=ask, args=one) for one in (("many", rows(20, 0)), ("few", few))]
    threads[0].start()
    assert network.started.wait(10)
    time.sleep(0.02)
    threads[1].start()
    while len(worker._waiting) < 2:
        time.sleep(0.001)
    network.go.set()
    for thread in threads:
        thread.join(20)
    assert [torch.equal(row, few.x[0]) for row in network.rows] == [False, True, *[False] * 9]
    assert set(network.sizes) == {2}
