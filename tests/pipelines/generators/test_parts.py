"""All steps of a picture taken apart: the same as the picture's own and as one that is looked into alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pipelines.device.manager import DeviceManager
from pipelines.engine.job import Job, JobState
from pipelines.events import Frame, Snapshot
from pipelines.requests.inside import InsideRequest
from pipelines.requests.of_picture import OfPicture
from tests.pipelines.diffusion.test_branch import STEPS, K, Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


def apart(studio: Studio, picture: str) -> list[Frame]:
    job = studio.queue.submit("parts", OfPicture.parse({"picture": picture}), "me")
    list(job.events())
    assert job.state is JobState.DONE and not job.image_ids, job.error
    return job.frames()


def painted(studio: Studio, **values: Any) -> tuple[str, list[Frame]]:
    job: Job = studio.run(**values)
    return job.image_ids[0], job.frames()


def test_states_and_guesses_are_those_of_the_picture_and_each_step_costs_one_evaluation(studio: Studio) -> None:
    picture, own = painted(studio)
    before = studio.evaluations()
    steps = apart(studio, picture)
    assert studio.evaluations() - before == STEPS
    assert [step.index for step in steps] == [*range(STEPS + 1)] == [frame.index for frame in own]
    for step, frame in zip(steps, own, strict=True):
        assert np.array_equal(step.x, frame.x) and np.array_equal(step.x0_pred, frame.x0_pred)
    assert steps[0].eps is None and all(step.eps is not None and step.pull is not None for step in steps[1:])


def test_noise_and_guidance_are_what_a_look_inside_that_step_shows(studio: Studio) -> None:
    picture, _ = painted(studio)
    job = studio.queue.submit("inside", InsideRequest.parse({"picture": picture, "step": K}), "me")
    values = next(event.values for _, event in job.events() if isinstance(event, Snapshot))
    step = apart(studio, picture)[K + 1]
    assert np.array_equal(step.eps, values["noise"]) and np.array_equal(step.pull, values["pull"])


def test_without_guidance_there_is_nothing_to_show_of_it_and_nothing_is_asked(studio: Studio) -> None:
    picture, _ = painted(studio, guidance_scale=1)
    before = studio.evaluations()
    assert all(step.pull is None for step in apart(studio, picture)) and studio.evaluations() == before


def test_guidance_of_a_branch_begins_with_its_own_steps(studio: Studio) -> None:
    picture, _ = painted(studio)
    child, _ = painted(studio, prompt="a blue bird", branch_from=picture, branch_step=2)
    steps = apart(studio, child)
    assert [step.pull is not None for step in steps] == [False, False, False, True, True, True]
    assert all(step.eps is not None for step in steps[1:])
