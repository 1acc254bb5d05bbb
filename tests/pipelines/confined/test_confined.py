"""A confined child answers calls, outlives none of its faults, and the next call finds another."""

import os
import threading
import time
from pathlib import Path

import pytest

from pipelines.confined import process
from pipelines.confined.worker import Worker
from pipelines.errors import BadFile, BadRequest, Busy

CHILD = "tests.pipelines.confined.confined_child"


@pytest.fixture
def worker():
    made = Worker(CHILD, "picture", seconds=60.0, most_bytes=2**20)
    yield made
    made.close()


def test_data_goes_in_and_comes_back_and_the_child_stays(worker: Worker) -> None:
    first, data = worker.call("echo", {"say": "é"}, b"abc")
    assert (first["said"], data) == ("é", b"cba")
    assert first["pid"] != os.getpid()
    assert worker.call("echo", {"say": ""})[0]["pid"] == first["pid"]


def test_what_the_child_refuses_is_its_own_sentence(worker: Worker) -> None:
    with pytest.raises(BadRequest, match="this is refused") as refused:
        worker.call("refuse")
    assert refused.value.sentence.template == "{what} is refused."
    assert refused.value.sentence.values == {"what": "this"}


def test_what_a_child_says_is_read_within_bounds() -> None:
    """Whatever it read may have taken it over."""
    long = process.sentence_of({"message": "m" * 5000, "template": "t" * 5000, "values": {}})
    assert len(long) == len(long.template) == process.LONGEST_MESSAGE
    alien = process.sentence_of({"message": ["m"], "template": {"a": 1}, "values": {"a": [1]}})
    assert (alien, alien.values) == ("['m']", {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("fail", "cannot be read"),
        ("die", "brought down the process"),
        ("fill", "more memory"),
        ("spin", "brought down the process"),
    ],
)
def test_a_fault_is_a_sentence_and_the_next_call_is_answered(worker: Worker, call: str, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence) as refused:
        worker.call(call)
    assert "/secret" not in str(refused.value)
    assert worker.call("echo", {"say": "well"})[0]["said"] == "well"


def test_a_killed_child_loses_no_call(worker: Worker) -> None:
    for _ in range(3):
        pid = worker.call("echo", {"say": ""})[0]["pid"]
        os.kill(pid, 9)
        assert worker.call("echo", {"say": "well"})[0]["said"] == "well"


@pytest.mark.slow
def test_a_call_that_kills_is_made_once_more_and_one_that_computes_too_long_is_not(worker: Worker) -> None:
    worker.call("echo", {"say": ""})
    started = count_starts(worker)
    for call, more in (("die", 1), ("spin", 0)):
        with pytest.raises(BadFile, match="brought down"):
            worker.call(call)
        assert len(started) == more
        started.clear()
        worker.call("echo", {"say": ""})
        started.clear()


def count_starts(worker: Worker) -> list[str]:
    started: list[str] = []
    start = worker._started

    def counted() -> object:
        before = worker._child
        child = start()
        if child is not before:
            started.append("child")
        return child

    worker._started = counted  # type: ignore[method-assign]
    return started


def test_a_call_that_hangs_ends_with_its_time() -> None:
    worker = Worker(CHILD, "picture", seconds=0.5, most_bytes=2**20)
    worker.call("echo", {"say": ""})
    began = time.monotonic()
    with pytest.raises(BadFile, match="took more than"):
        worker.call("sleep")
    assert time.monotonic() - began < 5
    worker.close()


def test_no_file_can_be_written(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        worker.call("write", {"path": str(tmp_path / "beside")})
    assert not (tmp_path / "beside").exists()


def test_a_data_larger_than_agreed_ends_the_child_not_the_studio(worker: Worker) -> None:
    with pytest.raises(BadFile):
        worker.call("echo", {"say": ""}, bytes(2**21))
    assert worker.call("echo", {"say": "well"})[0]["said"] == "well"


@pytest.mark.slow
def test_one_call_at_a_time_and_nobody_waits_for_ever() -> None:
    worker = Worker(CHILD, "picture", seconds=5.0, most_bytes=2**20, patience=0.2)
    worker.call("echo", {"say": ""})
    hanging = threading.Thread(target=lambda: pytest.raises(BadFile, worker.call, "sleep"))
    hanging.start()
    time.sleep(0.3)
    with pytest.raises(Busy):
        worker.call("echo", {"say": ""})
    hanging.join()
    worker.close()


def test_an_idle_child_ends_and_a_used_one_is_replaced() -> None:
    worker = Worker(CHILD, "picture", seconds=5.0, most_bytes=2**20, lifetime=2, idle=0.1)
    pids = [worker.call("echo", {"say": ""})[0]["pid"] for _ in range(3)]
    assert pids[0] == pids[1] != pids[2]
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pids[2]}").exists():
        assert time.monotonic() < deadline, "the idle child stays"
        time.sleep(0.05)
