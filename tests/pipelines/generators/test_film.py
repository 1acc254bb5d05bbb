"""A film of a saved picture's steps: from what is kept without an evaluation, from anew, and nothing where it fails."""

import errno
import io
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.diffusion import replay
from pipelines.engine.job import Job, JobState
from pipelines.errors import BadRequest, NotFound
from pipelines.generators import letters
from pipelines.generators.film_frames import Drawing, Strip, distances
from pipelines.requests.film import KINDS, SHOWS, FilmRequest
from pipelines.store import film as files
from pipelines.theory.samplers import SAMPLERS
from tests.pipelines.diffusion.test_branch import STEPS, Studio
from tests.pipelines.store.test_film import frames

BARE = {"captions": False, "curve": False, "size": 128}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


def filmed(studio: Studio, picture: str, **asked: Any) -> Job:
    job = studio.queue.submit("film", FilmRequest.parse({"picture": picture, **BARE, **asked}), "me")
    list(job.events())
    return job


def pictures(studio: Studio, job: Job) -> list[np.ndarray]:
    assert job.state is JobState.DONE, job.error
    opened = Image.open(studio.store.film_file(job.film_id, "webp"))
    found = []
    for i in range(opened.n_frames):  # type: ignore[attr-defined]
        opened.seek(i)
        found.append(np.asarray(opened.convert("RGB"), np.float32))
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_kept_steps_become_a_film_without_an_evaluation_and_end_on_the_picture(studio: Studio, sampler: str) -> None:
    picture = studio.paint(sampler=sampler)
    before = studio.evaluations()
    job = filmed(studio, picture, shows="result")
    shown = pictures(studio, job)
    assert studio.evaluations() == before and not job.image_ids
    assert len(shown) == STEPS + 1
    final = Image.open(studio.store.path(picture)).resize((128, 128), Image.Resampling.BICUBIC)
    assert np.abs(shown[-1][8:136, 8:136] - np.asarray(final, np.float32)).mean() < 6


def test_steps_that_are_gone_are_painted_once_more_and_show_the_same(studio: Studio) -> None:
    picture = studio.paint(sampler="euler_ancestral")
    child = studio.paint(sampler="euler_ancestral", prompt="a blue bird", branch_from=picture, branch_step=2)
    forgotten = Studio(studio.store.root, studio.devices)
    for one in (picture, child):
        kept, anew = (pictures(each, filmed(each, one, shows="epsilon")) for each in (studio, forgotten))
        assert np.array_equal(kept, anew)
    forgotten.queue.close()


def test_every_state_is_where_its_step_began_also_where_noise_was_exchanged(studio: Studio) -> None:
    picture = studio.paint()
    child = studio.steps(studio.paint(branch_from=picture, branch_step=2, branch_noise=0.5))
    steps = list(replay.replayed(child))
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert torch.equal(steps[0].before, child.legs[0].x) and torch.equal(steps[2].before, child.legs[1].x)
    assert not torch.equal(steps[2].before, steps[1].x) and torch.equal(steps[4].before, steps[3].x)
    for step in steps:
        assert torch.allclose(step.before, step.answer + step.level * step.eps, atol=1e-5)


def test_a_stopped_picture_and_one_of_two_passes_have_all_the_steps_that_they_were_given(studio: Studio) -> None:
    stopped = studio.paint(stop_at=0.6)
    assert len(pictures(studio, filmed(studio, stopped))) == 3 + 1
    forgotten = Studio(studio.store.root, studio.devices)
    assert len(pictures(forgotten, filmed(forgotten, stopped))) == 3 + 1
    cut = studio.store.recipe(stopped) | {"unfinished": {"step": 2, "of": 3}}  # by hand
    by_hand = studio.store.save(studio.store.pixels(stopped), cut, unfinished=True)
    assert len(pictures(forgotten, filmed(forgotten, by_hand))) == 2 + 1
    forgotten.queue.close()
    twice = studio.paint(hires_scale=1.5, hires_steps=4, hires_strength=0.5)
    assert len(pictures(studio, filmed(studio, twice))) > STEPS + 1
    refused = filmed(studio, twice, shows="epsilon")
    assert refused.error and "pictures of one pass" in refused.error.message


@pytest.mark.parametrize("kind", files.FORMATS)
def test_every_format_has_the_pace_the_hold_and_the_size_that_are_asked_for(studio: Studio, kind: str) -> None:
    job = filmed(studio, studio.paint(), kind=kind, fps=5, hold=2, size=192, shows="both")
    data = studio.store.film_file(job.film_id, kind).read_bytes()
    if kind == "mp4":
        with av.open(io.BytesIO(data)) as container:
            rate = float(container.streams.video[0].average_rate or 0)
            shown = list(container.decode(video=0))
        assert rate == 5 and len(shown) == STEPS + 10 and shown[0].width == 2 * 192 + 3 * 8
        return
    opened = Image.open(io.BytesIO(data))
    durations = []
    for i in range(opened.n_frames):  # type: ignore[attr-defined]
        opened.seek(i)
        opened.load()
        durations.append(opened.info["duration"])
    assert durations == [200] * STEPS + [2000] and opened.width == 2 * 192 + 3 * 8


def test_a_full_disk_or_a_stop_leaves_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, folder = studio.paint(), studio.store.root / "films"
    before = sorted(folder.glob("*"))

    def full(path: Any, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.store.images.write_whole", full)
        job = filmed(studio, picture)
    assert job.state is JobState.FAILED and job.error and "disk is full" in job.error.message
    job = studio.queue.submit("film", FilmRequest.parse({"picture": picture}), "me")
    for _, event in job.events():
        if getattr(event, "stage", "") == "drawing":
            studio.queue.cancel(job.id, "me")
    assert job.state is JobState.CANCELLED and sorted(folder.glob("*")) == before
    with pytest.raises(NotFound, match="this film is not here"):
        studio.store.film_file(job.film_id, "webp")


def test_a_picture_that_is_gone_or_has_no_steps_is_said(studio: Studio) -> None:
    picture = studio.paint()
    studio.store.delete(picture)
    with pytest.raises(NotFound, match="the picture is not here any more. Choose another one"):
        filmed(studio, picture)
    sheet = studio.run("grid", x_field="seed", x_values="1,2").image_ids[-1]
    with pytest.raises(BadRequest, match="painted step by step"):
        filmed(studio, sheet)
    with pytest.raises(BadRequest, match="got none"):
        FilmRequest.parse({})


def test_without_an_encoder_mp4_is_refused_in_words(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_writes_h264", lambda: False)
    job = filmed(studio, studio.paint(), kind="mp4")
    assert job.error and job.error.message.startswith("MP4 needs the encoder H.264")


def drawing(prompt: str = "", **asked: Any) -> Drawing:
    final = np.full((64, 64, 3), 200, np.uint8)
    return Drawing(FilmRequest(picture="x").changed(**asked), frames(), final, prompt)


@pytest.mark.parametrize("shows", SHOWS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_written_and_drawn_changes_with_each_step(shows: str, language: str) -> None:
    shown = list(drawing("a red fox", shows=shows, language=language).pictures())
    below = [picture[-100:] for picture in shown]
    assert all(not np.array_equal(a, b) for a, b in zip(below, below[1:], strict=False))
    assert len({picture.shape for picture in shown}) == 1 and shown[0].shape[0] % 2 == shown[0].shape[1] % 2 == 0


def test_without_a_font_for_them_words_are_english_and_the_prompt_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "FONTS", ())
    poor = drawing("五个苹果", language="zh")
    assert [str(note) for note in poor.notes] == [
        "No font on this machine has Chinese letters, so the captions are in English.",
        "No font on this machine has all letters of the prompt, so it is left out.",
    ]
    assert not drawing("five apples", language="en").notes
    assert len(list(poor.pictures())) == len(frames())


def test_a_long_prompt_takes_two_lines_and_no_more() -> None:
    short, long, longer = (drawing("a fox " * n, captions=True).strip.shape[1] for n in (1, 60, 300))
    assert short < long == longer


def test_the_curve_falls_to_nothing_at_the_last_guess() -> None:
    far = distances([np.full((64, 64, 3), level, np.uint8) for level in (0, 50, 120, 200)])
    assert far == [150, 150, 80, 0]


def test_too_large_a_film_is_refused_before_it_is_drawn(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.generators.film.MOST_PIXELS", 1000)
    job = filmed(studio, studio.paint())
    assert job.error and "Choose a smaller size" in job.error.message


def test_the_strip_has_the_pictures_own_shape() -> None:
    strip = Strip.of(FilmRequest(size=400, shows="both"), (50, 100, 3), 0)
    assert (strip.width, strip.height) == (400, 200)


def test_every_format_can_be_asked_for() -> None:
    assert tuple(files.FORMATS) == KINDS
