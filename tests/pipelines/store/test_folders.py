"""Folders of other programs: found in place, followed behind our back, marked by the studio, and never changed."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import BadFile, BadRequest, NotAllowed, NotFound
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import recipe
from pipelines.store.folders import follower, head, rows
from pipelines.store.folders.folders import Folders, refuse_change
from pipelines.store.folders.named import of_command_line
from pipelines.store.folders.walk import Place
from pipelines.store.gallery.gallery import Answer, Change, Question
from pipelines.store.images import ImageStore

INFOTEXT = (
    "{prompt}\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Model: dream_8, Version: v1.10.1"
)
GRAPH = (
    '{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20, "cfg": 7, "sampler_name": "euler",'
    ' "scheduler": "normal", "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0]}},'
    ' "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "juggernaut.safetensors"}},'
    ' "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": ["4", 1]}},'
    ' "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}}}'
)
USER_COMMENT, EXIF_IFD = 0x9286, 0x8769


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "其他 program"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path, home: Path):
    store = ImageStore(tmp_path / "pictures", named=[home.resolve()])
    yield store
    store.folders.close()


def png(path: Path, light: int = 90, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_itxt(name, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (light, 100, 90)).save(path, pnginfo=info)
    return path


def a1111(path: Path, prompt: str = "a red panda", light: int = 90) -> Path:
    return png(path, light, parameters=INFOTEXT.format(prompt=prompt))


def follow(store: ImageStore, whole: bool = False) -> None:
    for one in store.folders.named.all():
        if whole:
            store.folders._follower.state(one.path).looked_whole = -follower.WHOLE
        store.folders._follower.follow(one.path)


def ask(store: ImageStore, text: str = "", **chosen: str) -> Answer:
    facets = {name: (value,) for name, value in chosen.items()}
    return store.gallery.ask(Question(text, facets, folders=store.folders.shown()))


def only(store: ImageStore, text: str = "", **chosen: str) -> str:
    [shown] = ask(store, text, **chosen).shown
    return shown.id


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(folder.rglob("*"))}


# --- what is found


def test_pictures_of_other_programs_stand_beside_the_studios_own_and_are_found_alike(store: ImageStore, home: Path):
    own = store.save(np.zeros((8, 8, 3), np.uint8), recipe.new("text-to-image", {"prompt": "a panda of ours"}))
    a1111(home / "txt2img" / "1.png", "一只大熊猫")
    png(home / "2.png", prompt=GRAPH)
    follow(store)
    answer = ask(store)
    assert answer.total == 3 and own in {shown.id for shown in answer.shown}
    assert answer.facets["tool"] == {"AUTOMATIC1111": 1, "ComfyUI": 1}
    assert answer.facets["folder"] == {str(home.resolve()): 2}
    assert ask(store, "熊猫").total == 1 and ask(store, "panda").total == 1
    assert ask(store, model="juggernaut").shown[0].title == "a castle"
    assert only(store, tool="ComfyUI") == only(store, "castle")
    assert ask(store, "熊猫", size="64×48").total == 1


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp", "PNG"])
def test_every_kind_of_picture_is_read_without_its_pixels(home: Path, ending: str):
    exif = Image.Exif()
    text = INFOTEXT.format(prompt="a fox 狐")
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + text.encode("utf-16-be")
    path = home / f"one.{ending}"
    if ending == "PNG":
        a1111(path, "a fox 狐")
    else:
        Image.new("RGB", (64, 48)).save(path, exif=exif)
    found = head.read(path)
    assert found and (found.width, found.height) == (64, 48)
    said = head.said(found)
    assert said["request"]["prompt"] == "a fox 狐" and said["tool"] == "AUTOMATIC1111"


@pytest.mark.parametrize("mode", [{"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}, {}])
def test_the_size_of_every_form_of_webp_is_known(home: Path, mode: dict):
    Image.new("RGB", (321, 123)).save(home / "a.webp", **mode)
    found = head.read(home / "a.webp")
    assert found and (found.width, found.height) == (321, 123)


def test_what_has_no_recipe_is_found_by_its_name(store: ImageStore, home: Path):
    png(home / "Urlaub am Meer.png")
    follow(store)
    assert ask(store, "meer").shown[0].title == "Urlaub am Meer" and ask(store).facets["tool"] == {}


def test_names_of_every_kind_are_read(store: ImageStore, home: Path):
    for name in ("图画.png", "тест.png", "a b&c%20'.png", "é" * 80 + ".png", "-rf.png", "new\nline.png"):
        a1111(home / name)
    odd = os.fsencode(home) + b"/\xff\xfe.png"
    shutil.copy(home / "-rf.png", odd)
    follow(store)
    answer = ask(store)
    assert answer.total == 7
    for shown in answer.shown:
        assert store.folders.read(shown.id)[1] == "image/png"
        assert store.folders.recipe(shown.id, TextToImageRequest)["request"]["seed"] == 5


def test_a_recipe_says_settings_tool_file_and_what_the_studio_has_no_field_for(store: ImageStore, home: Path):
    a1111(home / "1.png")
    follow(store)
    said = store.folders.recipe(only(store), TextToImageRequest)
    assert (said["request"]["prompt"], said["request"]["seed"], said["tool"]) == (
        "a red panda",
        5,
        "AUTOMATIC1111 v1.10.1",
    )
    assert said["file"].endswith("1.png") and said["unsaid"]


# --- behind our back


def test_new_deleted_renamed_and_changed_files_are_followed(store: ImageStore, home: Path):
    first, second = a1111(home / "a" / "1.png", "one"), a1111(home / "a" / "2.png", "two")
    follow(store)
    assert ask(store).total == 2
    first.unlink()
    second.rename(home / "a" / "second.png")
    a1111(home / "b" / "3.png", "three")
    follow(store)
    assert {shown.title for shown in ask(store).shown} == {"two", "three"}
    a1111(home / "b" / "3.png", "changed in its place")
    os.utime(home / "b", (1, 1))
    follow(store, whole=True)
    assert {shown.title for shown in ask(store).shown} == {"two", "changed in its place"}
    shutil.rmtree(home / "a")
    follow(store)
    assert {shown.title for shown in ask(store).shown} == {"changed in its place"}


def test_a_folder_that_has_not_changed_is_not_read_again(store: ImageStore, home: Path, monkeypatch):
    a1111(home / "a" / "1.png")
    for folder in (home / "a", home):
        os.utime(folder, (1_700_000_000, 1_700_000_000))
    follow(store)
    monkeypatch.setattr(
        os, "scandir", lambda path, scan=os.scandir: pytest.fail("read") if str(path).endswith("/a") else scan(path)
    )
    follow(store)
    assert ask(store).total == 1


def test_a_picture_that_is_still_being_copied_is_shown_once_it_is_whole(store: ImageStore, home: Path):
    whole = a1111(home / "whole.png").read_bytes()
    (home / "whole.png").unlink()
    for kind, data in (("png", whole), ("jpg", _bytes("JPEG")), ("webp", _bytes("WEBP"))):
        path = home / f"half.{kind}"
        path.write_bytes(data[: len(data) // 2])
        follow(store)
        assert ask(store).total == 0, kind
        path.write_bytes(data)
        follow(store)
        assert ask(store).total == 1, kind
        path.unlink()
        follow(store)


def _bytes(kind: str) -> bytes:
    import io

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def test_damaged_files_cost_themselves_alone(store: ImageStore, home: Path):
    a1111(home / "good.png")
    for name, data in (
        ("a.png", b""),
        ("b.png", b"\x89PNG\r\n\x1a\n" + b"\xff" * 99),
        ("c.jpg", b"\xff\xd8\xff\xe1\0"),
        ("d.webp", b"RIFF\0\0\0\0WEBP"),
    ):
        (home / name).write_bytes(data)
        os.utime(home / name, (1_700_000_000, 1_700_000_000))
    (home / "folder.png").mkdir()
    os.mkfifo(home / "pipe.png")
    follow(store)
    [state] = store.folders.states()
    assert ask(store).total == 1 and (state.pictures, state.damaged, state.left) == (1, 4, 0)


def test_a_file_that_kills_its_reader_does_not_keep_the_others(store: ImageStore, home: Path, monkeypatch):
    for i in range(3):
        a1111(home / f"{i}.png", f"number {i}")
    read = store.folders._follower.read

    def dies(files):
        if any(file.name == "1.png" for file in files):
            raise BadFile("it died")
        return read(files)

    monkeypatch.setattr(store.folders._follower, "read", dies)
    follow(store)
    assert {shown.title for shown in ask(store).shown} == {"number 0", "number 2"}


def test_links_are_not_followed_and_hidden_folders_not_entered(store: ImageStore, home: Path, tmp_path: Path):
    secret = a1111(tmp_path / "elsewhere" / "secret.png")
    (home / "loop").symlink_to(home)
    (home / "link.png").symlink_to(secret)
    (home / "away").symlink_to(secret.parent)
    a1111(home / ".trash" / "1.png")
    follow(store)
    assert ask(store).total == 0


def test_a_file_that_becomes_a_link_to_a_secret_is_not_served(store: ImageStore, home: Path, tmp_path: Path):
    secret = a1111(tmp_path / "elsewhere" / "secret.png")
    path = a1111(home / "1.png")
    follow(store)
    image_id = only(store)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(NotFound):
        store.folders.read(image_id)


def test_a_folder_that_goes_away_keeps_its_rows_and_is_not_shown(store: ImageStore, home: Path):
    a1111(home / "1.png")
    follow(store)
    for away in (
        lambda: home.rename(home.with_name("away")),
        lambda: (home.rename(home.with_name("away")), home.mkdir()),
    ):
        away()
        follow(store)
        [state] = store.folders.states()
        assert ask(store).total == 0 and state.problem and state.pictures == 1
        shutil.rmtree(home, ignore_errors=True)
        home.with_name("away").rename(home)
        follow(store)
        assert ask(store).total == 1 and store.folders.states()[0].problem is None


def test_it_follows_by_itself_while_it_runs(store: ImageStore, home: Path, monkeypatch):
    monkeypatch.setattr(follower, "EVERY", 0.05)
    store.folders.start()
    a1111(home / "1.png")
    deadline = time.monotonic() + 30
    while ask(store).total != 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- nothing is written there


def test_nothing_in_the_folder_is_ever_changed(store: ImageStore, home: Path):
    a1111(home / "sub" / "1.png")
    before = listing(home)
    follow(store)
    image_id = only(store)
    store.folders.thumbnail(image_id)
    store.folders.mark(image_id, Change(stars=5, add=("best",)).of)
    store.folders.recipe(image_id, TextToImageRequest)
    with pytest.raises(NotAllowed):
        refuse_change(image_id)
    with pytest.raises(NotFound):
        store.bin.put(store.get(image_id).id)
    follow(store, whole=True)
    assert listing(home) == before


def test_stars_stay_with_a_picture_under_another_name_in_a_copy_and_in_a_new_index(store: ImageStore, home: Path):
    path, other = a1111(home / "1.png"), a1111(home / "2.png", "a red pandb")
    assert path.stat().st_size == other.stat().st_size
    shutil.copy(path, home / "copy.png")
    follow(store)
    image_id = next(s.id for s in ask(store).shown if store.folders.find(s.id).name == "1.png")
    store.folders.mark(image_id, Change(stars=4, add=("zoo",)).of)
    assert ask(store, stars="4").total == 2 and ask(store, tag="zoo").total == 2
    path.rename(home / "renamed.png")
    follow(store)
    assert ask(store, stars="4").total == 2
    store.root.joinpath("index.sqlite").unlink()
    follow(store, whole=True)
    assert ask(store, stars="4").total == 2 and ask(store).total == 3
    renamed = next(s.id for s in ask(store, stars="4").shown)
    store.folders.mark(renamed, Change(stars=0, remove=("zoo",)).of)
    assert ask(store, stars="4").total == 0 and not list((store.root / "marks-of-others").iterdir())


def test_a_thumbnail_is_small_and_kept(store: ImageStore, home: Path):
    Image.new("RGB", (1000, 700), (9, 99, 9)).save(home / "1.jpg")
    follow(store)
    image_id = only(store)
    assert store.folders.thumbnail(image_id)[8:12] == b"WEBP"
    assert len(list((store.root / ".thumbnails").rglob(f"{image_id}.webp"))) == 1


# --- which folders are named


def test_a_folder_is_added_remembered_and_removed(store: ImageStore, tmp_path: Path):
    a1111(tmp_path / "more" / "1.png")
    store.folders.named.add(str(tmp_path / "more"))
    again = Folders(store.root, store._index)
    assert [one.path.name for one in again.named.all()] == ["more"]
    follow(store)
    image_id = only(store)
    store.folders.remove(str((tmp_path / "more").resolve()))
    assert ask(store).total == 0 and (tmp_path / "more" / "1.png").exists()
    with pytest.raises(NotFound):
        store.folders.read(image_id)


def test_what_is_no_folder_to_add_is_said_in_a_sentence(store: ImageStore, home: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    inside = store.root / "2026-01-01"
    inside.mkdir()
    (home / "below").mkdir()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for text in (
        "",
        "  ",
        "relative/path",
        str(tmp_path / "nowhere"),
        str(tmp_path / "file"),
        "/",
        str(store.root),
        str(inside),
        str(home),
        str(home / "below"),
        str(loop),
        "/a\0b",
    ):
        with pytest.raises(BadRequest):
            store.folders.named.add(text)
    with pytest.raises(BadRequest, match="command line"):
        store.folders.remove(str(home.resolve()))


def test_the_studios_own_pictures_below_a_named_folder_are_not_shown_twice(tmp_path: Path):
    store = ImageStore(tmp_path / "all" / "pictures", named=[(tmp_path / "all").resolve()])
    store.save(np.zeros((8, 8, 3), np.uint8), recipe.new("text-to-image", {"prompt": "ours"}))
    a1111(tmp_path / "all" / "1.png")
    follow(store)
    assert ask(store).total == 2
    store.folders.close()


def test_pictures_of_others_are_seen_only_by_who_asks_for_their_folders(store: ImageStore, home: Path):
    a1111(home / "1.png")
    follow(store)
    assert store.gallery.ask(Question()).total == 0 and store.gallery.ask(Question(owner="")).total == 0
    assert store.gallery.ask(Question(owner="somebody", folders=store.folders.shown())).total == 1


def test_a_folder_that_is_named_again_is_looked_at_anew(store: ImageStore, tmp_path: Path):
    def noted(path: Path) -> dict[Path, int]:
        return store._index.peek(lambda db: rows.places(db, path))

    a1111(tmp_path / "more" / "1.png")
    for _ in range(2):
        path = store.folders.named.add(str(tmp_path / "more"))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        follow(store)
        assert ask(store).total == 1
        store.folders.remove(str(path))
        store.folders._follower._note(path, [Place(Path(), 1_700_000_000 * 10**9, [])], set())  # of a look under way
        assert ask(store).total == 0 and noted(path) == {}


def test_folders_of_the_command_line_may_be_missing_but_not_the_studios_own(tmp_path: Path, home: Path):
    away = tmp_path / "unplugged"
    assert of_command_line([home, home / "below", away], tmp_path / "pictures") == [home.resolve(), away.resolve()]
    for wrong in (tmp_path / "pictures", tmp_path / "pictures" / "2026-01-01", Path("/")):
        with pytest.raises(BadRequest):
            of_command_line([wrong], tmp_path / "pictures")


def test_two_studios_on_one_folder_show_each_picture_once(store: ImageStore, home: Path):
    a1111(home / "1.png")
    other = ImageStore(store.root, named=[home.resolve()])
    follow(store)
    follow(other, whole=True)
    assert ask(store).total == 1 and ask(other).total == 1
    other.folders.close()
