"""A native process may die, hang or babble at any moment: the next one gives the same answer, or it is said why."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipelines.device.native import session as sessions
from pipelines.device.native import shared
from pipelines.device.native.session import Died, Exported, Refused, Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memory is handed over by open files")

CHILD = "tests.pipelines.device.native.odd_child"
X = np.arange(6, dtype=np.float32).reshape(2, 3)
SOON = 30.0


@pytest.fixture
def opened():
    """Session(**what the child does, and when): "start" or the number of the call, in its first `lives`."""
    every: list[Session] = []

    def open_session(at: object = 0, does: str = "", lives: int = 1000, seconds: float = SOON) -> Session:
        count = iter(range(1, 1000))

        def weights() -> dict[str, np.ndarray]:
            return {"life": np.float32([next(count)]), "w": np.float32([5])}

        graph = json.dumps({"at": at, "does": does, "lives": lives}).encode()
        networks = {"odd": Exported(graph, weights)}
        every.append(Session(networks, lambda: 1, CHILD, start_seconds=SOON, call_seconds=seconds))
        return every[-1]

    yield open_session
    for session in every:
        session.close()


def ask(session: Session, x: np.ndarray = X) -> np.ndarray:
    return session.run("odd", {"x": x}, x.shape)


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def ends(pid: int) -> bool:
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_numbers_of_any_size_go_over_and_come_back(opened: Callable) -> None:
    session = opened()
    for shape in [(2, 3), (1,), (700, 1000), (2, 3), (3, 5, 7, 11)]:
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        assert np.array_equal(ask(session, x), 2 * x + 5)
    assert session.deaths == 0


def test_answers_are_not_overwritten_by_the_next_call(opened: Callable) -> None:
    session = opened()
    first = ask(session)
    ask(session, X + 100)
    assert np.array_equal(first, 2 * X + 5)


def test_a_process_killed_between_two_calls_is_started_again(opened: Callable) -> None:
    session = opened()
    ask(session)
    before = session.pid
    os.kill(before, signal.SIGKILL)
    assert np.array_equal(ask(session), 2 * X + 5)
    assert session.deaths == 1 and session.pid != before


@pytest.mark.parametrize("does", ["die", "hang", "spin", "babble"])
@pytest.mark.parametrize("at", ["start", 1, 2])
def test_a_fault_of_one_process_is_mended_by_the_next(opened: Callable, at: object, does: str) -> None:
    session = opened(at, does, lives=1, seconds=4.0)
    session._start_seconds = 10.0
    assert all(np.array_equal(ask(session), 2 * X + 5) for _ in range(3))
    assert session.deaths == 1


@pytest.mark.parametrize(("does", "seconds", "deaths"), [("die", 60.0, sessions.STARTS_A_CALL), ("hang", 1.0, 2)])
def test_a_call_that_ends_every_process_is_given_up(opened: Callable, does: str, seconds: float, deaths: int) -> None:
    session = opened(1, does, seconds=seconds)
    before = handles()
    with pytest.raises(Died):
        ask(session)
    assert (session.deaths, session.pid, handles()) == (deaths, None, before)


def test_processes_are_not_started_for_ever(opened: Callable) -> None:
    session = opened("start", "die")
    for _ in range(10):
        with pytest.raises(Died):
            ask(session)
    assert session.deaths <= sessions.MOST_DEATHS + 1


def test_deaths_long_ago_are_forgotten(opened: Callable) -> None:
    """A studio that runs for months is not to lose its speed to whoever ends a process now and then."""
    session = opened()
    for death in range(1, sessions.MOST_DEATHS + 3):
        for _ in range(sessions.SOUND_CALLS):
            ask(session)
        os.kill(session.pid, signal.SIGKILL)
        assert np.array_equal(ask(session), 2 * X + 5) and session.deaths == death


def test_a_process_rests_between_calls_and_never_in_the_midst_of_one(opened: Callable) -> None:
    session = opened(3, "hang", lives=2, seconds=4.0)
    ask(session)
    session.rest()
    assert session.pid is None
    assert np.array_equal(ask(session), 2 * X + 5) and session.deaths == 0
    ask(session)
    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(ask, session)
        while not session._turn.locked():
            time.sleep(0.01)
        pid, started = session.pid, time.monotonic()
        session.rest()
        assert time.monotonic() - started < 2 and session.pid == pid and not third.done()
        assert np.array_equal(third.result(), 2 * X + 5)


@pytest.mark.parametrize("at", ["start", 1])
def test_what_a_process_refuses_is_told(opened: Callable, at: object) -> None:
    with pytest.raises(Refused, match="I will not"):
        ask(opened(at, "refuse"))


def test_without_memory_to_share_no_page_is_touched_and_nothing_stays_open(opened: Callable, monkeypatch) -> None:
    """A page that is not there would end the whole studio by a signal."""

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    session = opened()
    before = handles()
    with monkeypatch.context() as patched:
        patched.setattr(shared.os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space"):
            ask(session)
    assert handles() == before and session.pid is None
    assert np.array_equal(ask(session), 2 * X + 5), "later there is room again"


def test_memory_that_runs_out_while_it_grows_leaves_the_process_alive(opened: Callable, monkeypatch) -> None:
    session = opened()
    ask(session)
    pid = session.pid

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shared.os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space"):
            ask(session, np.zeros(10**6, np.float32))
    assert np.array_equal(ask(session), 2 * X + 5) and session.pid == pid


def test_where_memory_really_ends_the_studio_lives_and_says_so() -> None:
    """A limit of the system's own on how far shared memory may grow, as a full /dev/shm would be one."""
    code = f"""
import resource, numpy as np
from pipelines.device.native.session import Exported, Session
x = np.ones(3, np.float32)
session = Session({{"odd": Exported(b'{{"at": 0}}', lambda: {{"life": x, "w": x}})}}, lambda: 1, {CHILD!r})
session.run("odd", {{"x": x}}, x.shape)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**22, 2**22))
large = np.ones(2**22, np.float32)
try:
    session.run("odd", {{"x": large}}, large.shape)
except OSError as fault:
    print(type(fault).__name__)
print(session.run("odd", {{"x": x}}, x.shape), session.deaths)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[4], timeout=SOON * 2
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[:2] == ["OSError", "[3. 3. 3.] 0"]


def test_nothing_lies_in_dev_shm_or_the_temporary_folder(opened: Callable, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    ask(opened())
    assert not list(tmp_path.iterdir())
    assert not os.path.isdir("/dev/shm") or set(os.listdir("/dev/shm")) <= before


def test_the_way_without_memfd_is_the_same(opened: Callable, monkeypatch) -> None:
    monkeypatch.delattr(shared.os, "memfd_create", raising=False)
    monkeypatch.delattr(shared.os, "posix_fallocate", raising=False)
    x = np.ones(10**6, np.float32)
    session = opened()
    assert np.array_equal(ask(session), 2 * X + 5) and np.array_equal(ask(session, x), 2 * x + 5)


def test_a_process_ends_with_its_session(opened: Callable) -> None:
    one = np.float32([1])
    session = Session({"odd": Exported(b'{"at": 0}', lambda: {"life": one, "w": one})}, lambda: 1, CHILD)
    ask(session)
    pid = session.pid
    del session
    gc.collect()
    assert ends(pid)


def test_a_process_ends_with_the_studio_however_that_ends() -> None:
    code = f"""
import numpy as np, time
from pipelines.device.native.session import Exported, Session
x = np.ones(3, np.float32)
session = Session({{"odd": Exported(b'{{"at": 0}}', lambda: {{"life": x, "w": x}})}}, lambda: 1, {CHILD!r})
session.run("odd", {{"x": x}}, x.shape)
print(session.pid, flush=True)
time.sleep(60)
"""
    studio = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[4])
    assert studio.stdout
    pid = int(studio.stdout.readline())
    studio.kill()
    studio.wait()
    studio.stdout.close()
    assert ends(pid)
