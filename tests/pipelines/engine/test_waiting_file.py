"""The file of jobs: whose it is, what an older one says, and what becomes of one whose studio is gone."""

import json
import os
import stat
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.engine.job import Job, JobError, JobState
from pipelines.engine.restoring import restored
from pipelines.engine.waiting_file import FINISHED, MOST_FINISHED_BYTES, RUNNING, WAITING, Jobs, WaitingFile, read
from pipelines.errors import BadRequest, NotFound
from pipelines.files.lock import FileLock
from tests.pipelines.engine.test_jobs import Counting, Steps, devices, make, over, wait  # noqa: F401 -- fixtures

ROW = {"id": "x1", "client": "me", "generator": "counting", "request": {"steps": 2}, "created": 1.0}


def job(name: str = "a") -> Job:
    return Job("counting", Steps(name), "me")


def test_what_is_written_is_read_again_with_its_part(tmp_path: Path) -> None:
    file = WaitingFile(tmp_path / "waiting-1.json")
    waiting, running, finished = job(), job(), job()
    running.start()
    running.saving, running.deaths = "p1", 1
    finished.image_ids.append("p0")
    finished.finish()
    file.write(lambda: Jobs([waiting], [running], [finished]))
    one, two, three = file.read()
    assert (one.part, two.part, three.part) == (WAITING, RUNNING, FINISHED)
    assert (one.id, two.saving, two.deaths, three.image_ids) == (waiting.id, "p1", 1, ("p0",))
    assert three.state is JobState.DONE and one.request == waiting.request.values()
    file.close()


def test_why_a_job_failed_keeps_its_template_in_the_file(tmp_path: Path) -> None:
    file, failed = WaitingFile(tmp_path / "waiting-1.json"), job()
    failed.finish(JobError.of(BadRequest("{name} must be {low:g}; got {got!r}.", name="eta", low=0.0, got="x")))
    told = failed.snapshot()["error"]
    assert (told["message"], told["values"]) == ("eta must be 0; got 'x'.", {"name": "eta", "low": "0", "got": "'x'"})
    file.write(lambda: Jobs([], [], [failed]))
    [saved] = file.read()
    assert saved.error is not None and saved.error.to_json() == told
    file.close()


def test_why_a_job_of_an_older_studio_failed_is_read_by_its_message(tmp_path: Path) -> None:
    path = tmp_path / "waiting-1.json"
    row = ROW | {"state": "failed", "error": {"code": "bad_request", "message": "It failed."}}
    path.write_text(json.dumps({"version": 1, "waiting": [], "finished": [row]}))
    [saved] = read(path)
    assert saved.error is not None
    assert saved.error.to_json() == {
        "code": "bad_request",
        "message": "It failed.",
        "template": "It failed.",
        "values": {},
    }


def test_a_job_counts_for_its_address_after_a_restart_too(tmp_path: Path) -> None:
    path = tmp_path / "waiting-1.json"
    file = WaitingFile(path)
    file.write(lambda: Jobs([Job("counting", Steps("a"), "me", address="10.0.0.7")]))
    file.close()
    (saved,) = read(path)
    store: Any = SimpleNamespace(has=lambda image_id: False)
    generator: Any = SimpleNamespace(request_type=Steps)
    assert restored(saved, lambda name: generator, store).address == "10.0.0.7"


def test_a_file_of_an_older_studio_is_read_and_then_its_owners_alone(make, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "waiting-1.json"
    path.write_text(json.dumps({"version": 1, "waiting": [ROW]}))
    path.chmod(0o644)
    queue = make(Counting(), path=path)
    over(queue.get("x1"))
    assert queue.get("x1").state is JobState.DONE
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_finished_jobs_in_the_file_are_bounded_in_bytes_and_the_newest_stay(tmp_path: Path) -> None:
    file = WaitingFile(tmp_path / "waiting-1.json")
    jobs = [job("n" * 90) for _ in range(40)]
    for one in jobs:
        one.notes.append("x" * 50_000)
    file.write(lambda: Jobs(finished=jobs))
    kept = [saved.id for saved in file.read()]
    assert 0 < len(kept) < 40 and kept == [one.id for one in jobs[-len(kept) :]]
    assert file.path.stat().st_size < MOST_FINISHED_BYTES + 10_000
    file.close()


def test_a_file_larger_than_any_list_of_jobs_is_set_aside_unread(tmp_path: Path) -> None:
    path = tmp_path / "waiting-1.json"
    with path.open("w") as file:
        file.write(json.dumps({"version": 2, "waiting": [ROW]}))
        file.write(" " * 2**27)
    assert read(path) == [] and not path.exists() and path.with_name("waiting-1.json.damaged").exists()


def test_many_writers_are_written_together_and_none_returns_before_its_job_is_in_the_file(tmp_path: Path) -> None:
    file = WaitingFile(tmp_path / "waiting-1.json")
    jobs: list[Job] = []
    writes, missing = 0, []

    def take() -> Jobs:
        nonlocal writes
        writes += 1
        return Jobs(list(jobs))

    def add() -> None:
        for _ in range(10):
            jobs.append(own := job())
            file.write(take)
            if own.id not in {saved.id for saved in read(file.path)}:
                missing.append(own.id)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missing and writes <= 80 and len(file.read()) == 80
    file.close()


def test_two_studios_never_own_one_file(tmp_path: Path) -> None:
    first = WaitingFile(tmp_path / "waiting-1.json")
    second = WaitingFile(tmp_path / "waiting-1.json")
    assert first.path != second.path
    first.close()
    third = WaitingFile(tmp_path / "waiting-1.json")
    assert third.path == first.path
    second.close()
    third.close()


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path) -> None:
    lock = FileLock.take(tmp_path / "a.lock")
    assert lock and FileLock.take(tmp_path / "a.lock") is None
    lock.release(remove=True)
    again = FileLock.take(tmp_path / "a.lock")
    assert again and (tmp_path / "a.lock").exists()
    again.release()


def test_jobs_of_a_studio_that_is_gone_go_on_at_another_port_and_its_file_goes(make, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "waiting-7.json").write_text(json.dumps({"waiting": [ROW], "running": [ROW | {"id": "x2"}]}))
    queue = make(Counting(), path=tmp_path / "waiting-8.json")
    over(queue.get("x1"), queue.get("x2"))
    assert queue.get("x2").state is JobState.DONE and queue.get("x2").interruptions == 1
    wait(lambda: sorted(path.name for path in tmp_path.glob("waiting*")) == ["waiting-8.json", "waiting-8.lock"])


def test_jobs_of_a_studio_that_lives_are_left_to_it(make, tmp_path: Path) -> None:  # noqa: F811
    generator = Counting()
    generator.hold.clear()
    owner = make(generator, path=tmp_path / "waiting-7.json", running_at_once=1)
    own = [owner.submit("counting", Steps(), "me") for _ in range(2)]
    other = make(Counting(), path=tmp_path / "waiting-8.json")
    for one in own:
        with pytest.raises(NotFound):
            other.get(one.id)
    generator.hold.set()
    over(*own)


def test_a_job_that_only_the_other_studio_can_run_stays_in_its_file(make, tmp_path: Path) -> None:  # noqa: F811
    there = tmp_path / "waiting-7.json"
    there.write_text(json.dumps({"waiting": [ROW, ROW | {"id": "x2", "generator": "unknown here"}]}))
    queue = make(Counting(), path=tmp_path / "waiting-8.json")
    assert queue.get("x1")
    with pytest.raises(NotFound):
        queue.get("x2")
    assert [saved.id for saved in read(there)] == ["x2"]


def test_a_stopped_job_stays_stopped_at_the_next_start(make, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "waiting-1.json"
    path.write_text(json.dumps({"waiting": [], "running": [ROW | {"state": "cancelled", "image_ids": ["p0"]}]}))
    queue = make(Counting(), path=path)
    assert queue.get("x1").state is JobState.CANCELLED and queue.get("x1").image_ids == ["p0"]


def test_events_of_a_restored_job_come_after_all_that_a_viewer_has_seen(make, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "waiting-1.json"
    path.write_text(json.dumps({"waiting": [], "finished": [ROW | {"state": "done", "image_ids": ["p0"]}]}))
    events = list(make(Counting(), path=path).get("x1").events(after=5000))
    assert [event.snapshot["state"] for _number, event in events] == ["done"]
