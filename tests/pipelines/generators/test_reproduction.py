"""A picture made once more says whether it is the same, from which step on it is not, and what is another machine's."""

from typing import Any

import numpy as np
import pytest
import torch

from pipelines.diffusion.trace import digest
from pipelines.engine.job import Job, JobState
from pipelines.engine.queue import JobQueue
from pipelines.store import pictures
from pipelines.store.images import ImageStore
from pipelines.store.reproduction import SETTINGS, Made, compared
from pipelines.store.trajectories import TrajectoryStore
from tests.embedded import NAME, SIDE

SMALL = {"prompt": "a red fox", "model": NAME, "width": SIDE // 2, "height": SIDE // 2, "seed": 5, "upscale": "none"}
SMALL |= {"num_inference_steps": 4}


class Studio:
    def __init__(self, folder, devices) -> None:
        self.store = ImageStore(folder)
        self.queue = JobQueue(devices, self.store, trajectories=TrajectoryStore())

    def run(self, generator: str = "text-to-image", **values: Any) -> Job:
        from pipelines.engine import registry

        asked = registry.get(generator).request_type.parse(values)
        job = self.queue.submit(generator, asked, "me")
        list(job.events())
        assert job.state is JobState.DONE, job.error
        return job

    def paint(self, **values: Any) -> str:
        return self.run(**(SMALL | values)).image_ids[0]

    def check(self, image_id: str) -> list[str]:
        job = self.run("reproduction", picture=image_id)
        assert not job.image_ids
        return job.notes

    def forged(self, image_id: str, pixels: np.ndarray | None = None, **changes: Any) -> str:
        """A picture with the same pixels whose recipe says something else."""
        from PIL import Image

        recipe = self.store.recipe(image_id)
        made = {**recipe["made"], **changes.pop("made", {})}
        shown = np.asarray(Image.open(self.store.path(image_id))) if pixels is None else pixels
        return self.store.save(shown, {**recipe, "made": made, **changes})


@pytest.fixture(scope="module")
def studio(tmp_path_factory, devices):
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


@pytest.mark.parametrize(
    "values",
    [{}, {"sampler": "euler_ancestral"}, {"hires_scale": 1.5, "hires_steps": 3}, {"count": 2}, {"stop_at": 0.5}],
)
def test_a_picture_of_this_machine_comes_out_the_same(studio, values):
    job = studio.run(**(SMALL | values))
    image_id = job.image_ids[-1]
    made = Made.of(studio.store.recipe(image_id))
    assert set(made.settings) == set(SETTINGS) and len(set(made.steps)) == len(made.steps) > 1
    assert studio.check(image_id) == [f"The picture comes out the same, in every bit of its {len(made.steps)} steps."]


def test_a_branch_is_made_again_with_its_parent(studio):
    child = studio.paint(prompt="a bird", branch_from=studio.paint(), branch_step=2)
    assert studio.check(child) == ["The picture comes out the same, in every bit of its 4 steps."]


def test_it_says_at_which_step_it_parted_and_what_differs(studio):
    image_id = studio.paint()
    steps = studio.store.recipe(image_id)["made"]["steps"].split()
    other = " ".join([*steps[:2], "00000000", *steps[3:]])
    forged = studio.forged(image_id, made={"steps": other, "torch": "1.0", "threads": 64})
    parted, differs = studio.check(forged)
    assert parted == "The picture does not come out the same: it parted from the record in step 3 of 4."
    assert differs.startswith("Recorded, and here: torch: 1.0 → ") and "threads: 64 → " in differs
    (_, same) = studio.check(studio.forged(image_id, made={"steps": other}))
    assert same == "Every setting on record is the same here."


def test_other_pixels_after_the_same_steps_are_said(studio):
    image_id = studio.paint()
    black = np.zeros((SIDE // 2, SIDE // 2, 3), np.uint8)
    first, _ = studio.check(studio.forged(image_id, black))
    assert first.startswith("All 4 steps are the same in every bit; what came after them")


def test_one_that_was_enlarged_later_is_told_by_its_steps(studio):
    image_id = studio.forged(studio.paint(), enlarged=[{"factor": "2x", "upscaler": "ours"}])
    (note,) = studio.check(image_id)
    assert note.startswith("All 4 recorded steps are the same in every bit")


@pytest.mark.parametrize("made", [None, [], {"steps": 5}, {"steps": ["x"]}, {"torch": {}, "steps": ""}, "x" * 100])
def test_a_record_that_is_none_is_no_record(studio, made):
    recipe = {"made": made, "model_hash": None}
    found = compared(recipe, {"made": {"steps": "a b"}}, None)
    assert (found.compared, found.parted, found.same, found.differences) == (0, 0, False, ())
    assert "nothing can be compared" in next(iter(found.sentences()))


def test_an_older_picture_is_compared_by_its_pixels(studio):
    image_id = studio.paint()
    recipe = {name: value for name, value in studio.store.recipe(image_id).items() if name != "made"}
    from PIL import Image

    file = pictures.path_in(studio.store.root, studio.store.new_id())
    from pipelines.store import recipe as recipes

    Image.open(studio.store.path(image_id)).save(file, pnginfo=recipes.embed(recipe))
    assert studio.check(file.stem) == ["The steps are not on record; the picture has the same pixels."]


def test_a_digest_is_of_every_bit():
    x = torch.randn(4, 8, 8)
    other = x.clone()
    other.view(torch.int32)[3, 7, 7] ^= 1
    assert digest(x) == digest(x.clone()) != digest(other)
    assert digest(x.to(torch.bfloat16)) != digest(x)


def test_a_digest_costs_next_to_nothing():
    """32 KiB, as of Stable Diffusion 1 at 512 x 512, whose step takes 30 ms on a fast card: 1 % of it is 300 µs."""
    import time

    x = torch.randn(4, 64, 64)[: 2**13 // 64 // 64 * 4]
    digest(x)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        digest(x)
        times.append(time.perf_counter() - start)
    assert min(times) < 300e-6
