"""Another turn from a step of a picture: the same bits where nothing changes, and only the steps that are left cost."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.device.manager import DeviceManager
from pipelines.engine.job import Job, JobState
from pipelines.engine.queue import JobQueue
from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.images import ImageStore
from pipelines.store.trajectories import TrajectoryStore
from pipelines.theory.samplers import SAMPLERS
from pipelines.theory.trajectory import Trajectory
from tests.embedded import NAME, SIDE
from tests.tiny import tiny_model

STEPS, K = 5, 3
SMALL = {"prompt": "a red fox", "model": NAME, "width": SIDE // 2, "height": SIDE // 2, "seed": 5, "upscale": "none"}
SMALL |= {"num_inference_steps": STEPS}


class Studio:
    """A queue with a folder; `paint` runs one request to its end."""

    def __init__(self, folder: Path, devices: DeviceManager, most_bytes: int = 2**24) -> None:
        self.devices, self.store, self.kept = devices, ImageStore(folder), TrajectoryStore(most_bytes)
        self.queue = JobQueue(devices, self.store, trajectories=self.kept)

    def run(self, generator: str = "text-to-image", **values: Any) -> Job:
        from pipelines.engine import registry

        asked = registry.get(generator).request_type.parse(SMALL | values)
        job = self.queue.submit(generator, asked, "me")
        list(job.events())
        return job

    def paint(self, **values: Any) -> str:
        """The id of the picture, or of the first of several."""
        job = self.run(**values)
        assert job.state is JobState.DONE, job.error
        return job.image_ids[0]

    def steps(self, image_id: str) -> Trajectory:
        kept = self.kept.get(image_id)
        assert kept is not None
        return kept

    def file(self, image_id: str) -> bytes:
        from PIL import Image

        return np.asarray(Image.open(self.store.path(image_id))).tobytes()

    def evaluations(self) -> int:
        return self.devices.worker().stats.evaluations


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


def answers(trajectory: Trajectory) -> torch.Tensor:
    return torch.cat([answer for leg in trajectory.legs for answer in leg.answers])


def same(one: Trajectory, other: Trajectory) -> bool:
    return torch.equal(answers(one), answers(other)) and torch.equal(one.path.sigmas, other.path.sigmas)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_unchanged_branch_is_the_picture_in_every_bit_and_costs_only_the_steps_that_are_left(studio, sampler):
    before = studio.evaluations()
    parent = studio.paint(sampler=sampler, eta=0.5)
    whole = studio.evaluations() - before
    for k in (1, K):
        before = studio.evaluations()
        child = studio.paint(sampler=sampler, eta=0.5, branch_from=parent, branch_step=k)
        assert same(studio.steps(child), studio.steps(parent)) and studio.file(child) == studio.file(parent)
        left = sum(len(step) for step in studio.steps(parent).legs[0].answers[k:])
        asked = sum(len(step) for step in studio.steps(parent).legs[0].answers)
        assert (studio.evaluations() - before) * asked == whole * left


def test_a_branch_keeps_what_was_before_its_step_and_changes_what_comes_after(studio):
    parent = studio.paint()
    child = studio.paint(prompt="a blue bird", branch_from=parent, branch_step=K)
    theirs, ours = answers(studio.steps(parent)), answers(studio.steps(child))
    assert torch.equal(ours[:K], theirs[:K]) and not torch.equal(ours[K], theirs[K])
    assert studio.file(child) != studio.file(parent)


def test_another_sampler_starts_with_no_history(studio):
    """Without one DPM++ 2M begins with an Euler step, so the first state after the branch is Euler's own."""
    parent = studio.paint(sampler="euler")
    child = studio.paint(sampler="dpmpp_2m", branch_from=parent, branch_step=2)
    theirs, ours = answers(studio.steps(parent)), answers(studio.steps(child))
    assert torch.equal(ours[:4], theirs[:4]) and not torch.equal(ours[4], theirs[4])
    assert [leg.first for leg in studio.steps(child).legs] == [0, 2]


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_3m_sde", "dpmpp_2m"])
def test_branches_of_branches_repeat_too(studio, sampler):
    parent = studio.paint(sampler=sampler)
    turned = {"sampler": sampler, "prompt": "a blue bird", "seed": 9}
    child = studio.paint(**turned, branch_from=parent, branch_step=2, branch_noise=0.5)
    assert studio.file(child) == studio.file(studio.paint(**turned, branch_from=child, branch_step=K))
    plain = studio.paint(**turned, branch_from=parent, branch_step=2)
    assert studio.file(plain) == studio.file(studio.paint(**turned, branch_from=plain, branch_step=K))


def test_the_seed_decides_the_noise_that_follows_and_that_which_is_renewed(studio):
    parent = studio.paint(sampler="euler_ancestral")
    again, other = (studio.paint(sampler="euler_ancestral", seed=s, branch_from=parent, branch_step=2) for s in (5, 6))
    assert studio.file(again) == studio.file(parent) != studio.file(other)
    still = studio.paint()
    assert studio.file(still) == studio.file(studio.paint(seed=6, branch_from=still, branch_step=K))
    renewed = [studio.paint(seed=s, branch_from=still, branch_step=2, branch_noise=1) for s in (5, 6)]
    assert len({studio.file(picture) for picture in (still, *renewed)}) == 3


def test_another_schedule_goes_on_below_the_step(studio):
    parent = studio.paint()
    child = studio.paint(sigma_schedule="karras", num_inference_steps=9, branch_from=parent, branch_step=2)
    ours, theirs = (studio.steps(picture).path.sigmas for picture in (child, parent))
    assert torch.equal(ours[:3], theirs[:3]) and len(ours) > len(theirs) and (ours.diff() < 0).all()


def test_pictures_of_one_branch_are_the_same_alone_and_together(studio):
    parent = studio.paint(sampler="euler_ancestral")
    turned = {"sampler": "euler_ancestral", "branch_from": parent, "branch_step": 2, "branch_noise": 0.4}
    job = studio.run(**turned, count=2)
    alone = [studio.paint(**turned, seed=seed) for seed in (5, 6)]
    assert [studio.file(picture) for picture in job.image_ids] == [studio.file(picture) for picture in alone]


def test_the_recipe_names_the_parent_and_paints_the_same_picture(studio):
    child = studio.paint(branch_from=(parent := studio.paint()), branch_step=K, prompt="a bird")
    asked = studio.store.recipe(child)["request"]
    assert (asked["branch_from"], asked["branch_step"]) == (parent, K)
    assert studio.file(studio.paint(**asked)) == studio.file(child)


def test_steps_that_are_not_in_memory_any_more_are_painted_again(tmp_path, devices):
    first = Studio(tmp_path, devices)
    parent = first.paint(sampler="dpmpp_3m_sde", count=2)
    child = first.paint(sampler="dpmpp_3m_sde", seed=9, branch_from=parent, branch_step=2, branch_noise=0.3)
    first.queue.close()
    later = Studio(tmp_path, devices, most_bytes=0)
    before = later.evaluations()
    again = later.paint(sampler="dpmpp_3m_sde", seed=9, branch_from=child, branch_step=K)
    assert later.evaluations() - before == STEPS  # two of the parent's, one of the child's, and what is left
    assert later.file(again) == first.file(child)
    later.queue.close()


def test_a_stopped_picture_is_gone_on_with(studio):
    job = studio.queue.submit("text-to-image", TextToImageRequest.parse(SMALL), "me")
    for _, event in job.events():
        if isinstance(event, Frame) and event.index == K:
            studio.queue.cancel(job.id, "me")
    (stopped,) = job.image_ids
    done = studio.store.recipe(stopped)["unfinished"]["step"]
    assert K <= done < STEPS
    assert studio.file(studio.paint(branch_from=stopped, branch_step=done)) == studio.file(studio.paint())


def test_the_scrubber_has_the_steps_before_the_branch_too(studio):
    parent = studio.run()
    child = studio.run(branch_from=parent.image_ids[0], branch_step=K, prompt="a bird")
    theirs, ours = parent.frames(), child.frames()
    assert [frame.index for frame in ours] == list(range(STEPS + 1))
    shared = zip(theirs[1:K], ours[1:K], strict=True)
    assert all(np.array_equal(a.x, b.x) and np.array_equal(a.x0_pred, b.x0_pred) for a, b in shared)


def test_a_grid_shows_the_paths_that_were_not_taken(studio):
    parent = studio.paint()
    axes = {"x_field": "seed", "x_values": "1,2", "y_field": "branch_step", "y_values": "1,3"}
    job = studio.run("grid", **axes, branch_from=parent, branch_step=1, branch_noise=1)
    assert job.state is JobState.DONE, job.error
    *cells, sheet = job.image_ids
    assert len({studio.file(cell) for cell in cells}) == 4
    assert studio.store.recipe(sheet)["axes"][1]["field"] == "branch_step"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"branch_step": 0}, "branch_step 0"),
        ({"branch_step": STEPS}, f"1 to {STEPS - 1}"),
        ({"branch_step": 50}, f"1 to {STEPS}"),
        ({"branch_step": 2, "width": SIDE}, f"{SIDE // 2} x {SIDE // 2}; got {SIDE} x {SIDE // 2}"),
        ({"branch_step": 2, "model": "tiny"}, f"model of its picture, {NAME}; got tiny"),
        ({"branch_step": 2, "branch_from": "20260101-000000-000000"}, "not here any more"),
        ({"branch_step": 2, "branch_from": "../secret"}, "not here any more"),
    ],
    ids=str,
)
def test_what_cannot_be_branched_is_refused_and_says_why(studio, tmp_path, monkeypatch, wrong, why):
    tiny_model(tmp_path / "tiny", "tiny")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    values = {"branch_from": studio.paint()} | wrong
    try:
        job = studio.run(**values)
        said = str(job.error and job.error.message)
    except (BadRequest, NotFound) as error:
        said = str(error)
    assert why in said


def test_a_picture_of_another_kind_has_no_steps(studio):
    image_id = studio.store.save(np.zeros((64, 64, 3), np.uint8), {"generator": "family", "request": {}}, "me")
    with pytest.raises(BadRequest, match="step by step"):
        studio.run(branch_from=image_id, branch_step=1)


def test_recipes_that_name_each_other_end(tmp_path, devices):
    """A stranger's files may say anything."""
    studio = Studio(tmp_path, devices, most_bytes=0)
    ids = [studio.store.new_id() for _ in range(2)]
    for own, other in (ids, ids[::-1]):
        asked = json.loads(json.dumps(SMALL | {"branch_from": other, "branch_step": 1}))
        recipe = {"generator": "text-to-image", "request": asked}
        studio.store.save(np.zeros((64, 64, 3), np.uint8), recipe, "me", image_id=own)
    job = studio.run(branch_from=ids[0], branch_step=1)
    assert job.error and "more than 32 branches" in job.error.message
    studio.queue.close()


def test_the_store_keeps_what_was_asked_for_last_within_its_budget(studio):
    kept = studio.steps(studio.paint())
    store = TrajectoryStore(2 * kept.nbytes)
    for name in ("a", "b"):
        store.add(name, kept)
    assert store.get("a") is kept
    store.add("c", kept)
    assert store.get("b") is None and store.get("a") is store.get("c") is kept and store.nbytes == 2 * kept.nbytes


def test_a_branch_and_what_is_painted_from_it_name_their_parents(studio, tmp_path):
    from pipelines.store.inputs import InputStore

    studio.queue._inputs = inputs = InputStore(tmp_path)
    parent = studio.paint(seed=77)
    child = studio.paint(seed=77, prompt="a bird", branch_from=parent, branch_step=K)
    kept = inputs.add(studio.store.handed_out(child))
    painted = studio.paint(image=kept.id, strength=0.5, seed=78)
    found = {(one.parent, one.child, one.kind) for one in studio.store.family(parent).edges}
    assert found == {(parent, child, "branch"), (child, painted, "image")}
    inputs.close()
