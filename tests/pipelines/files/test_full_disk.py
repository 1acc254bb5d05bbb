"""A job on a full disk: refused before the work where that is known, else held, and saved once there is room."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.engine.free_space import MARGIN, FreeSpace
from pipelines.engine.job import Job, JobState
from pipelines.engine.keeper import PictureKeeper
from pipelines.engine.queue import JobQueue
from pipelines.errors import StorageError
from pipelines.events import Result
from pipelines.generators.grid import GridRequest
from pipelines.generators.prompt_lines import PromptLinesRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.images import ImageStore
from tests.pipelines.engine.killed_studio import Series
from tests.pipelines.engine.test_jobs import Shelf, over, wait


class Noise:
    """Results of one noisy picture each, which no PNG makes small."""

    name, request_type = "series", Series

    def stream(self, request, devices):
        for number in range(request.count):
            pixels = np.random.default_rng(number).integers(0, 256, (1, 128, 128, 3), np.uint8)
            yield Result(pixels, ({"name": request.name, "number": number},))


def opened(store, **options) -> JobQueue:
    return JobQueue(DeviceManager("cpu", threads=1, probe=Machine), store, get=lambda name: Noise(), **options)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount") or subprocess.run(mount).returncode:
        pytest.skip("may not mount a small file system here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    handle = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(handle, b"x" * 512)
    except OSError:
        os.close(handle)
    return filler


def numbers(store: ImageStore, job: Job) -> list[int]:
    return [store.get(image_id).recipe["number"] for image_id in job.image_ids]


def test_all_pictures_of_a_job_are_held_and_saved_in_their_order_once_there_is_room(disk: Path) -> None:
    store = ImageStore(disk / "outputs")
    filler = fill(disk)
    queue = opened(store)
    job = queue.submit("series", Series("a", 4), "me")
    over(job)
    assert job.state is JobState.FAILED and "disk is full" in job.error.message  # type: ignore[union-attr]
    assert job.snapshot()["unsaved"] == 4 and queue.stats()["unsaved"] == 4 and not job.image_ids
    with pytest.raises(StorageError):
        queue.save_again(job.id, "me")
    filler.unlink()
    queue.save_again(job.id, "me")
    assert job.state is JobState.DONE and job.error is None and job.snapshot()["unsaved"] == 0
    assert numbers(store, job) == [0, 1, 2, 3]
    queue.close()


def test_they_are_saved_by_themselves_once_there_is_room(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.engine.queue.RETRY_SECONDS", 0.05)
    store = ImageStore(disk / "outputs")
    filler = fill(disk)
    queue = opened(store)
    jobs = [queue.submit("series", Series(name, 1), name) for name in "ab"]
    over(*jobs)
    filler.unlink()
    wait(lambda: all(job.state is JobState.DONE for job in jobs))
    assert [numbers(store, job) for job in jobs] == [[0], [0]]
    queue.close()


def test_a_studio_that_closes_tries_once_more(disk: Path) -> None:
    store = ImageStore(disk / "outputs")
    filler = fill(disk)
    queue = opened(store)
    job = queue.submit("series", Series("a", 1), "me")
    over(job)
    filler.unlink()
    queue.close()
    assert numbers(store, job) == [0]


def test_pictures_that_never_found_room_are_made_again_at_the_next_start(disk: Path, tmp_path: Path, caplog) -> None:
    store = ImageStore(disk / "outputs")
    filler = fill(disk)
    queue = opened(store, path=tmp_path / "waiting.json")
    job = queue.submit("series", Series("a", 2), "me")
    over(job)
    queue.close()
    assert "2 finished pictures could not be saved" in caplog.text
    filler.unlink()
    again = opened(store, path=tmp_path / "waiting.json")
    over(again.get(job.id))
    assert again.get(job.id).state is JobState.DONE and numbers(store, again.get(job.id)) == [0, 1]
    again.close()


def test_memory_for_held_pictures_is_bounded_and_what_is_let_go_is_said() -> None:
    shelf = Shelf(full=True)
    pictures, recipes = np.zeros((3, 10, 10, 3), np.uint8), ({}, {}, {})
    keeper = PictureKeeper(shelf, most_held=1000)
    first, second = Job("series", Series(), "me"), Job("series", Series(), "you")
    keeper.add(first, pictures, recipes, False)
    assert len(first.unsaved) == 3
    with pytest.raises(StorageError, match="3 of its pictures") as refused:
        keeper.add(second, pictures, recipes, False)
    assert len(str(refused.value)) < 300 and not second.unsaved
    shelf.full = False
    keeper.save(first)
    keeper.add(second, pictures, recipes, False)
    assert len(shelf.pictures) == 6


def test_saving_again_does_not_make_a_failure_a_success() -> None:
    class Broken(Noise):
        def stream(self, request, devices):
            yield from super().stream(request, devices)
            raise ValueError("a bug after the pictures")

    shelf = Shelf(full=True)
    devices = DeviceManager("cpu", threads=1, probe=Machine)
    queue = JobQueue(devices, shelf, get=lambda name: Broken())
    job = queue.submit("series", Series("a", 2), "me")
    over(job)
    shelf.full = False
    for _ in range(2):
        queue.save_again(job.id, "me")
        assert job.state is JobState.FAILED and job.error is not None and job.error.code == "bug"
    assert len(job.image_ids) == 2 and not job.unsaved
    queue.close()


def test_a_job_that_would_not_fit_is_refused_with_what_is_free_and_what_is_needed(tmp_path: Path) -> None:
    free = [MARGIN + 50_000]
    queue = opened(Shelf(), space=FreeSpace(tmp_path, lambda folder: free[0]))
    with pytest.raises(StorageError, match=r"8 MB are free, about 25 MB are needed") as refused:
        queue._space.check(TextToImageRequest.of(width=1024, height=1024, count=4, upscale="none"))  # type: ignore[union-attr]
    assert str(tmp_path) not in str(refused.value)
    job = queue.submit("series", Series("a", 1), "me")
    over(job)
    assert job.state is JobState.DONE
    queue.close()


def test_the_disk_is_asked_once_a_second_at_most_and_one_that_does_not_answer_stops_nothing(tmp_path: Path) -> None:
    asked: list[Path] = []

    def broken(folder: Path) -> int:
        asked.append(folder)
        raise OSError("gone")

    space = FreeSpace(tmp_path, broken)
    for _ in range(100):
        space.check(TextToImageRequest())
    assert len(asked) < 20


def test_a_waiting_job_looks_at_the_disk_again_when_its_turn_comes(tmp_path: Path) -> None:
    free = iter([2 * MARGIN, 0, 0])
    queue = opened(Shelf(), space=FreeSpace(tmp_path, lambda folder: next(free), fresh_seconds=0.0))
    job = queue.submit("series", Series("a", 1), "me")
    over(job)
    assert job.state is JobState.FAILED and job.error is not None and job.error.code == "storage"
    assert "free" in job.error.message and not job.unsaved
    queue.close()


@pytest.mark.parametrize(
    ("request_", "pixels"),
    [
        (TextToImageRequest.of(width=512, height=512, count=3), 512 * 512 * 3),
        (TextToImageRequest.of(width=128, height=128), 512 * 512),  # small ones are enlarged
        (TextToImageRequest.of(width=512, height=512, hires_scale=2.0, upscale="none"), 1024 * 1024),
        (GridRequest.of(width=512, height=512, x_field="seed", x_values="1-4"), 2 * 4 * 512 * 512),
        (PromptLinesRequest.of(width=512, height=512, prompt_lines="a\n\nb"), 2 * 512 * 512),
        (Series(), 0),
    ],
)
def test_a_request_knows_about_how_many_pixels_it_saves(request_, pixels: int) -> None:
    assert request_.saved_pixels() == pixels
