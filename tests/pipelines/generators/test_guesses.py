"""The sheet of what a picture would have been, had it been stopped earlier."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.engine.job import JobState
from pipelines.generators.guesses import chosen, drawn
from pipelines.requests.guesses import GuessesRequest
from pipelines.store.parents import KINDS
from tests.pipelines.diffusion.test_branch import STEPS, Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()


def test_each_is_the_picture_that_stop_at_gives_and_the_network_is_not_asked(studio: Studio) -> None:
    picture = studio.paint()
    before = studio.evaluations()
    job = studio.queue.submit("guesses", GuessesRequest.parse({"picture": picture}), "me")
    list(job.events())
    assert job.state is JobState.DONE and studio.evaluations() == before, job.error
    recipe = studio.store.recipe(job.image_ids[0])
    assert recipe["steps"] == [1, 2, 3, 4, 5] and recipe["of"] == STEPS and recipe["notes"]
    assert recipe["parents"] == [{"kind": "earlier", "id": picture, "digest": studio.store.digest(picture)}]
    assert recipe["parents"][0]["kind"] in KINDS
    assert picture in [node.key for node in studio.store.family(job.image_ids[0]).nodes]
    alone = [studio.store.pixels(studio.paint(stop_at=k / STEPS)) for k in range(1, STEPS + 1)]
    sheet = drawn(alone, [1, 2, 3, 4, 5], STEPS, "en")
    assert np.array_equal(np.asarray(Image.open(studio.store.path(job.image_ids[0]))), sheet)


@pytest.mark.parametrize(
    ("total", "most", "steps"),
    [(5, 8, [1, 2, 3, 4, 5]), (20, 4, [5, 10, 15, 20]), (30, 6, [5, 10, 15, 20, 25, 30]), (1, 8, [1])],
)
def test_steps_are_taken_evenly_with_the_last(total: int, most: int, steps: list[int]) -> None:
    assert chosen(total, most) == steps


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_cell_has_its_picture_and_its_own_label(language: str) -> None:
    cells = [np.full((40, 60, 3), 10 * i, np.uint8) for i in range(1, 7)]
    sheet = drawn(cells, [1, 2, 3, 4, 5, 6], 6, language)
    colours = {tuple(pixel) for row in sheet[::3, ::3] for pixel in row}
    assert {(10 * i,) * 3 for i in range(1, 7)} <= colours
    assert not np.array_equal(sheet, drawn(cells, [1, 2, 3, 4, 5, 7], 6, language))
