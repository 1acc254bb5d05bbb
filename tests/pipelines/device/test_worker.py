"""The worker: evaluations of several callers share batches, and nobody's numbers depend on the company."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from pipelines.device.evaluations import Rows
from pipelines.device.worker import Worker
from pipelines.errors import Busy, OutOfMemory


@dataclass
class Small:
    """A real small network: convolution, attention to the context, normalisation, linear."""

    batch_rows: int = 4
    key: str = "small"
    sizes: list[int] = field(default_factory=list)
    modes: list[bool] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.conv = nn.Conv2d(4, 32, 3, padding=1)
        self.norm = nn.GroupNorm(8, 32)
        self.attention = nn.MultiheadAttention(32, 4, kdim=16, vdim=16, batch_first=True)
        self.out = nn.Linear(32, 4)
        self.go.set()

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        self.sizes.append(len(x))
        self.modes.append(torch.is_inference_mode_enabled())
        self.started.set()
        assert self.go.wait(10)
        h = self.norm(self.conv(x) + timesteps[:, None, None, None].sin()).flatten(2).transpose(1, 2)  # (n, hw, 32)
        h = h + self.attention(h, context["words"], context["words"], need_weights=False)[0]
        return self.out(h).transpose(1, 2).reshape(x.shape)


def rows(n: int, seed: int, size: int = 8) -> Rows:
    g = torch.Generator().manual_seed(seed)
    return Rows(
        torch.randn(n, 4, size, size, generator=g),
        torch.rand(n, generator=g) * 999,
        {"words": torch.randn(n, 5, 16, generator=g)},
    )


@pytest.fixture
def worker():
    worker = Worker(threads=1)
    yield worker
    worker.close()


def together(worker: Worker, network: Small, asked: list[Rows]) -> list[Tensor]:
    """All evaluations at the same moment: they pile up while the first one is held in the network."""
    network.go.clear()
    network.started.clear()
    results: dict[int, Tensor] = {}

    def ask(i: int) -> None:
        results[i] = worker.evaluate(network, asked[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asked))]
    threads[0].start()
    assert network.started.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(worker._waiting) < len(asked) - 1:
        time.sleep(0.001)
    network.go.set()
    for thread in threads:
        thread.join()
    return [results[i] for i in range(len(asked))]


def test_evaluations_asked_at_the_same_moment_share_batches(worker):
    network = Small(batch_rows=8)
    together(worker, network, [rows(2, seed) for seed in range(5)])
    assert worker.stats.evaluations == 5
    assert worker.stats.batches == 2  # the first alone, the other four in one


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 8])
def test_results_have_the_same_bits_alone_and_in_company(worker, batch_rows):
    network = Small(batch_rows=batch_rows)
    asked = [rows(n, seed) for seed, n in enumerate([2, 1, 3, 2, 5])]
    alone = [worker.evaluate(network, r) for r in asked]
    crowd = together(worker, network, asked)
    assert all(torch.equal(a, c) for a, c in zip(alone, crowd, strict=True))


def test_results_are_those_of_the_network(worker):
    network = Small()
    asked = rows(6, seed=1)
    expected = network(asked.x, asked.timesteps, asked.context)
    torch.testing.assert_close(worker.evaluate(network, asked), expected, atol=1e-5, rtol=1e-5)


def test_every_call_has_exactly_the_networks_batch_size_and_no_gradients(worker):
    network = Small(batch_rows=4)
    for n in (1, 3, 4, 6):
        assert worker.evaluate(network, rows(n, seed=n)).shape == (n, 4, 8, 8)
    assert set(network.sizes) == {4}
    assert all(network.modes)
    assert (worker.stats.rows, worker.stats.padding) == (14, 6)


def test_results_are_ordinary_tensors_of_their_own_memory(worker):
    result = worker.evaluate(Small(), rows(1, seed=0))
    result.add_(1)  # an inference tensor would refuse
    assert result.untyped_storage().nbytes() == result.nbytes


def test_other_shapes_and_networks_are_not_mixed(worker):
    network, other = Small(), Small(key="other")
    small, large = together(worker, network, [rows(1, 0), rows(1, 1, size=16)])
    assert small.shape[-1] == 8 and large.shape[-1] == 16
    assert worker.evaluate(other, rows(1, 0)).shape == (1, 4, 8, 8)


class Slow(Small):
    """Takes so long that a caller's own work between two evaluations is short beside it, as with real networks."""

    def __call__(self, x, timesteps, context):
        time.sleep(0.06)
        return super().__call__(x, timesteps, context)


def test_callers_in_step_keep_sharing_batches(worker):
    network, steps = Slow(batch_rows=4), 12

    def loop(seed: int) -> None:
        x = rows(2, seed)
        for _ in range(steps):
            x = Rows(worker.evaluate(network, x), x.timesteps, x.context)
            time.sleep(0.002)

    threads = [threading.Thread(target=loop, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.stats.evaluations == 2 * steps
    assert worker.stats.batches < 1.6 * steps  # two jobs that merely alternate need 2 * steps


def test_a_caller_that_keeps_others_waiting_is_not_waited_for_each_time(worker):
    network, steps = Slow(batch_rows=4), 10
    done = threading.Event()

    def dawdle() -> None:
        while not done.is_set():
            worker.evaluate(network, rows(2, 0))
            time.sleep(0.2)

    slow = threading.Thread(target=dawdle)
    slow.start()
    patience: list[float] = []
    waited = worker._complete
    worker._complete = lambda group: bool(waited(group) or patience.append(0.0))
    for seed in range(steps):
        worker.evaluate(network, rows(2, seed))
    done.set()
    slow.join()
    assert len(patience) <= 6  # each futile wait asks at least twice; waiting every time would be 20 and more


def test_a_fault_in_one_callers_rows_does_not_reach_the_others(worker):
    class Picky(Small):
        def __call__(self, x, timesteps, context):
            if (timesteps < 0).any():
                raise ValueError("no such timestep")
            return super().__call__(x, timesteps, context)

    network, good = Picky(), rows(1, 1)
    bad = Rows(good.x, -good.timesteps, good.context)
    network.go.clear()
    outcomes: dict[int, object] = {}

    def ask(i: int, asked: Rows) -> None:
        try:
            outcomes[i] = worker.evaluate(network, asked)
        except ValueError as error:
            outcomes[i] = error

    threads = [threading.Thread(target=ask, args=(i, r)) for i, r in enumerate([good, bad, good])]
    threads[0].start()
    assert network.started.wait(10)
    threads[1].start()
    threads[2].start()
    while len(worker._waiting) < 2:
        time.sleep(0.001)
    network.go.set()
    for thread in threads:
        thread.join()
    assert isinstance(outcomes[1], ValueError)
    assert torch.equal(outcomes[0], outcomes[2])


class Limited(Small):
    """Memory for at most `most` rows, told the way `words` says."""

    most: int = 2
    error: Exception = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def __call__(self, x, timesteps, context):
        if len(x) > self.most:
            raise self.error
        return super().__call__(x, timesteps, context)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
)
def test_out_of_memory_ends_in_smaller_batches_and_says_so(error):
    relieved, notes = [], []
    worker = Worker(threads=1, relieve=lambda: relieved.append(True))
    network = Limited(batch_rows=8)
    network.error = error
    result = worker.evaluate(network, rows(5, 0), notes.append)
    torch.testing.assert_close(result, Small()(*vars(rows(5, 0)).values()), atol=1e-5, rtol=1e-5)
    assert relieved and notes == ["memory ran out; the network ran with 2 rows a batch"]
    assert set(network.sizes) == {2}
    worker.close()


def test_after_memory_ran_out_the_next_evaluation_has_its_full_batch_again(worker):
    network = Limited(batch_rows=8)
    before = worker.evaluate(Small(batch_rows=8), rows(3, 0))
    worker.evaluate(network, rows(3, 0))
    network.most = 8
    assert torch.equal(worker.evaluate(network, rows(3, 0)), before)


def test_not_one_row_fitting_is_a_clear_error(worker):
    network = Limited(batch_rows=4)
    network.most = 0
    with pytest.raises(OutOfMemory, match="smaller size"):
        worker.evaluate(network, rows(2, 0))
    network.most = 4
    assert len(worker.evaluate(network, rows(2, 0))) == 2


def test_other_runtime_errors_come_through_as_they_are(worker):
    class Broken(Small):
        def __call__(self, x, timesteps, context):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        worker.evaluate(Broken(), rows(1, 0))


def test_the_worker_computes_with_its_own_number_of_threads():
    seen = []

    class Counting(Small):
        def __call__(self, x, timesteps, context):
            seen.append(torch.get_num_threads())
            return x

    before = torch.get_num_threads()
    worker = Worker(threads=2)
    worker.evaluate(Counting(), rows(1, 0))
    worker.close()
    torch.set_num_threads(before)
    assert seen == [2]


def test_closing_refuses_later_evaluations_and_may_be_repeated():
    worker = Worker(threads=1)
    worker.evaluate(Small(), rows(1, 0))
    worker.close()
    worker.close()
    with pytest.raises(Busy):
        worker.evaluate(Small(), rows(1, 0))


def test_closing_wakes_who_waits():
    worker, network = Worker(threads=1), Small()
    network.go.clear()
    outcomes = []

    def ask(size: int) -> None:
        try:
            outcomes.append(worker.evaluate(network, rows(1, 0, size)))
        except Busy as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(size,)) for size in (8, 16)]
    threads[0].start()
    assert network.started.wait(10)
    threads[1].start()
    while len(worker._waiting) < 1:
        time.sleep(0.001)
    closing = threading.Thread(target=worker.close)
    closing.start()
    while not worker._closed:
        time.sleep(0.001)
    network.go.set()
    for thread in [*threads, closing]:
        thread.join(10)
    assert sorted(type(outcome) for outcome in outcomes if isinstance(outcome, Busy)) == [Busy]
    assert len(outcomes) == 2
