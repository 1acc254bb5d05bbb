"""Whose child a picture is: read from the files alone, whatever strangers wrote into them, however many there are."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.requests.others import UpscaleRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import parents, pictures, pixels, recipe
from pipelines.store.gallery import kinship
from pipelines.store.gallery.family import Family
from pipelines.store.images import ImageStore
from pipelines.store.pictures import ImageInfo, owner_tag

INPUT = "7" * 64


def colour(number: int) -> np.ndarray:
    return np.full((8, 8, 3), (number % 256, number // 256, 7), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "pictures")


def save(store: ImageStore, number: int, request: dict[str, Any] | None = None, client: str = "", **more: Any) -> str:
    made = recipe.new("text-to-image", {"prompt": f"number {number}", "seed": number} | (request or {}), **more)
    return store.save(colour(number), made, client)


def edges(found: Family) -> set[tuple[str, str, str]]:
    return {(one.parent, one.child, one.kind) for one in found.edges}


def of_pixels(kind: str, number: int, **more: str) -> dict[str, str]:
    return {"kind": kind, "digest": pixels.digest(colour(number)), **more}


def test_everybody_of_a_family_sees_all_of_it(store: ImageStore):
    first = save(store, 1)
    branch = save(store, 2, parents=[{"kind": "branch", "id": first, "digest": store.digest(first)}])
    painted = save(store, 3, parents=[of_pixels("inpaint", 2, input=INPUT)])
    varied = save(store, 4, {"prompt": "number 1", "seed": 1, "variation_strength": 0.3, "variation_seed": 9})
    larger = save(store, 5, {"prompt": "number 1", "seed": 1, "hires_scale": 1.5})
    grown = save(store, 6, enlarged=[{"factor": "2x"}], parents=[of_pixels("upscale", 3, id=painted)])
    save(store, 99)
    wanted = {(first, branch, "branch"), (branch, painted, "inpaint"), (first, varied, "variation")}
    wanted |= {(first, larger, "pass"), (painted, grown, "upscale")}
    for one in (first, branch, painted, varied, larger, grown):
        assert edges(store.family(one)) == wanted
        assert len(store.family(one).nodes) == 6


def test_the_family_moves_with_its_files_whatever_they_are_called(store: ImageStore, tmp_path: Path):
    first = save(store, 1)
    save(store, 2, parents=[{"kind": "branch", "id": first, "digest": store.digest(first)}])
    save(store, 3, parents=[of_pixels("image", 1, input=INPUT)])
    other = ImageStore(tmp_path / "other")
    for i, file in enumerate(sorted(store.root.rglob("*.png"))):
        target = pictures.path_in(other.root, pictures.new_id(1_700_000_000_000_000 + i))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (one, *_) = sorted(info.id for info in other.list())
    assert [kind for _, _, kind in sorted(edges(other.family(one)))] == ["branch", "image"]
    assert all(node.picture for node in other.family(one).nodes)


def test_a_parent_that_is_gone_stays_as_a_node_with_its_other_children(store: ImageStore):
    first = save(store, 1)
    one, other = (save(store, n, parents=[of_pixels("image", 1, input=INPUT)]) for n in (2, 3))
    store.bin.put(first)
    found = store.family(one)
    (gone,) = (node for node in found.nodes if not node.picture)
    assert gone.shown == INPUT
    assert edges(found) == {(gone.key, one, "image"), (gone.key, other, "image")}
    store.bin.restore(first)
    assert edges(store.family(other)) == {(first, one, "image"), (first, other, "image")}


def test_of_pictures_with_the_same_pixels_the_first_is_the_parent(store: ImageStore):
    first, again = save(store, 1), save(store, 1)
    child = save(store, 2, parents=[of_pixels("image", 1)])
    assert edges(store.family(child)) == {(first, child, "image")}
    assert [node.key for node in store.family(again).nodes] == [again]


def test_circles_and_pictures_that_name_themselves_end(store: ImageStore):
    ids = [store.new_id() for _ in range(3)]
    for i, image_id in enumerate(ids):
        made = recipe.new("text-to-image", {}, parents=[{"kind": "branch", "id": ids[i - 1]}])
        store.save(colour(i), made, image_id=image_id)
    assert edges(store.family(ids[0])) == {(ids[i - 1], ids[i], "branch") for i in range(3)}
    own = save(store, 7, parents=[of_pixels("image", 7)])
    assert [(one.parent, one.child) for one in store.family(own).edges] == [(f"pixels:{store.digest(own)}", own)]


@pytest.mark.parametrize(
    "said",
    [
        None, 5, "x", {}, [None, 5, []], [{"kind": "branch"}], [{"kind": "evil", "digest": "0" * 32}],
        [{"kind": "branch", "id": "../../etc/passwd"}], [{"kind": "branch", "id": ["x"]}], [{"kind": [], "digest": 5}],
        [{"kind": "image", "digest": "0" * 31}], [{"kind": "image", "digest": "0" * 33, "input": 5}],
        [[]] * 100_000,
    ],
)  # fmt: skip
def test_a_strangers_recipe_names_nobody_it_should_not(store: ImageStore, said: object):
    made = {"generator": "text-to-image", "request": {"image": {}, "branch_from": 5, "seed": []}, "parents": said}
    info = ImageInfo("20260101-000000-000000-0000", 0, 8, 8, json.loads(json.dumps(made)), digest="../x")
    assert kinship.parents_of(info) == []
    kinship.names_of(info)


def test_a_stranger_may_name_so_many_parents_only(store: ImageStore):
    many = [{"kind": "image", "digest": f"{n:032x}"} for n in range(5000)]
    assert len(kinship.parents_of(ImageInfo("x", 0, 8, 8, {"parents": many}))) == kinship.MOST_PARENTS


def test_older_recipes_say_it_by_their_request(store: ImageStore):
    first = save(store, 1)
    branch = save(store, 2, {"branch_from": first, "branch_step": 3})
    one, other = save(store, 3, {"image": INPUT, "mask_image": "8" * 64}), save(store, 4, {"image": INPUT})
    assert edges(store.family(branch)) == {(first, branch, "branch")}
    assert edges(store.family(one)) == {(f"input:{INPUT}", one, "inpaint"), (f"input:{INPUT}", other, "image")}


def test_a_sheet_descends_from_its_cells(store: ImageStore):
    cells = [save(store, n) for n in (1, 2)]
    sheet = store.save(colour(3), recipe.new("grid", {"prompt": "x"}, pictures=cells, cells=[[0], [1]]))
    for cell in cells:  # the other cells are no kin
        assert edges(store.family(cell)) == {(cell, sheet, "sheet")}
    assert edges(store.family(sheet)) == {(cell, sheet, "sheet") for cell in cells}


def test_in_a_shared_studio_only_ones_own_are_told(store: ImageStore):
    first = save(store, 1, client="me")
    mine = save(store, 2, client="me", parents=[of_pixels("image", 1)])
    theirs = save(store, 3, client="them", parents=[of_pixels("image", 1)])
    assert edges(store.family(mine, owner_tag("me"))) == {(first, mine, "image")}
    (gone, _) = sorted(store.family(theirs, owner_tag("them")).nodes, key=lambda node: node.picture is not None)
    assert gone.picture is None


def test_pictures_of_any_request_name_what_they_are_made_from():
    given = {"image": colour(1), "mask_image": colour(2), "control_image": colour(3), "ip_image": colour(4)}
    asked = TextToImageRequest.of(**{name: str(i) * 64 for i, name in enumerate(given)}, outpaint_left=64)
    asked = asked.with_pictures(lambda picture_id: list(given.values())[int(picture_id[0])])
    assert [(one["kind"], one["digest"]) for one in parents.named(asked, str)] == [
        ("outpaint", pixels.digest(colour(1))),
        ("control", pixels.digest(colour(3))),
        ("reference", pixels.digest(colour(4))),
    ]
    larger = UpscaleRequest.of(image=INPUT, source="the id").with_pictures(lambda _: colour(1))
    (one,) = parents.named(larger, str)
    assert one == {"kind": "upscale", "digest": pixels.digest(colour(1)), "input": INPUT, "id": "the id"}


def test_a_digest_is_of_colours_alone(tmp_path: Path):
    pixel = np.random.default_rng(0).integers(0, 256, (5, 9, 4), np.uint8)
    assert pixels.digest(pixel) == pixels.digest(pixel[:, :, :3])
    assert pixels.digest(pixel) != pixels.digest(pixel.reshape(9, 5, 4))


def fill(store: ImageStore, number: int, parent_of) -> list[str]:
    """Files as they lie in a folder, written without the index."""
    ids = [pictures.new_id(1_700_000_000_000_000 + i) for i in range(number)]
    image = Image.fromarray(colour(0))
    for i, image_id in enumerate(ids):
        named = [{"kind": "branch", "id": ids[parent_of(i)]}] if i else []
        chunks = PngInfo()
        chunks.add_text("aigc", json.dumps({"generator": "text-to-image", "request": {}, "parents": named}))
        path = pictures.path_in(store.root, image_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, pnginfo=chunks)
    return ids


@pytest.mark.parametrize("shape", ["chain", "star"])
def test_ten_thousand_are_told_in_time(store: ImageStore, shape: str):
    parent_of = {"chain": lambda i: i - 1, "star": lambda i: 0}[shape]
    ids = fill(store, 10_050, parent_of)
    store.list(limit=1)  # they are in the index now
    start = time.process_time()
    found = store.family(ids[5000])
    assert time.process_time() - start < 5
    assert len(found.nodes) == 10_000 and found.cut
    assert len(found.edges) == 9_999
