"""Every picture tells machines that it was made by AI, and no reader of its settings notices."""

import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import copies, foreign, pictures, pixels, recipe, source_type
from pipelines.store.images import ImageStore
from pipelines.store.source_type import COMPOSITE, TRAINED

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
REQUEST = TextToImageRequest.of(prompt="a panda, 熊猫", seed=7).values()


def colour(number: int) -> np.ndarray:
    return np.full((16, 16, 3), number, np.uint8)


def save(store: ImageStore, number: int = 1, request: dict | None = None, **more) -> str:
    return store.save(colour(number), recipe.new("text-to-image", REQUEST | (request or {}), **more))


def declared(data: bytes) -> str:
    """As a stranger reads it: a whole XML document in the place where the format keeps XMP."""
    with Image.open(io.BytesIO(data)) as image:
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp", "")
    packet = packet.decode() if isinstance(packet, bytes) else packet
    if not packet:
        return ""
    (value,) = ElementTree.fromstring(packet).iter(IPTC)
    return str(value.text)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


@pytest.mark.parametrize("kind", ["png", *copies.KINDS])
def test_it_is_in_every_format_that_is_handed_out(store: ImageStore, kind: str):
    made = save(store)
    data = store.handed_out(made) if kind == "png" else copies.copy(store.path(made), kind, 90)
    assert declared(data) == f"http://cv.iptc.org/newscodes/digitalsourcetype/{TRAINED}"


def test_the_settings_read_the_same_with_and_without_it(store: ImageStore, tmp_path: Path):
    silent = ImageStore(tmp_path / "silent", declared=False)
    one, other = store.path(save(store)), silent.path(save(silent))
    assert recipe.read(one)["request"] == recipe.read(other)["request"]
    with Image.open(one) as image, Image.open(other) as plain:
        assert image.info["parameters"] == plain.info["parameters"]
        assert image.getexif() == plain.getexif() == {}
        assert np.array_equal(np.asarray(image), np.asarray(plain))
    for kind in ("png", *copies.KINDS):
        read = [
            foreign.read(file.read_bytes() if kind == "png" else copies.copy(file, kind, 90), TextToImageRequest)
            for file in (one, other)
        ]
        assert read[0] == read[1] and read[0].settings["prompt"] == "a panda, 熊猫"


@pytest.mark.parametrize("kind", ["png", *copies.KINDS])
def test_it_can_be_left_out(tmp_path: Path, kind: str):
    store = ImageStore(tmp_path, declared=False)
    made = save(store)
    assert declared(store.handed_out(made) if kind == "png" else copies.copy(store.path(made), kind, 90)) == ""


def of(store: ImageStore, image_id: str) -> str:
    return source_type.said(recipe.head(store.path(image_id)).texts)


@pytest.mark.parametrize("kind", ["image", "inpaint", "outpaint", "upscale"])
def test_what_somebodys_own_picture_went_into_is_a_composite_and_so_are_its_children(store: ImageStore, kind: str):
    brought = {"kind": kind, "digest": pixels.digest(colour(9)), "input": "0" * 64}
    first = save(store, 2, parents=[brought])
    child = save(store, 3, parents=[{"kind": "image", "digest": store.digest(first), "input": "0" * 64}])
    assert of(store, first) == of(store, child) == COMPOSITE


def test_what_is_made_from_a_picture_of_ours_is_not(store: ImageStore):
    first = save(store, 1)
    parent = {"kind": "inpaint", "digest": store.digest(first), "input": "0" * 64}
    assert of(store, save(store, 2, {"image": "0" * 64}, parents=[parent])) == TRAINED
    assert of(store, save(store, 3, parents=[{"kind": "branch", "id": first, "digest": "0" * 32}])) == TRAINED


def test_what_is_painted_on_a_step_is_a_composite_and_so_are_the_branches_from_it(store: ImageStore):
    first = save(store, 1)
    parent = {"kind": "branch", "id": first, "digest": store.digest(first)}
    painted = save(store, 2, {"branch_from": first, "branch_paint": "0" * 64}, parents=[parent])
    further = {"kind": "branch", "id": painted, "digest": store.digest(painted)}
    assert of(store, painted) == of(store, save(store, 3, {"branch_from": painted}, parents=[further])) == COMPOSITE
    assert of(store, save(store, 4, {"branch_from": first}, parents=[parent])) == TRAINED


def test_a_picture_that_only_leads_does_not_count(store: ImageStore):
    led = {"kind": "control", "digest": pixels.digest(colour(9)), "input": "0" * 64}
    assert of(store, save(store, 2, parents=[led])) == TRAINED


def test_a_start_picture_that_no_parent_names_is_somebodys(store: ImageStore):
    assert of(store, save(store, 2, {"image": "0" * 64})) == COMPOSITE


def test_it_is_found_when_the_index_is_gone(store: ImageStore, tmp_path: Path):
    first = save(store, 1)
    again = ImageStore(tmp_path)
    (tmp_path / "index.sqlite").unlink()
    parent = {"kind": "inpaint", "digest": pixels.digest(colour(1)), "input": "0" * 64}
    assert of(again, save(again, 2, parents=[parent])) == TRAINED
    assert pictures.read_info(again.path(first)) is not None
