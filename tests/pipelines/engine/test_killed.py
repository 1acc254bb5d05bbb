"""A studio that is killed at any named moment, or stopped, finds every job again and saves every picture once."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.store.images import ImageStore
from tests.pipelines.engine.killed_studio import MOMENTS

ROOT = Path(__file__).parents[3]
on_unix = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
pytestmark = on_unix


class Studios:
    """Lives of studios, each in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.pipelines.engine.killed_studio"]
        self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def live(self, folder: Path, moment: str, *jobs: str, kill_after: tuple[int, int] | None = None) -> dict[str, Any]:
        assert self._server.stdin and self._server.stdout
        plan = {"folder": str(folder), "moment": moment, "jobs": jobs, "kill_after": kill_after}
        print(json.dumps(plan), file=self._server.stdin, flush=True)
        return json.loads(self._server.stdout.readline())

    def killed(self, folder: Path, moment: str, *jobs: str) -> list[str]:
        """The ids of the jobs that were acknowledged before the process died."""
        life = self.live(folder, moment, *jobs)
        assert life["status"] == -signal.SIGKILL
        return life["ids"]

    def settled(self, folder: Path) -> dict[str, dict]:
        """All jobs as the next start knows them when nothing runs any more."""
        life = self.live(folder, "never")
        assert life["status"] == 0
        return life["jobs"]

    def close(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(30)


@pytest.fixture(scope="module")
def studios() -> Iterator[Studios]:
    server = Studios()
    yield server
    server.close()


def saved(folder: Path) -> dict[str, tuple[str, int]]:
    """Each picture's id, and the job's name and the number in its recipe."""
    pictures = ImageStore(folder).list(limit=1000)
    return {info.id: (info.recipe["name"], info.recipe["number"]) for info in pictures}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_acknowledged_job_is_done_after_the_next_start_with_each_picture_once(
    studios: Studios, tmp_path: Path, moment: str
):
    acknowledged = studios.killed(tmp_path, moment, "a:1", "x:3", "b:2")
    assert acknowledged
    jobs = studios.settled(tmp_path)
    assert set(acknowledged) <= set(jobs)
    assert {job["state"] for job in jobs.values()} == {"done"}
    pictures = saved(tmp_path)
    assert set(Counter(pictures.values()).values()) == {1}, "one was saved twice"
    for job in jobs.values():
        name, count = job["request"]["name"], job["request"]["count"]
        assert [pictures[image_id] for image_id in job["image_ids"]] == [(name, number) for number in range(count)]
    assert studios.settled(tmp_path).keys() == jobs.keys(), "and it knows them at the start after that"


def test_a_job_that_is_there_at_two_deaths_in_a_row_is_not_started_again_and_its_neighbour_is(
    studios: Studios, tmp_path: Path
):
    first, _other = studios.killed(tmp_path, "step", "x:1", "b:1")
    assert studios.killed(tmp_path, "step") == []
    jobs = studios.settled(tmp_path)
    assert jobs[first]["state"] == "failed" and jobs[first]["error"]["code"] == "interrupted"
    assert "Try it again" in jobs[first]["error"]["message"] and len(jobs[first]["error"]["message"]) < 300
    assert Counter(job["state"] for job in jobs.values()) == {"failed": 1, "done": 1}
    assert set(saved(tmp_path).values()) == {("b", 0)}


def test_a_stop_brings_running_jobs_back_as_waiting_without_a_second_picture(studios: Studios, tmp_path: Path):
    life = studios.live(tmp_path, "stopped", "a:16", "b:16")
    assert life["status"] == 0
    on_disk = json.loads((tmp_path / "waiting-1.json").read_text())
    assert on_disk["running"] == [] and len(on_disk["waiting"] + on_disk["finished"]) == 2
    assert {row["deaths"] for row in on_disk["waiting"]} <= {0}
    jobs = studios.settled(tmp_path)
    assert set(life["ids"]) == set(jobs) and {job["state"] for job in jobs.values()} == {"done"}
    assert Counter(saved(tmp_path).values()) == Counter((name, number) for name in "ab" for number in range(16))


def test_the_file_is_its_owners_alone(studios: Studios, tmp_path: Path):
    studios.killed(tmp_path, "step", "x:1")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("waiting*")}
    assert {"waiting-1.json", "waiting-1.lock"} <= modes.keys()  # and what was being written, if it died then
    assert set(modes.values()) == {0o600}


def test_kills_from_outside_lose_no_job(studios: Studios, tmp_path: Path):
    """Killed while it submits, and while it paints, wherever it is then; what it printed must be found again."""
    acknowledged: list[str] = []
    for jobs, pictures in ((1, 0), (2, 0), (5, 0), (12, 1), (12, 10), (12, 30)):
        life = studios.live(tmp_path, "never", *["a:2"] * 12, kill_after=(jobs, pictures))
        assert life["status"] == -signal.SIGKILL and len(life["ids"]) >= jobs
        acknowledged += life["ids"]
    jobs = studios.settled(tmp_path)
    assert set(acknowledged) <= set(jobs)
    assert {job["state"] for job in jobs.values()} <= {"done", "failed"}
    assert {job["error"]["code"] for job in jobs.values() if job["error"]} <= {"interrupted"}
    listed = [image_id for job in jobs.values() for image_id in job["image_ids"]]
    assert len(listed) == len(set(listed)) and set(listed) == set(saved(tmp_path))
