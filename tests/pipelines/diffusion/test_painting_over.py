"""Paint on the guess of a step: it shows in the picture that follows, and what is beside it keeps every bit."""

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.painting_over import PaintOver
from pipelines.engine.queue import JobQueue
from pipelines.errors import BadRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.inputs import InputStore
from tests.embedded import INFO, SIDE
from tests.pipelines.diffusion.test_branch import Studio

STEPS, K = 8, 7
RED, BLUE = (220, 30, 40), (20, 60, 230)


class PaintStudio(Studio):
    """As of the branches, with a folder of pictures that are brought."""

    def __init__(self, folder: Path, devices: DeviceManager) -> None:
        super().__init__(folder, devices)
        self.queue.close()
        self.inputs = InputStore(folder)
        self.queue = JobQueue(devices, self.store, trajectories=self.kept, inputs=self.inputs)

    def bring(self, pixels: np.ndarray, role: str = "picture") -> str:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "png")
        return self.inputs.add(file.getvalue(), role).id

    def picture(self, image_id: str) -> np.ndarray:
        return np.asarray(Image.open(self.store.path(image_id)).convert("RGB")).astype(float)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, devices: DeviceManager) -> Iterator[PaintStudio]:
    made = PaintStudio(tmp_path_factory.mktemp("out"), devices)
    yield made
    made.queue.close()
    made.inputs.close()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return loading.load(INFO)


def whole(**more: Any) -> dict[str, Any]:
    size = {"width": SIDE, "height": SIDE}
    return {"prompt": "a red apple", "num_inference_steps": STEPS, **size, **more}


def left_half() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE, 3), np.uint8)
    mask[:, : SIDE // 2] = 255
    return mask


def sheet(colour: tuple[int, int, int] = RED) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def over(bundle: Bundle, picture: np.ndarray, mask: np.ndarray | None) -> PaintOver:
    named = {"branch_paint": picture} | ({} if mask is None else {"branch_mask": mask})
    asked = TextToImageRequest.of(**whole(branch_from="x", branch_step=1, **dict.fromkeys(named, "id")))
    made = PaintOver.of(dataclasses.replace(asked, pictures=named), bundle)
    assert made is not None
    return made


def guesses(bundle: Bundle, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn((count, *bundle.latent_shape(SIDE, SIDE)), generator=generator) * 0.5


def test_paint_takes_the_guess_s_place_where_the_mask_is_white_and_nowhere_else(bundle):
    before = guesses(bundle)
    after = over(bundle, sheet(), left_half())(before)
    half = before.shape[-1] // 2
    assert torch.equal(after[..., half:], before[..., half:])
    shown = bundle.decode(after[0]).astype(float)[:, : SIDE // 2 - 16]
    assert np.abs(shown - RED).mean() < 20
    assert np.abs(bundle.decode(before[0]).astype(float)[:, : SIDE // 2 - 16] - RED).mean() > 60


def test_paint_of_the_guess_s_own_colours_changes_not_one_bit(bundle):
    before = guesses(bundle, 1)
    assert torch.equal(over(bundle, bundle.decode(before[0]), left_half())(before), before)


def test_without_a_mask_the_picture_covers_all(bundle):
    after = over(bundle, sheet(), None)(guesses(bundle, 1))
    assert np.abs(bundle.decode(after[0]).astype(float) - RED).mean() < 20


def test_what_is_painted_late_shows_in_the_picture_and_the_noise_stays(studio):
    parent = studio.paint(**whole())
    paint = {"branch_paint": studio.bring(sheet(BLUE)), "branch_mask": studio.bring(left_half(), "mask")}
    child = studio.paint(**whole(branch_from=parent, branch_step=K, **paint))
    old, new = studio.picture(parent), studio.picture(child)
    left, right = np.s_[:, : SIDE // 3], np.s_[:, 2 * SIDE // 3 :]
    assert np.abs(new[left] - BLUE).mean() < 0.6 * np.abs(old[left] - BLUE).mean()
    assert np.abs(new[left] - old[left]).mean() > 4 * np.abs(new[right] - old[right]).mean()
    legs = studio.steps(child).legs
    assert torch.equal(legs[0].x, studio.steps(parent).legs[0].x)
    assert [leg.first for leg in legs] == [0, K]


def test_the_recipe_paints_the_same_picture_again_when_its_steps_are_gone(studio):
    parent = studio.paint(**whole(seed=8))
    paint = {"branch_paint": studio.bring(sheet()), "branch_mask": studio.bring(left_half(), "mask")}
    child = studio.paint(**whole(seed=8, branch_from=parent, branch_step=2, **paint))
    asked = studio.store.recipe(child)["request"]
    studio.kept._kept.clear()
    assert studio.file(studio.paint(**asked)) == studio.file(child)
    grandchild = studio.paint(**asked | {"branch_from": child, "branch_step": 3, "branch_paint": "", "branch_mask": ""})
    assert studio.file(grandchild) == studio.file(child)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"branch_paint": "1" * 64}, "got no branch_from"),
        ({"branch_from": "a", "branch_step": 1, "branch_mask": "1" * 64}, "got no branch_paint"),
    ],
)
def test_paint_without_what_it_belongs_to_is_refused(wrong, why):
    with pytest.raises(BadRequest, match=why):
        TextToImageRequest.parse(whole(**wrong))


def test_a_black_mask_is_refused_by_its_name(studio):
    parent = studio.paint(**whole())
    paint = {"branch_paint": studio.bring(sheet()), "branch_mask": studio.bring(np.zeros_like(sheet()), "mask")}
    job = studio.run(**whole(branch_from=parent, branch_step=1, **paint))
    assert job.error and "branch_mask has nothing to paint" in str(job.error.message)
