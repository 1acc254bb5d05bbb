"""The picture store: no picture reported saved is lost, no half picture has a final name, the index equals the disk."""

import contextlib
import io
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import NotFound, StorageError
from pipelines.store import index, pictures, recipe
from pipelines.store.images import ImageStore

ROOT = Path(__file__).resolve().parents[3]
RECIPE = {
    "version": 1,
    "generator": "text-to-image",
    "request": {"prompt": "一只狐狸 🦊\nin snow", "negative_prompt": "", "seed": 7, "guidance_scale": 4.0},
    "notes": ["added first step at sigma_max"],
}
pixels = np.random.default_rng(0).integers(0, 256, (48, 32, 3), np.uint8)
on_unix = pytest.mark.skipif(os.name != "posix", reason="needs processes, limits and permissions of Unix")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "outputs")


def files(root: Path) -> set[str]:
    return {path.stem for path in root.glob("*/*.png")}


def listed(store: ImageStore) -> set[str]:
    return {info.id for info in store.list(limit=1000)}


def decode(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def assert_whole(root: Path) -> None:
    """Every file of a final name decodes, and a store opened now lists exactly these files."""
    for path in root.glob("*/*.png"):
        assert decode(path).ndim == 3
    assert listed(ImageStore(root)) == files(root)


def child(body: str, *arguments: object) -> str:
    """What a fresh Python prints that ran `body`, with `pixels`, `recipe` and `root` (the first argument) at hand."""
    start = (
        "import json, os, random, signal, sys, time\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from pipelines.errors import StorageError\n"
        "from pipelines.store.images import ImageStore\n"
        "pixels = np.random.default_rng(0).integers(0, 256, (48, 32, 3), np.uint8)\n"
        "root, recipe = Path(sys.argv[1]), json.loads(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", start + body, *map(str, (arguments[0], json.dumps(RECIPE), *arguments[1:]))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- saving and asking


def test_a_saved_picture_comes_back_with_its_recipe(store: ImageStore):
    image_id = store.save(pixels, RECIPE, client="ada", unfinished=True)
    info = store.get(image_id)
    assert (info.width, info.height, info.unfinished) == (32, 48, True)
    assert info.belongs_to("ada") and not info.belongs_to("bob")
    assert abs(info.created - time.time()) < 60
    assert info.recipe == store.recipe(image_id) == RECIPE
    assert np.array_equal(decode(store.path(image_id)), pixels)
    assert store.list() == [info]


def test_ids_are_unique_and_sort_by_time_also_between_threads(store: ImageStore):
    made: list[list[str]] = [[], [], []]

    def work(ids: list[str]) -> None:
        for _ in range(10):
            ids.append(store.save(pixels, RECIPE))

    threads = [threading.Thread(target=work, args=(ids,)) for ids in made]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(ids == sorted(ids) for ids in made)
    assert len({image_id for ids in made for image_id in ids}) == 30
    assert listed(store) == files(store.root) == {image_id for ids in made for image_id in ids}


def test_ids_sort_by_time_also_when_the_clock_is_set_back(store: ImageStore, monkeypatch: pytest.MonkeyPatch):
    ids = [store.save(pixels, RECIPE)]
    hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago)
    ids += [store.save(pixels, RECIPE) for _ in range(2)]
    assert ids == sorted(ids)
    assert listed(store) == set(ids)


def test_pages_hold_every_picture_once_newest_first(store: ImageStore):
    ids = [store.save(pixels, RECIPE, client=("ada", "bob")[i % 2]) for i in range(11)]
    seen, before = [], None
    while page := store.list(limit=4, before=before):
        seen += [info.id for info in page]
        before = page[-1].id
    assert seen == ids[::-1]
    assert [info.id for info in store.list(client="ada")] == ids[::-2]
    assert store.list(client="nobody") == store.list(limit=0) == store.list(limit=-5) == []


def test_a_deleted_picture_is_gone_everywhere(store: ImageStore):
    kept, gone = store.save(pixels, RECIPE), store.save(pixels, RECIPE)
    store.delete(gone)
    assert listed(store) == files(store.root) == {kept}
    with pytest.raises(NotFound):
        store.delete(gone)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "20261123-221501-123456-9f3c",
        "20261123-221501-123456-9f3c\n",
        "20261323-221501-123456-9f3c",
        "2026112\u0663-221501-123456-9f3c",
        "index.sqlite",
        "\0",
        "a" * 100_000,
    ],
)
def test_a_name_that_is_no_id_finds_nothing(store: ImageStore, name: str):
    for ask in (store.get, store.path, store.recipe, store.delete):
        with pytest.raises(NotFound):
            ask(name)


def test_neither_picture_nor_index_gives_the_clients_secret_away(store: ImageStore):
    path = store.path(store.save(pixels, RECIPE, client="secret-of-ada"))
    store.list()
    for file in [path, *store.root.glob("index*")]:
        assert b"secret-of-ada" not in file.read_bytes()


def test_a_rebuilt_index_says_the_same_as_before(store: ImageStore):
    for i in range(3):
        store.save(pixels, RECIPE, client="ada", unfinished=i == 1)
    before = store.list()
    store.rebuild()
    assert store.list() == before


def test_ten_thousand_pictures_are_listed_quickly(store: ImageStore):
    first = store.path(store.save(pixels, RECIPE, client="ada"))
    day = store.root / "2020-01-01"
    day.mkdir()
    for i in range(10_000):
        os.link(first, day / f"20200101-{i // 3600:02}{i // 60 % 60:02}{i % 60:02}-000000-{i:04x}.png")
    os.utime(day, (1e9, 1e9))
    assert len(store.list()) == 60
    for client, before in [(None, None), ("ada", None), (None, "20200101-010000-000000-0000")]:
        times = []
        for _ in range(3):
            start = time.process_time()
            assert len(store.list(client=client, before=before)) == 60
            times.append(time.process_time() - start)
        assert min(times) < 0.1


# --- killed, full, read-only, gone


@on_unix
def test_nothing_is_lost_or_half_written_when_killed_at_any_moment(tmp_path: Path):
    body = """
reported, randomness = [], random.Random(int(sys.argv[3]))
ImageStore(root).save(pixels, recipe)
for _ in range(15):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        store = ImageStore(root)
        while True:
            os.write(write, (store.save(pixels, recipe) + " ").encode())
    os.close(write)
    time.sleep(randomness.uniform(0.005, 0.15))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while piece := os.read(read, 1 << 16):
        reported.append(piece.decode())
    os.close(read)
print("".join(reported))
"""
    root, seed = tmp_path / "outputs", random.randrange(10**6)
    reported = set(child(body, root, seed).split())
    assert len(reported) >= 5, seed
    assert reported <= files(root), seed
    assert_whole(root)


@on_unix
def test_two_processes_on_one_folder_lose_nothing(tmp_path: Path):
    body = """
if os.fork() == 0 or os.fork() == 0:
    store = ImageStore(root)
    for _ in range(25):
        store.save(pixels, recipe, client="ada")
        store.list()
    os._exit(0)
store = ImageStore(root)
codes = [os.wait()[1], store.list(), os.wait()[1]]
print(codes[0], codes[2])
"""
    root = tmp_path / "outputs"
    assert child(body, root).split() == ["0", "0"]
    assert len(files(root)) == 50
    with contextlib.closing(sqlite3.connect(root / "index.sqlite")) as db:
        assert db.execute("select count(*) from images").fetchone() == (50,)
    assert not list(root.glob("index.sqlite.*")), "one set the other's index aside"
    assert_whole(root)


SAVE_UNTIL_FULL = """
store, saved = ImageStore(root), []
try:
    while len(saved) < 500:
        saved.append(store.save(pixels, recipe))
    print("never full")
except StorageError as error:
    print(error)
print(len(list(root.rglob("*.part"))), {info.id for info in store.list(limit=1000)} == set(saved), len(saved))
"""


@on_unix
def test_a_full_disk_is_said_in_words_and_leaves_no_half_file(tmp_path: Path):
    """A limit on the size of a file stands for the disk: the write of the picture stops in its middle."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
    message, rest = child(limit + SAVE_UNTIL_FULL, tmp_path / "outputs").splitlines()
    assert message == "the disk is full: the picture could not be saved. Free some space and try again."
    assert rest == "0 True 0"
    assert_whole(tmp_path / "outputs")


def test_a_full_file_system_keeps_what_was_saved_and_takes_more_once_there_is_room(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount") or subprocess.run(mount).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        message, rest = child(SAVE_UNTIL_FULL, disk / "outputs").splitlines()
        assert message.startswith("the disk is full")
        assert rest.startswith("0 True ") and int(rest.split()[2]) > 3
        assert_whole(disk / "outputs")
        store = ImageStore(disk / "outputs")
        for info in store.list(200)[-100:]:  # deleting takes room, too: the index writes its pages anew
            store.delete(info.id)
        assert store.save(pixels, RECIPE) in listed(store)
        assert_whole(disk / "outputs")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@on_unix
def test_a_read_only_folder_is_still_shown_and_says_why_it_takes_no_more():
    body = """
saved = ImageStore(root).save(pixels, recipe)
for folder in (root / saved[:4], root, *root.glob("2*")):
    if folder.exists():
        folder.chmod(0o555)
if os.geteuid() == 0:
    os.setuid(65534)
store = ImageStore(root)
for act in (lambda: store.save(pixels, recipe), lambda: store.delete(saved)):
    try:
        act()
        print("done")
    except StorageError as error:
        print(error)
print([info.id for info in store.list()] == [saved], store.recipe(saved) == recipe)
"""
    outer = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    outer.chmod(0o755)
    try:
        saving, deleting, shown = child(body, outer / "outputs").splitlines()
        assert saving == "the picture folder is read-only: nothing could be saved. Allow writing to it."
        assert deleting == "the picture folder is read-only: nothing could be deleted. Allow writing to it."
        assert shown == "True True"
    finally:
        for folder in outer.rglob("*"):
            if folder.is_dir():
                folder.chmod(0o755)
        shutil.rmtree(outer)


def test_a_folder_that_is_gone_is_said_in_words_and_one_that_is_back_works(tmp_path: Path):
    drive = tmp_path / "drive"
    store = ImageStore(drive / "outputs")
    store.save(pixels, RECIPE)
    drive.rename(tmp_path / "unplugged")
    for act in (lambda: store.save(pixels, RECIPE), store.list, store.rebuild):
        with pytest.raises(StorageError) as caught:
            act()
        assert str(tmp_path) not in str(caught.value) and len(str(caught.value)) < 300
    (tmp_path / "unplugged").rename(drive)
    store.save(pixels, RECIPE)
    assert len(listed(store)) == 2


def test_a_folder_that_was_emptied_is_used_again(store: ImageStore):
    store.save(pixels, RECIPE)
    shutil.rmtree(store.root)
    image_id = store.save(pixels, RECIPE)
    assert listed(store) == {image_id}
    assert_whole(store.root)


def test_a_file_in_the_folders_place_is_said_in_words(tmp_path: Path):
    (tmp_path / "outputs").write_text("not a folder")
    with pytest.raises(StorageError):
        ImageStore(tmp_path / "outputs")


# --- the index: broken, old, new, locked, gone


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    noise = random.Random(1).randbytes
    if how == "garbage":
        path.write_bytes(noise(9000))
    elif how == "spoilt middle":
        path.write_bytes(data[:4096] + noise(len(data) - 4096))
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "deleted":
        path.unlink()
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        statement = {
            "no tables": "drop table images",
            "other tables": "alter table images rename column owner to someone",
            "broken recipe": "update images set recipe = '{'",
            "number for a day": "insert into folders values (5, 'x')",
            "size in words": "update images set width = 'wide'",
            "no size": "update images set width = 0, height = -5",
            "owner of bytes": "update images set owner = x'ff'",
            "id of bytes": "update images set id = cast(id as blob)",
            "not a number": "update images set recipe = '{\"a\": NaN}'",
            "a view": "alter table images rename to old_images",
            "strange row": "update images set recipe = x'00ff', id = 'me' where rowid = 1",
        }[how]
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("drop index images_by_owner")
            db.execute(statement)


KINDS = "garbage,spoilt middle,cut,empty,deleted,a folder,no tables,other tables,broken recipe,strange row"
KINDS = [*KINDS.split(","), "number for a day", "size in words", "no size", "owner of bytes", "id of bytes"]
KINDS += ["not a number", "a view", *(["a pipe"] if hasattr(os, "mkfifo") else [])]


@pytest.mark.parametrize("reopened", [True, False])
@pytest.mark.parametrize("how", KINDS)
def test_a_broken_index_is_built_again(store: ImageStore, how: str, reopened: bool):
    store.save(pixels, RECIPE, client="ada")
    store.save(pixels, RECIPE, client="bob")
    before = store.list()
    spoil(store.root / "index.sqlite", how)
    store = ImageStore(store.root) if reopened else store
    assert store.list() == before
    new = store.save(pixels, RECIPE, client="ada")
    assert [info.id for info in store.list(client="ada")] == [new, before[1].id]
    assert_whole(store.root)


@pytest.mark.parametrize("how", KINDS)
def test_saving_does_not_mind_a_broken_index(store: ImageStore, how: str):
    first = store.save(pixels, RECIPE)
    spoil(store.root / "index.sqlite", how)
    second = store.save(pixels, RECIPE)
    assert store.get(first).id == first and store.get(second).id == second
    assert listed(store) == {first, second}


def test_a_broken_index_is_set_aside_not_thrown_away(store: ImageStore):
    store.save(pixels, RECIPE)
    (store.root / "index.sqlite").write_bytes(b"precious, perhaps" * 999)
    store.list()
    (aside,) = store.root.glob("index.sqlite.broken-*")
    assert aside.read_bytes() == b"precious, perhaps" * 999


def test_an_index_of_a_newer_studio_is_set_aside(store: ImageStore):
    image_id = store.save(pixels, RECIPE)
    with contextlib.closing(sqlite3.connect(store.root / "index.sqlite")) as db, db:
        db.execute("alter table images add column stars integer")
        db.execute("pragma user_version = 99")
    assert listed(store) == {image_id}
    assert len(list(store.root.glob("index.sqlite.newer-*"))) == 1


@pytest.mark.parametrize("version", range(len(index.MIGRATIONS)))
def test_an_index_of_any_older_studio_is_brought_up_to_date(store: ImageStore, version: int):
    ids = {store.save(pixels, RECIPE, client="ada") for _ in range(2)}
    path = store.root / "index.sqlite"
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for step in index.MIGRATIONS[:version]:
            step(db)
        db.execute(f"pragma user_version = {version}")
    assert {info.id for info in store.list(client="ada")} == ids
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma user_version").fetchone() == (len(index.MIGRATIONS),)
    assert not list(store.root.glob("index.sqlite.*-*"))


def test_a_locked_index_loses_no_picture(tmp_path: Path):
    store = ImageStore(tmp_path / "outputs", lock_timeout=0.1)
    first = store.save(pixels, RECIPE)
    with contextlib.closing(sqlite3.connect(store.root / "index.sqlite", isolation_level=None)) as db:
        db.execute("pragma locking_mode = exclusive")
        db.execute("begin exclusive")
        second = store.save(pixels, RECIPE)
        with pytest.raises(StorageError, match="locked by another program"):
            store.list()
        db.execute("rollback")
    assert listed(store) == {first, second}


def test_a_writer_at_work_does_not_keep_others_from_looking(tmp_path: Path):
    store = ImageStore(tmp_path / "outputs", lock_timeout=0.1)
    first = store.save(pixels, RECIPE)
    with contextlib.closing(sqlite3.connect(store.root / "index.sqlite", isolation_level=None)) as db:
        db.execute("begin immediate")
        second = store.save(pixels, RECIPE)
        assert first in listed(store)
        assert store.get(second).recipe == RECIPE
        db.execute("rollback")
    assert listed(store) == {first, second}


# --- behind our back


def test_files_that_come_and_go_behind_our_back_are_noticed(store: ImageStore, tmp_path: Path):
    ids = [store.save(pixels, RECIPE) for _ in range(3)]
    assert listed(store) == set(ids)
    taken = store.path(ids[0])
    taken.rename(tmp_path / "away.png")
    for ask in (store.get, store.path, store.recipe, store.delete):
        with pytest.raises(NotFound):
            ask(ids[0])
    assert listed(store) == set(ids[1:])
    (tmp_path / "away.png").rename(taken)
    assert store.get(ids[0]).recipe == RECIPE
    assert listed(store) == set(ids)
    shutil.rmtree(taken.parent)
    assert listed(store) == set()


def test_a_settled_folder_that_changes_or_goes_is_noticed(store: ImageStore):
    source = store.path(store.save(pixels, RECIPE))
    day = store.root / "2020-01-01"
    day.mkdir()
    shutil.copy(source, day / "20200101-000000-000000-0000.png")
    os.utime(day, (1e9, 1e9))
    assert len(listed(store)) == len(listed(store)) == 2
    shutil.copy(source, day / "20200101-000001-000000-0000.png")
    os.utime(day, (1e9 + 1, 1e9 + 1))
    assert len(listed(store)) == len(listed(store)) == 3
    shutil.rmtree(day)
    assert len(listed(store)) == 1


def test_a_file_that_comes_within_the_same_tick_of_the_clock_is_noticed(store: ImageStore):
    source = store.path(store.save(pixels, RECIPE))
    day = source.parent
    assert len(listed(store)) == 1
    tick = day.stat().st_mtime_ns
    shutil.copy(source, source.with_name(source.name[:-5] + ("0" if source.stem[-1] != "0" else "1") + ".png"))
    os.utime(day, ns=(tick, tick))
    assert len(listed(store)) == 2


def test_a_folder_that_goes_before_anybody_looked_is_noticed(store: ImageStore):
    shutil.rmtree(store.path(store.save(pixels, RECIPE)).parent)
    assert listed(store) == set()


def test_leftovers_of_cut_off_saves_go_once_they_are_old(store: ImageStore):
    day = store.path(store.save(pixels, RECIPE)).parent
    old, young = day / ".20260101-000000-000000-0000.0123abcd.part", day / ".20260101-000000-000000-0001.0123abcd.part"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 3700, time.time() - 3700))
    os.utime(young, (time.time() - 3500, time.time() - 3500))
    ImageStore(store.root)
    assert not old.exists() and young.exists()
    assert_whole(store.root)


def bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@on_unix
def test_strangers_files_are_passed_over_or_shown_without_a_recipe(store: ImageStore, tmp_path: Path):
    ours = store.path(store.save(pixels, RECIPE))
    whole, day = ours.read_bytes(), store.root / "2020-01-01"
    day.mkdir()

    def place(i: int) -> Path:
        return day / f"20200101-00000{i}-000000-0000.png"

    Image.fromarray(pixels).save(place(0))
    place(1).write_bytes(whole[:-1])
    place(2).write_bytes(whole[: len(whole) // 2])
    place(3).write_bytes(bomb())
    place(4).write_bytes(b"GIF89a")
    place(5).write_bytes(b"")
    place(6).symlink_to(ours)
    os.mkfifo(place(7))
    place(8).mkdir()
    (day / "holiday.png").write_bytes(whole)
    (day / "20210101-000000-000000-0000.png").write_bytes(whole)  # of another day
    (store.root / "2020-01-02").symlink_to(day)
    (store.root / "notes.txt").write_text("mine")
    assert listed(store) == {place(0).stem, ours.stem}
    assert store.recipe(place(0).stem) == store.get(place(0).stem).recipe == {}
    for i in range(1, 9):
        with pytest.raises(NotFound):
            store.path(place(i).stem)
    store.rebuild()
    assert listed(store) == {place(0).stem, ours.stem}
    assert pictures.read_info(ours) == store.get(ours.stem)


def test_a_picture_that_is_handed_out_says_all_but_whose_it_is(tmp_path):
    store = ImageStore(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    said = recipe.new("text-to-image", {"prompt": "a fox, 狐狸", "seed": 5})
    image_id = store.save(pixels, said, client="ada", unfinished=True)
    handed, kept = store.handed_out(image_id), store.path(image_id).read_bytes()
    tag = pictures.owner_tag("ada").encode()
    assert tag in kept and tag not in handed and pictures.STORE_CHUNK.encode() not in handed
    texts = recipe.head(handed).texts
    assert texts == {name: text for name, text in recipe.head(kept).texts.items() if name != pictures.STORE_CHUNK}
    assert recipe.head(handed).complete and recipe.read(handed)["request"]["prompt"] == "a fox, 狐狸"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(handed))), pixels)
