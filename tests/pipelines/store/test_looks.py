"""Pictures that look alike: a slightly changed copy is nearer than any other picture, whoever made it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from pipelines.data import corpus
from pipelines.store import recipe
from pipelines.store.gallery import gallery
from pipelines.store.gallery.gallery import Change, Question
from pipelines.store.gallery.looks import LENGTH, numbers_of
from pipelines.store.images import ImageStore

COUNT = 40


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(5)
    return [Image.fromarray(corpus.example(rng).picture) for _ in range(COUNT)]


def saved_again(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=30)
    return Image.open(file)


def cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 20, height // 20, width - width // 20, height - height // 20))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved as a JPEG": saved_again,
    "cropped": cropped,
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
    "less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.7),
    "paler": lambda picture: ImageEnhance.Color(picture).enhance(0.6),
    "smaller": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_slightly_changed_copy_is_nearer_than_other_pictures(pictures: list[Image.Image], change: str):
    known = np.stack([numbers_of(picture) for picture in pictures]).astype(np.float32)
    assert known.shape == (COUNT, LENGTH)
    for i, picture in enumerate(pictures):
        distances = np.square(known - numbers_of(CHANGES[change](picture)).astype(np.float32)).sum(1)
        assert distances.argmin() == i


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_every_mode_and_plain_pictures_have_numbers(mode: str):
    for size in ((8, 8), (1, 300), (640, 40)):
        assert np.isfinite(numbers_of(Image.new(mode, size))).all()


@pytest.fixture
def store(tmp_path: Path):
    store = ImageStore(tmp_path)
    yield store
    store.folders.close()


def save(store: ImageStore, picture: Image.Image, prompt: str = "a fox", client: str = "") -> str:
    made = recipe.new("text-to-image", {"prompt": prompt})
    return store.save(np.asarray(picture.convert("RGB")), made, client)


def look(store: ImageStore) -> None:
    while store.folders._follower._look_at_some():
        pass


def test_the_nearest_come_first_and_those_that_were_not_looked_at_are_counted(store: ImageStore, pictures):
    ids = [save(store, picture) for picture in pictures[:12]]
    copy = save(store, cropped(pictures[3]))
    store.folders.look_at(ids[3])
    answer = store.gallery.ask(Question(like=ids[3]))
    assert [shown.id for shown in answer.shown] == [ids[3]] and answer.unseen == 12
    look(store)
    answer = store.gallery.ask(Question(like=ids[3]))
    assert [shown.id for shown in answer.shown][:2] == [ids[3], copy] and (answer.total, answer.unseen) == (13, 0)
    near = {shown.id for shown in answer.shown}
    assert near == {*ids, copy}


def test_words_facets_and_owners_narrow_what_is_near(store: ImageStore, pictures):
    ids = [save(store, picture, f"number {i}", "ada" if i % 2 else "bob") for i, picture in enumerate(pictures[:6])]
    look(store)
    assert {s.id for s in store.gallery.ask(Question("number 4", like=ids[0])).shown} == {ids[4]}
    owner = store.get(ids[1]).client
    assert store.gallery.ask(Question(like=ids[1], owner=owner)).total == 3


def test_only_the_nearest_are_shown(store: ImageStore, pictures, monkeypatch):
    monkeypatch.setattr(gallery, "MOST_NEAR", 4)
    ids = [save(store, picture) for picture in pictures[:9]]
    look(store)
    answer = store.gallery.ask(Question(like=ids[0], limit=3))
    assert answer.total == 4 and answer.shown[0].id == ids[0] and sum(answer.facets["kind"].values()) == 4


def test_looks_stay_when_marks_change_and_go_with_the_picture(store: ImageStore, pictures):
    ids = [save(store, picture) for picture in pictures[:4]]
    look(store)
    store.gallery.mark([store.get(ids[1])], Change(stars=5))
    assert store.gallery.ask(Question(like=ids[1])).total == 4
    store.bin.put(ids[2])
    assert store.gallery.ask(Question(like=ids[1])).total == 3
    assert store._index.peek(lambda db: db.execute("select count(*) from looks").fetchone()) == (3,)
    store.rebuild()
    look(store)
    assert store.gallery.ask(Question(like=ids[1])).total == 3


def test_a_picture_that_cannot_be_read_costs_itself_alone(store: ImageStore, pictures):
    ids = [save(store, picture) for picture in pictures[:3]]
    data = bytearray(store.path(ids[1]).read_bytes())
    at = data.index(b"IDAT") + 6
    data[at : at + 8] = b"\xff" * 8
    store.path(ids[1]).write_bytes(bytes(data))
    look(store)
    assert {s.id for s in store.gallery.ask(Question(like=ids[0])).shown} == {ids[0], ids[2]}
    assert store.gallery.ask(Question(like=ids[1])).total == 0
    assert store._index.peek(lambda db: db.execute("select count(*) from looks").fetchone()) == (3,), "not tried again"
