"""The device manager: what it finds, and leases that load once and stay within the budget."""

import gc
import threading
import time
import weakref
from contextlib import ExitStack

import pytest
import torch

from pipelines.device import lost, memory
from pipelines.device.hardware import Machine, choose, hint
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest, OutOfMemory


class Weights:
    """A model of so many bytes that knows where it was put."""

    def __init__(self, nbytes: int) -> None:
        self.weight = torch.zeros(nbytes, dtype=torch.uint8)
        self.at = ""

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes

    def to(self, device: str) -> "Weights":
        self.weight, self.at = self.weight.to(device), device
        return self


@pytest.fixture
def devices():
    manager = DeviceManager("cpu", budget_bytes=1000, patience=0.2, probe=Machine)
    yield manager
    manager.close()


def keys(devices: DeviceManager) -> set[object]:
    return {model["key"] for model in devices.loaded()}


def test_a_lease_puts_the_model_on_the_device_and_keeps_it_warm(devices):
    with devices.lease("a", lambda: Weights(10)) as model:
        assert model.at == "cpu"
        assert devices.loaded() == [{"key": "a", "bytes": 10, "leases": 1}]
    with devices.lease("a", lambda: pytest.fail("loaded twice")) as again:
        assert again is model
    assert devices.loaded() == [{"key": "a", "bytes": 10, "leases": 0}]


def test_many_jobs_that_ask_at_once_load_once(devices):
    loads, models, ready = [], [], threading.Barrier(8)

    def load() -> Weights:
        loads.append(True)
        time.sleep(0.05)
        return Weights(10)

    def job() -> None:
        ready.wait()
        with devices.lease("a", load) as model:
            models.append(model)
            time.sleep(0.05)

    threads = [threading.Thread(target=job) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len(set(map(id, models))) == 1 and len(models) == 8


def test_loads_go_one_after_another(devices):
    inside, most = [], []

    def load() -> Weights:
        inside.append(True)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return Weights(10)

    def job(key: str) -> None:
        with devices.lease(key, load):
            pass

    threads = [threading.Thread(target=job, args=(str(i),)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def test_the_least_recently_used_idle_models_go_first(devices):
    for key in "abc":
        with devices.lease(key, lambda: Weights(300)):
            pass
    with devices.lease("a", lambda: Weights(300)):
        pass  # used again: now b is the oldest
    with devices.lease("d", lambda: Weights(300)):
        assert keys(devices) == {"a", "c", "d"}
    with devices.lease("e", lambda: Weights(600)):
        assert keys(devices) == {"d", "e"}


def test_a_leased_model_is_never_dropped_and_no_room_is_a_clear_error(devices):
    with devices.lease("a", lambda: Weights(600)):
        with pytest.raises(OutOfMemory, match="running jobs hold the others"):
            with devices.lease("b", lambda: Weights(600)):
                pytest.fail("over the budget")
        devices.drop_idle()
        assert keys(devices) == {"a"}


def test_who_finds_no_room_waits_until_a_lease_ends(devices):
    devices._patience = 10
    order = []

    def second() -> None:
        with devices.lease("b", lambda: Weights(600)):
            order.append("b")

    with devices.lease("a", lambda: Weights(600)):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("a")
    thread.join()
    assert order == ["a", "b"] and keys(devices) == {"b"}


@pytest.mark.slow
def test_the_budget_is_kept_whatever_is_asked(devices):
    def job(seed: int) -> None:
        for i in range(8):
            key = (seed * 7 + i * 5) % 11
            with devices.lease(str(key), lambda key=key: Weights(50 + key * 20)):
                used.append(sum(model["bytes"] for model in devices.loaded()))

    used: list[int] = []
    devices._patience = 10
    threads = [threading.Thread(target=job, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(used) == 24 and max(used) <= 1000
    assert all(model["leases"] == 0 for model in devices.loaded())


def test_a_model_larger_than_the_budget_is_a_clear_error_at_once(devices):
    with pytest.raises(OutOfMemory, match="needs .* MiB; cpu has .* raise the memory budget"):
        with devices.lease("huge", lambda: Weights(1001)):
            pass
    assert keys(devices) == set()


def test_an_error_in_the_block_gives_the_lease_back(devices):
    with pytest.raises(ZeroDivisionError):
        with devices.lease("a", lambda: Weights(10)):
            raise ZeroDivisionError
    assert devices.loaded()[0]["leases"] == 0


def test_an_error_while_loading_leaves_nothing_and_the_next_one_loads(devices):
    with pytest.raises(FileNotFoundError):
        with devices.lease("a", lambda: open("/nowhere")):  # type: ignore[arg-type]
            pass
    assert devices.loaded() == []
    with devices.lease("a", lambda: Weights(10)) as model:
        assert model.nbytes == 10


def test_memory_that_runs_out_while_loading_drops_idle_models_and_tries_again(devices):
    with devices.lease("idle", lambda: Weights(10)):
        pass

    def load() -> Weights:
        if "idle" in keys(devices):
            raise RuntimeError("CUDA error: out of memory")
        return Weights(10)

    with devices.lease("a", load):
        assert keys(devices) == {"a"}


def test_memory_that_stays_out_is_a_clear_error(devices):
    def load() -> Weights:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="smaller model"):
        with devices.lease("a", load):
            pass


def test_closing_a_generator_gives_its_leases_back(devices):
    def stream():
        with devices.lease("a", lambda: Weights(10)):
            yield 1

    running = stream()
    next(running)
    assert devices.loaded()[0]["leases"] == 1
    running.close()
    assert devices.loaded()[0]["leases"] == 0


def test_every_leasing_thread_computes_with_the_workers_number_of_threads():
    before, seen = torch.get_num_threads(), []
    manager = DeviceManager("cpu", threads=2, probe=Machine)

    def job() -> None:
        with manager.lease("a", lambda: Weights(10)):
            seen.append(torch.get_num_threads())

    thread = threading.Thread(target=job)
    thread.start()
    thread.join()
    torch.set_num_threads(before)
    assert seen == [2]


@pytest.mark.parametrize(
    ("found", "device"),
    [(("cuda", "xpu"), "cuda"), (("xpu",), "xpu"), (("mps",), "mps"), ((), "cpu")],
)
def test_the_best_device_that_torch_can_use_is_taken(found, device):
    assert DeviceManager(probe=lambda: Machine(devices=found)).device == device
    assert choose(Machine(devices=found), "cpu") == ("cpu",)


def test_a_device_that_is_not_here_is_refused_with_what_is():
    with pytest.raises(BadRequest, match="auto, mps, cpu; got 'cuda'"):
        _ = DeviceManager("cuda", probe=lambda: Machine(devices=("mps",))).device
    with pytest.raises(BadRequest, match="There is no device 'cuda:1'. Of this kind there are: cuda."):
        choose(Machine(devices=("cuda",)), "cuda:1")
    with pytest.raises(BadRequest, match="there are: cuda:0, cuda:1"):
        choose(TWO_CARDS, "cuda:0,cuda:2")
    for wrong in ("cuda:", "cuda:x", "cuda:-1", "cuda:9999999999", ",", "", "gpu"):
        with pytest.raises(BadRequest, match="device must be one of auto, cuda, mps, cpu"):
            choose(TWO_CARDS, wrong)


TWO_CARDS = Machine(devices=("cuda", "cuda", "mps"))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, ("cuda:0", "cuda:1")),
        ("auto", ("cuda:0", "cuda:1")),
        ("cuda", ("cuda:0", "cuda:1")),
        ("cuda:1", ("cuda:1",)),
        ("cuda:1, cuda:01,cuda:0", ("cuda:1", "cuda:0")),
        ("mps", ("mps",)),
        ("cpu", ("cpu",)),
    ],
)
def test_all_cards_of_the_best_kind_are_chosen_or_those_that_are_named(wanted, chosen):
    assert choose(TWO_CARDS, wanted) == chosen
    assert DeviceManager(wanted, probe=lambda: TWO_CARDS).devices == chosen


class Circle:
    """Something that only a search finds once nobody has it, as a network or a finished job."""

    def __init__(self) -> None:
        self.itself = self


def test_what_hangs_in_circles_is_given_back_at_once_and_what_was_there_before_only_thoroughly():
    gc.disable()
    try:
        old = Circle()
        memory.give_back_freed(thoroughly=True)
        new = Circle()
        here = [weakref.ref(old), weakref.ref(new)]
        del old, new
        memory.give_back_freed()
        assert here[0]() is not None and here[1]() is None
        memory.give_back_freed(thoroughly=True)
        assert here[0]() is None
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("system", ["Linux", "Windows"])
def test_an_idle_nvidia_card_is_told_with_the_command_that_mends_it(system):
    words = hint(Machine(system, cards=("nvidia",)))
    assert words.endswith(
        "pip install --force-reinstall torch==2.13.0 --index-url https://download.pytorch.org/whl/cu130"
    )
    assert len(words) < 300


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (Machine(cards=("nvidia",), built_for="cuda"), "update the driver"),
        (Machine(cards=("amd",)), "/whl/rocm"),
        (Machine(cards=("intel",)), "/whl/xpu"),
        (Machine("Darwin", cards=("apple",)), "arm64"),
        (Machine(built_for="cuda", cards=("nvidia",), too_old="GTX 980"), "GTX 980"),
    ],
)
def test_each_kind_of_idle_card_has_its_own_way_out(machine, words):
    assert words in hint(machine) and len(hint(machine)) < 300


def test_nothing_to_mend_gives_no_hint():
    assert hint(Machine(devices=("cuda",), cards=("nvidia",), built_for="cuda")) == ""
    assert hint(Machine()) == ""


def test_describe_tells_what_the_page_shows():
    manager = DeviceManager(probe=lambda: Machine(cards=("nvidia",)))
    told = manager.describe()
    assert told["device"] == "cpu" and told["dtype"] == "float32" and "cu130" in str(told["hint"])
    assert 0 < told["budget"] <= told["memory_free"] <= told["memory_total"]  # type: ignore[operator]
    assert DeviceManager("cpu", probe=lambda: Machine(cards=("nvidia",))).describe()["hint"] == ""


def test_this_machine_can_be_described():
    with ExitStack() as stack:
        manager = DeviceManager()
        stack.callback(manager.close)
        assert manager.describe()["device"] == manager.device


def test_memory_of_this_machine_is_known():
    assert 2**28 < memory.free_memory() <= memory.total_memory() < 2**50


def test_only_errors_that_say_so_are_out_of_memory():
    assert memory.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert memory.is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"))
    assert not memory.is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not memory.is_out_of_memory(ValueError("out of memory"))


def test_only_errors_after_which_nothing_runs_any_more_lose_the_card():
    assert lost.is_lost(RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."))
    assert lost.is_lost(RuntimeError("HIP error: unspecified launch failure"))
    assert not lost.is_lost(torch.OutOfMemoryError("CUDA out of memory."))
    assert not lost.is_lost(RuntimeError("CUDA error: invalid argument"))
    assert not lost.is_lost(ValueError("device-side assert"))


def test_room_is_what_running_jobs_leave(devices):
    with devices.lease("idle", lambda: Weights(300)):
        pass
    with devices.lease("a", lambda: Weights(600)):
        assert devices.has_room("b", 400) and not devices.has_room("b", 401)
        assert devices.has_room("a", 600)  # it is here already
