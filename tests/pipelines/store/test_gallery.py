"""All pictures found again: words, facets, marks that outlive the index, the bin, small copies."""

import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import BadFile, NotFound, StorageError
from pipelines.store import pictures, recipe
from pipelines.store.gallery import columns, gallery, marks
from pipelines.store.gallery.gallery import Answer, Change, Question
from pipelines.store.gallery.marks import Marks
from pipelines.store.gallery.searching import search_of
from pipelines.store.gallery.thumbnails import SIDE
from pipelines.store.images import ImageStore
from pipelines.store.pictures import owner_tag

PIXELS = np.full((8, 8, 3), 128, np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "pictures")


def save(store: ImageStore, prompt: str = "a red panda", client: str = "", pixels=PIXELS, **request) -> str:
    made = recipe.new("text-to-image", {"prompt": prompt, "model": "mini", "sampler": "euler", **request})
    return store.save(pixels, made, client)


def ask(store: ImageStore, text: str = "", **chosen: str) -> Answer:
    return store.gallery.ask(Question(text, {name: tuple(value.split("|")) for name, value in chosen.items()}))


def found(store: ImageStore, text: str = "", **chosen: str) -> set[str]:
    return {shown.id for shown in ask(store, text, **chosen).shown}


def mark(store: ImageStore, *ids: str, **change) -> None:
    store.gallery.mark([store.get(image_id) for image_id in ids], Change(**change))


# --- words


@pytest.mark.parametrize(
    "text",
    [
        *("panda", "pan", "RED panda", "panda red", '"red panda"', "熊猫", "大熊", "猫", "café", "cafe", "night"),
        *(
            "blurry",
            "dpmpp_2m",
            "inkwash",
            "xl-base",
            "-dog",
            "panda -dog",
            ",",
            "((",
            '"',
            "AND",
            "a OR",
            "熊猫 panda",
        ),
    ],
)
def test_a_picture_is_found_by_its_words(store: ImageStore, text: str):
    prompt = "a red panda, (cafe:1.2) 一只大熊猫 café at night and orchids <lora:inkwash:0.8>"
    wanted = save(store, prompt, negative_prompt="blurry", sampler="dpmpp_2m", model="xl-base")
    assert found(store, text) == {wanted}


@pytest.mark.parametrize(
    "text", ["anda", '"panda red"', "-panda", "panda -red", "猫熊", "pan ", "panda dog", '"re pan"']
)
def test_a_picture_is_not_found_by_other_words(store: ImageStore, text: str):
    save(store, "a red panda, 一只大熊猫")
    assert found(store, text) == set()


@pytest.mark.parametrize("text", ['"' * 50, "a* b^ {c} NEAR(d)", "col:umn", "\0", "\ud800", "x" * 10_000, "- -- ---"])
def test_nothing_that_can_be_typed_is_an_error(store: ImageStore, text: str):
    save(store)
    ask(store, text)


def test_only_the_word_at_the_end_is_being_typed():
    assert search_of("red pan").wanted == '"red" AND "pan"*' and search_of("red pan ").wanted == '"red" AND "pan"'


# --- facets


def test_facets_count_what_each_value_would_leave(store: ImageStore):
    ids = [save(store, model=model, width=8) for model in ("mini", "mini", "xl")]
    mark(store, ids[0], favourite=True, stars=4, add=("sky", "猫"))
    mark(store, ids[2], stars=4)
    facets = ask(store).facets
    assert facets["model"] == {"mini": 2, "xl": 1} and facets["tag"] == {"sky": 1, "猫": 1}
    assert facets["stars"] == {"4": 2, "0": 1} and facets["favourite"] == {"yes": 1} and facets["size"] == {"8×8": 3}
    assert facets["kind"] == {"text": 3} and list(facets["month"].values()) == [3] and "day" not in facets
    narrowed = ask(store, model="mini")
    assert narrowed.total == 2 and narrowed.facets["model"] == {"mini": 2, "xl": 1}
    assert narrowed.facets["stars"] == {"0": 1, "4": 1}
    assert found(store, model="mini", stars="4") == {ids[0]} and found(store, model="mini|xl") == set(ids)
    assert found(store, tag="nobody's") == set() and found(store, month=facets["month"].popitem()[0]) == set(ids)


@pytest.mark.parametrize(
    "request_, kind",
    [
        ({}, "text"),
        ({"image": "a"}, "image"),
        ({"image": "a", "mask_image": "b"}, "inpaint"),
        ({"image": "a", "mask_image": "b", "outpaint_left": 64}, "outpaint"),
    ],
)
def test_the_kind_of_edit_is_a_facet(store: ImageStore, request_: dict, kind: str):
    save(store, **request_)
    assert ask(store).facets["kind"] == {kind: 1}


def test_a_strangers_recipe_is_shown_as_far_as_it_makes_sense(store: ImageStore):
    odd = {"generator": ["x"], "request": {"prompt": {"a": 1}, "model": 5, "sampler": None, "loras": ["<lora:a:1>"]}}
    made = store.save(PIXELS, odd)
    assert found(store) == {made} and ask(store).facets["model"] == {}


def test_pages_hold_every_picture_once_newest_first(store: ImageStore):
    ids = [save(store) for _ in range(7)]
    pages = [store.gallery.ask(Question(offset=offset, limit=3)).shown for offset in (0, 3, 6, 9)]
    assert [shown.id for page in pages for shown in page] == ids[::-1]


def test_one_sees_only_ones_own_where_an_owner_is_asked_for(store: ImageStore):
    mine, _ = save(store, client="ada"), save(store, client="bob", model="secret")
    answer = store.gallery.ask(Question(owner=owner_tag("ada")))
    assert [shown.id for shown in answer.shown] == [mine] and answer.facets["model"] == {"mini": 1}


# --- marks


def test_marks_outlive_the_index(store: ImageStore):
    image_id = save(store)
    mark(store, image_id, favourite=True, stars=3, add=("sky",))
    (store.root / "index.sqlite").unlink()
    [shown] = ask(ImageStore(store.root)).shown
    assert (shown.favourite, shown.stars, shown.tags) == (True, 3, ("sky",))
    assert found(store, "sky") == {image_id}


def test_marks_are_changed_one_by_one_and_leave_no_file_when_none_is_left(store: ImageStore):
    image_id = save(store)
    mark(store, image_id, stars=3, add=("sky", "sea"))
    mark(store, image_id, favourite=True, remove=("sky",))
    [shown] = ask(store).shown
    assert (shown.favourite, shown.stars, shown.tags) == (True, 3, ("sea",)) and found(store, "sky") == set()
    mark(store, image_id, favourite=False, stars=0, remove=("sea",))
    assert not list(store.root.rglob(f"*{marks.ENDING}"))


def test_marks_by_another_studio_are_noticed(store: ImageStore):
    image_id = save(store)
    assert ask(store).shown[0].stars == 0
    mark(ImageStore(store.root), image_id, stars=5)
    assert ask(store).shown[0].stars == 5
    (store.root / "index.sqlite").unlink()
    marks.write(store.path(image_id), Marks(stars=2))
    assert ask(store).shown[0].stars == 2


def test_a_picture_that_is_deleted_meanwhile_is_not_marked(store: ImageStore):
    info = store.get(save(store))
    store.bin.put(info.id)
    store.gallery.mark([info], Change(stars=3))
    store._index.mark([info])
    assert found(store) == set() and not list(store.root.rglob(f"*{marks.ENDING}"))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"stars": "many", "tags": 5}', '{"stars": 1e9, "tags": [null]}', "\xff"]
)
def test_a_strangers_marks_are_read_as_far_as_they_make_sense(store: ImageStore, text: str):
    image_id = save(store)
    marks.path_of(store.path(image_id)).write_text(text, encoding="latin-1")
    [shown] = ask(store).shown
    assert (shown.favourite, shown.stars, shown.tags) == (False, 0, ())


# --- the files are the truth


def test_files_that_come_go_and_are_renamed_behind_our_back_are_noticed(store: ImageStore):
    gone, renamed = save(store), save(store)
    assert found(store) == {gone, renamed}
    path = store.path(renamed)
    store.path(gone).unlink()
    new = f"{renamed[:-4]}{int(renamed[-4:], 16) ^ 1:04x}"
    path.rename(path.with_name(f"{new}.png"))
    (path.parent / f"{renamed[:-4]}zzzz.png").write_bytes(b"half")
    half = f"{renamed[:-4]}{int(renamed[-4:], 16) ^ 2:04x}"
    (path.parent / f"{half}.png").write_bytes(path.with_name(f"{new}.png").read_bytes()[:60])
    os.utime(path.parent)
    assert found(store) == {new} and ask(store).facets["model"] == {"mini": 1}


@pytest.mark.parametrize("spoilt", [b"garbage" * 2000, b"", None, "drop table facts", "update facts set tags = '['"])
def test_a_spoilt_index_is_built_again(store: ImageStore, spoilt):
    image_id = save(store)
    mark(store, image_id, stars=3)
    ask(store)
    path = store.root / "index.sqlite"
    if isinstance(spoilt, str):
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(spoilt)
        store = ImageStore(store.root)
    elif spoilt is None:
        path.unlink()
    else:
        path.write_bytes(spoilt)
    assert found(store, "panda", stars="3") == {image_id}


def test_two_studios_on_one_folder_see_each_others_pictures(store: ImageStore):
    other = ImageStore(store.root)
    ids = {save(studio) for studio in (store, other, store, other)}
    assert found(store) == found(other) == ids
    other.bin.put(min(ids))
    assert found(store) == found(other) == ids - {min(ids)}


# --- the bin


def test_a_picture_comes_back_from_the_bin_with_its_marks(store: ImageStore):
    image_id, other = save(store, client="ada"), save(store)
    before = store.path(image_id).read_bytes()
    mark(store, image_id, stars=4)
    store.bin.put(image_id)
    assert found(store) == {other} and [info.id for info in store.bin.newest(10)] == [image_id]
    assert store.bin.newest(10, owner_tag("bob")) == [] and not store.has(image_id)
    store.rebuild()
    assert found(store) == {other}
    store.bin.restore(image_id)
    assert found(store, stars="4") == {image_id} and store.path(image_id).read_bytes() == before
    assert store.bin.newest(10) == []


def test_a_picture_in_the_bin_is_destroyed_only_when_asked_for(store: ImageStore):
    image_id = save(store)
    mark(store, image_id, stars=4)
    store.bin.put(image_id)
    store.bin.destroy(image_id)
    assert not list(store.root.rglob(f"{image_id}*"))
    with pytest.raises(NotFound):
        store.bin.restore(image_id)


def test_restoring_never_writes_over_a_picture(store: ImageStore):
    image_id = save(store)
    store.bin.put(image_id)
    path = store.root / pictures.folder_name(image_id) / f"{image_id}.png"
    path.write_bytes(b"somebody else's")
    with pytest.raises(StorageError):
        store.bin.restore(image_id)
    assert path.read_bytes() == b"somebody else's" and store.bin.get(image_id)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x", "20261123-221501-123456-9f3c"])
def test_what_is_not_in_the_bin_is_not_found(store: ImageStore, name: str):
    with pytest.raises(NotFound):
        store.bin.get(name)


def test_a_bin_that_cannot_be_made_keeps_the_picture(store: ImageStore):
    image_id = save(store)
    store.bin.folder.write_text("a file in its place")
    with pytest.raises(StorageError):
        store.bin.put(image_id)
    assert found(store) == {image_id}


# --- small copies


def test_a_thumbnail_is_made_once_and_anew_when_the_file_changes(store: ImageStore, monkeypatch: pytest.MonkeyPatch):
    from pipelines.store.gallery import thumbnails

    image_id = save(store, pixels=np.zeros((900, 600, 3), np.uint8))
    first = store.thumbnails.get(image_id)
    assert first[8:12] == b"WEBP" and max(thumbnails.Image.open(thumbnails.io.BytesIO(first)).size) == SIDE
    monkeypatch.setattr(thumbnails, "_small", lambda path: b"new")
    assert store.thumbnails.get(image_id) == first
    os.utime(store.path(image_id), (1, 1))
    assert store.thumbnails.get(image_id) == b"new" and len(list(store.root.rglob("*.webp"))) == 1


def test_a_thumbnail_that_cannot_be_kept_is_made_all_the_same(store: ImageStore):
    (store.root / ".thumbnails").write_text("a file in its place")
    assert store.thumbnails.get(save(store))[8:12] == b"WEBP"


def test_what_is_no_picture_has_no_thumbnail(store: ImageStore):
    path = store.path(save(store))
    data = bytearray(path.read_bytes())
    at = data.index(b"IDAT") + 6
    data[at : at + 8] = b"\xff" * 8
    large = io.BytesIO()
    Image.new("1", (9000, 9000)).save(large, "PNG")  # 10 kB that ask for 81 million pixels
    for content in (b"", b"\x89PNG", bytes(data), large.getvalue()):
        path.write_bytes(content)
        with pytest.raises(BadFile):
            store.thumbnails.get(path.stem)


# --- what a question costs


def test_questions_of_sqlite_never_scan_all_rows(store: ImageStore):
    save(store)
    statements = [(columns.READ, (1,)), (columns.READ_GONE, (1,)), (gallery._SHOWN, ("[1]",))]
    statements += [("delete from facts where id = ?", ("x",)), ("delete from images where id = ?", ("x",))]
    with closing(sqlite3.connect(store.root / "index.sqlite")) as db:
        for statement, values in statements:
            plan = [row[3] for row in db.execute(f"explain query plan {statement}", values)]
            assert not [step for step in plan if step.startswith("SCAN") and "json_each" not in step], (statement, plan)


def test_a_question_reads_only_rows_that_are_new(store: ImageStore):
    for _ in range(5):
        save(store)
    ask(store)
    before = store.gallery._columns
    assert ask(store).total == 5 and store.gallery._columns is before
    mark(store, ask(store).shown[0].id, stars=1)
    assert ask(store).total == 5
    with closing(sqlite3.connect(store.root / "index.sqlite")) as db:
        assert len(db.execute(columns.READ, (before.last_n,)).fetchall()) == 1
