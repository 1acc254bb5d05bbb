"""One odd file is that file's own trouble: the library, the add-ons and the gallery go on, and nothing is let out."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines import models, places
from pipelines.errors import BadFile, BadRequest
from pipelines.families import own
from pipelines.models import strangers, vaes
from pipelines.models.addons import files as addons
from pipelines.models.converting import sources
from pipelines.models.library import recognise, scan, seen
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Entry, Root
from pipelines.models.library.hashing import Hasher
from pipelines.models.library.header import MOST_HEADER_BYTES
from tests.odd_files import IGNORED, MODELS, NOTES, SIDES, safetensors, within

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and links are planted")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SECRET = b"root:x:0:0:secret"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with one sound model, and a secret outside it."""
    made = tmp_path / "models"
    made.mkdir()
    safetensors(made / "good.safetensors")
    (tmp_path / "secret").write_bytes(SECRET)
    yield made
    subprocess.run(["rm", "-rf", str(made)], check=True)  # pytest's own removal fails at folders 1200 deep


def catalogue(folder: Path) -> Catalogue:
    return Catalogue([Root(folder, "ours")], folder.parent / "outputs")


def told(library: Catalogue) -> dict[str, dict]:
    """All that is shown, by name, as it is sent."""
    every = [library.to_json(entry) for entry in library.scan()]
    json.dumps(every, ensure_ascii=False, allow_nan=False).encode()
    return {one["name"]: one for one in every}


@pytest.mark.parametrize("fault", MODELS)
def test_an_odd_file_is_an_entry_with_its_reason_and_the_others_are_listed(folder: Path, fault: str) -> None:
    plant, reason = MODELS[fault]
    plant(folder)
    for library in (first := catalogue(folder), first, catalogue(folder)):  # new, again, and after a restart
        every = within(lambda library=library: told(library))
        [odd] = set(every) - {"good"}
        assert reason in every[odd]["unusable"] and odd.isprintable() | ("\u200d" in odd)
        assert "/" not in every[odd]["unusable"].replace("models/", "")
    for entry in library.scan():
        assert library.get(entry.id) == entry


@pytest.mark.parametrize("fault", IGNORED)
def test_what_is_no_model_costs_nothing(folder: Path, fault: str) -> None:
    IGNORED[fault](folder)
    began = time.thread_time()
    assert set(told(catalogue(folder))) == {"good"}
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("fault", NOTES)
@pytest.mark.parametrize("ending", [".civitai.info", ".json"])
def test_whatever_stands_in_a_side_file_the_model_is_shown(folder: Path, ending: str, fault: str) -> None:
    content = NOTES[fault]
    (folder / f"good{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    began = time.thread_time()
    one = told(catalogue(folder))["good"]
    assert time.thread_time() - began < 2
    assert all(type(word) is str for word in one["trigger_words"]) and type(one["description"]) is str


@pytest.mark.parametrize("fault", SIDES)
@pytest.mark.parametrize("ending", [".civitai.info", ".json", ".preview.png", ".webp"])
def test_only_a_regular_file_inside_the_folders_is_a_side_file(folder: Path, ending: str, fault: str) -> None:
    SIDES[fault](folder / f"good{ending}")
    library = catalogue(folder)
    one = within(lambda: told(library))["good"]
    assert (one["preview"], one["trigger_words"], one["description"]) == (False, [], "")


def test_what_a_removed_model_takes_along_is_only_files(folder: Path) -> None:
    os.mkfifo(folder / "good.json")
    library = catalogue(folder)
    [entry] = library.scan()
    library.remove(entry.id)
    assert [path.name for path in folder.iterdir() if path.name != "removed"] == ["good.json"]


def preview(folder: Path) -> tuple[str, bytes] | None:
    library = catalogue(folder)
    [entry] = library.scan()
    if not told(library)["good"]["preview"]:
        return None
    found = library.preview(entry.id)
    return found.media_type, found.data


def test_a_previews_type_is_what_its_first_bytes_say(folder: Path) -> None:
    for content, media_type in (
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + bytes(20), "image/webp"),
    ):
        (folder / "good.jpg").write_bytes(content)
        assert preview(folder) == (media_type, content)
    for content in (b"<html><script>alert(1)</script>", b"<svg xmlns=", b"", b"GIF89a" + bytes(20), SECRET):
        (folder / "good.jpg").write_bytes(content)
        assert preview(folder) is None


def test_a_preview_may_be_a_link_inside_the_folders_and_never_one_out_of_them(folder: Path) -> None:
    (folder / "blob").write_bytes(PNG)
    (folder / "good.png").symlink_to("blob")
    assert preview(folder) == ("image/png", PNG)
    (folder.parent / "private.png").write_bytes(PNG)
    (folder / "good.png").unlink()
    (folder / "good.png").symlink_to("../private.png")
    assert preview(folder) is None
    (folder / "good.png").unlink()
    (folder / "good.png").write_bytes(PNG + bytes(9 * 2**20))
    assert preview(folder) is None


def test_models_in_a_folder_that_the_owner_linked_are_listed_with_their_side_files(folder: Path) -> None:
    elsewhere = folder.parent / "big disk"
    elsewhere.mkdir()
    safetensors(elsewhere / "far.safetensors")
    (elsewhere / "far.png").write_bytes(PNG)
    (folder / "loras").symlink_to(elsewhere)
    assert told(catalogue(folder))["far"]["preview"]


def test_a_folder_that_is_made_after_the_start_is_seen_with_the_next_list(tmp_path: Path) -> None:
    library = catalogue(tmp_path / "models")
    assert library.entries() == []
    (tmp_path / "models").mkdir()
    safetensors(tmp_path / "models" / "one.safetensors")
    assert [entry.name for entry in library.entries()] == ["one"]
    (tmp_path / "models" / "loras").mkdir()
    safetensors(tmp_path / "models" / "loras" / "two.safetensors")
    assert [entry.name for entry in library.entries()] == ["one", "two"]


def test_the_studios_own_folders_need_not_be_there_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "OURS", tmp_path / "models")
    library = Catalogue([root for root in scan.roots() if root.whose == "ours"], tmp_path / "outputs")
    library.scan()
    (tmp_path / "models").mkdir()
    safetensors(tmp_path / "models" / "late.safetensors")
    assert [entry.name for entry in library.entries()] == ["late"]


NOBODY = """
import json, os, sys
from pathlib import Path
from pipelines import models
from pipelines.models.addons import files
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Root
from pipelines.store.images import ImageStore

def lists(folder, out):
    library = Catalogue([Root(folder / "models", "other")], out)
    yield {entry.name: entry.found.unusable for entry in library.scan()}
    yield models.installed() + files.installed(files.LORA)
    yield [info.id for info in ImageStore(folder / "pictures").list()]

folder = Path(sys.argv[1])
list(lists(folder, folder / "by root"))  # imports what nobody may not
if os.geteuid() == 0:
    os.setuid(65534)
for one in lists(folder, folder / "by nobody"):
    print(json.dumps(one))
"""


def test_what_may_not_be_read_says_so_and_the_others_are_listed() -> None:
    outer = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    outer.chmod(0o777)
    try:
        for name in ("models", "models/loras", "models/closed", "pictures", "pictures/2026-01-01"):
            (outer / name).mkdir()
        for name in ("good", "shut", "closed/inside", "loras/worn"):
            safetensors(outer / "models" / f"{name}.safetensors")
        (outer / "models" / "shut.safetensors").chmod(0)
        (outer / "models" / "closed").chmod(0)
        (outer / "pictures" / "2026-01-01").chmod(0)
        (outer / "pictures").chmod(0o777)
        environment = os.environ | {"AIGC_MODELS": str(outer / "models")}
        run = [sys.executable, "-c", NOBODY, str(outer)]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        library, installed, pictures = map(json.loads, done.stdout.splitlines())
        assert set(library) == {"good", "shut", "closed", "worn"}
        assert "Permission denied" in library["shut"] and "Permission denied" in library["closed"]
        assert {"good", "worn"} <= set(installed) and pictures == []
    finally:
        (outer / "models" / "closed").chmod(0o755)
        subprocess.run(["rm", "-rf", str(outer)], check=True)


# --- what is made of a header ---


@pytest.mark.parametrize("shape", [(), (0,), (0, 0), (1,), (5, 0, 0, 0), (10**300,), (1,) * 8])
def test_no_shape_under_a_known_name_is_more_than_a_damaged_file(folder: Path, shape: tuple[int, ...]) -> None:
    names = [
        "conv_first.weight", "body.0.rdb1.x", "body.0.weight", "body.1.weight", "body.2.weight", "model.1.sub.0.RDB1.x",
        "decoder.conv_in.weight", "decoder.conv_out.weight", "decoder.layers.0.weight", "taesd_decoder.1.weight",
        "embeddings.token_embedding.weight", "encoder.block.0.layer.0.SelfAttention.k.weight", "shared.weight",
        "model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight", "x_embedder.weight", "emb_params", "clip_g",
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight",
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight",
        "image_proj.proj.weight", "controlnet_cond_embedding.conv_in.weight", "context_embedder.weight", "pos_embed",
        "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight",
    ]  # fmt: skip
    size = 0 if 0 in shape else 4 * (10**300 if shape == (10**300,) else 1)
    for name in names:
        header = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
        (folder / f"{name}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    every = told(catalogue(folder))
    assert len(every) == len(names) + 1


def test_a_kind_of_numbers_is_shown_bounded_and_without_half_characters(folder: Path) -> None:
    header = rb'{"a": {"dtype": "\ud800' + b"x" * 10_000 + b'", "shape": [1], "data_offsets": [0, 4]}}'
    (folder / "odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert len(told(catalogue(folder))["odd"]["dtype"]) <= 20


def test_a_header_of_millions_of_values_is_refused_before_it_is_parsed(folder: Path) -> None:
    header = b'{"a": [' + b"[],".join([b""] * 2_600_000) + b"[]]}"
    assert len(header) < MOST_HEADER_BYTES
    (folder / "odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    began = time.thread_time()
    assert "damaged" in told(catalogue(folder))["odd"]["unusable"]
    assert time.thread_time() - began < 5


def test_a_bug_of_the_recogniser_costs_one_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safetensors(folder / "odd.safetensors")

    def broken(shapes: object, said: object, dtypes: object, name: str) -> recognise.Recognised:
        return recognise.Recognised("unknown") if name == "good" else [][1]

    monkeypatch.setattr(scan, "recognise", broken)
    assert "damaged" in told(catalogue(folder))["odd"]["unusable"]


def test_a_file_that_became_a_pipe_does_not_hold_the_hashing(folder: Path) -> None:
    safetensors(folder / "later.safetensors", (2,))
    library = catalogue(folder)
    hasher = Hasher(library)
    [later] = [entry for entry in library.scan() if entry.name == "later"]
    (folder / "later.safetensors").unlink()
    os.mkfifo(folder / "later.safetensors")
    with pytest.raises(OSError, match="pipe"):
        within(lambda: hasher._hashes(later))
    (folder / "later.safetensors").unlink()
    (folder / "later.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(BadFile, match="no format"):
        within(lambda: hasher._hashes(later))


# --- the index ---


def index_of(folder: Path) -> Path:
    return folder.parent / "outputs" / "library.sqlite"


def edited(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


ROWS = {
    "no JSON": "update seen set found = '{'",
    "JSON of another kind": "update seen set found = '[5]'",
    "a field of another type": "update seen set found = json_set(found, '$.rank', 'three')",
    "words that are numbers": "update seen set found = json_set(found, '$.trigger_words', json('[5]'))",
    "a text that is an object": "update seen set found = json_set(found, '$.licence', json('{\"a\": 1}'))",
    "a field too many": "update seen set found = json_set(found, '$.unheard_of', 1)",
    "a kind that is missing": "update seen set found = json_remove(found, '$.kind')",
    "nulls": "update seen set found = null, size = null, format = null",
    "a size that is text": "update seen set size = 'large'",
    "a hash that is a number": "update seen set sha256 = 5",
    "a path that is text": "insert into seen (path, state) values ('/etc/passwd', 'x')",
    "a path that is null": "insert into seen (path, state) values (null, null)",
    "lists in lists": f"update seen set found = '{'[' * 100_000}'",
}


@pytest.mark.parametrize("fault", ROWS)
def test_a_broken_row_is_dropped_and_its_file_looked_into_again(folder: Path, fault: str) -> None:
    safetensors(folder / "other.safetensors")
    before = told(catalogue(folder))
    edited(index_of(folder), ROWS[fault])
    library = catalogue(folder)
    assert told(library) == before and library.notice == "rebuilt"
    assert told(again := catalogue(folder)) == before
    assert again.notice == "" or fault.startswith("a path")  # a row of no file is not written anew


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder_there(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


FILES = {
    "garbage": lambda path: path.write_bytes(b"garbage" * 1000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "a spoilt middle": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)),
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
    "a pipe": _pipe,
    "a folder": _folder_there,
    "another table": lambda path: edited(path, "drop table seen", "create table seen (path blob)"),
    "a view": lambda path: edited(path, "drop table seen", "create view seen as select 1 as path"),
    "an older studio's": lambda path: edited(path, "pragma user_version = 1"),
    "a newer studio's": lambda path: edited(
        path, "pragma user_version = 99", "alter table seen rename state to status"
    ),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_broken_index_is_made_anew_and_no_list_fails(folder: Path, fault: str) -> None:
    running = catalogue(folder)
    before = told(running)
    FILES[fault](index_of(folder))
    assert within(lambda: told(running)) == before
    assert told(catalogue(folder)) == before
    with closing(sqlite3.connect(index_of(folder))) as db:
        assert db.execute("select count(*) from seen").fetchone() == (1,)


def test_a_locked_index_is_done_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen.SeenFiles.__init__, "__defaults__", (0.1,))
    before = told(catalogue(folder))
    with closing(sqlite3.connect(index_of(folder), isolation_level=None)) as db:
        db.execute("begin exclusive")
        assert told(catalogue(folder)) == before
        db.execute("rollback")
        assert db.execute("select count(*) from seen").fetchone() == (1,)  # it was not thrown away


def test_an_index_that_cannot_be_written_is_kept_in_memory_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "outputs").write_bytes(b"a file in the folder's place")
    library = catalogue(folder)
    looked: list[Path] = []
    look = scan.recognised
    monkeypatch.setattr(scan, "recognised", lambda path: (looked.append(path), look(path))[1])
    assert set(told(library)) == set(told(library)) == {"good"} and library.notice == "unwritable"
    assert len(looked) == 1


@pytest.mark.parametrize(
    "content", ["", "[", "[5]", '{"notes": 5, "removed": [1]}', '{"notes": {"good": 7}}', "[" * 9999]
)
def test_damaged_notes_are_no_notes_and_are_put_aside_before_new_ones_are_kept(folder: Path, content: str) -> None:
    library = catalogue(folder)
    kept = folder.parent / "outputs" / "library" / "notes.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(content)
    [entry] = library.scan()
    assert told(library)["good"]["notes"] == "" and library.removed() == []
    library.note(entry.id, "half \ud800 a character")
    assert told_notes(library, entry) == "half \ud800 a character"
    sound = content.startswith("{")
    assert sound or (kept.parent / "notes.json.damaged").read_text() == content


def told_notes(library: Catalogue, entry: Entry) -> str:
    return library.to_json(entry)["notes"]


def test_a_removed_entry_without_files_is_passed_over(folder: Path) -> None:
    library = catalogue(folder)
    kept = folder.parent / "outputs" / "library" / "notes.json"
    kept.parent.mkdir(parents=True)
    odd = {
        "a": {},
        "b": {"name": "b", "files": 5},
        "c": {"name": 1, "files": []},
        "d": {"name": "d", "files": [[1, 2]]},
    }
    kept.write_text(json.dumps({"removed": odd}))
    assert library.removed() == []


def test_a_model_whose_name_is_no_text_is_removed_and_comes_back(folder: Path) -> None:
    MODELS["a name that is no UTF-8"][0](folder)
    library = catalogue(folder)
    before = set(os.listdir(folder))
    [odd] = [entry for entry in library.scan() if entry.name != "good"]
    library.restore(library.remove(odd.id))
    assert set(os.listdir(folder)) - {"removed"} == before


# --- the other lists ---

LISTS = {
    "LoRAs": ("loras", lambda: addons.installed(addons.LORA)),
    "embeddings": ("embeddings", lambda: addons.installed(addons.EMBEDDING)),
    "ControlNets": ("controlnet", lambda: addons.installed(addons.CONTROL)),
    "upscalers": ("upscale_models", lambda: addons.installed(addons.UPSCALER)),
    "VAEs": ("vae", vaes.names),
    "models": ("", models.installed),
    "own families": ("", own.names),
    "sources of conversions": ("", sources.names),
}
ALL = {name: plant for name, (plant, _) in MODELS.items()} | IGNORED
PLANTED = sorted(set(ALL) - {"twenty thousand other files"})


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
@pytest.mark.parametrize("kind", LISTS)
def test_no_list_minds_an_odd_file(folder: Path, kind: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIGC_MODELS", str(folder))
    below, listed = LISTS[kind]
    (folder / below).mkdir(exist_ok=True)
    before = set(within(listed))
    safetensors(folder / below / "sound.safetensors")
    ALL[fault](folder / below)
    names = set(within(listed)) - before
    assert not any(name.startswith("odd") for name in names - {"odd"}) or "shape" in fault or "another" in fault
    assert kind == "own families" or {"sound", "sound.safetensors"} & names


@pytest.mark.parametrize("fault", ["a pipe", "a link to a device", "a link in a circle"])
def test_what_is_no_regular_file_is_refused_in_words_and_never_waited_for(folder: Path, fault: str) -> None:
    MODELS[fault][0](folder)
    with pytest.raises(BadFile, match="cannot be read"):
        within(lambda: strangers.check_safetensors(folder / "odd.safetensors"))
    with pytest.raises(BadFile):
        within(lambda: strangers.read_json(folder / "odd.safetensors"))


# --- ComfyUI's list of folders ---


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghijklm")),
        "a: {base_path: " + "9" * 10_000 + "}",
        "a: {base_path: 2026-13-45}",
        "a: [" + "[" * 30_000,
        "a" * 70_000,
    ],
    ids=["bomb", "digits", "date", "depth", "size"],
)
def test_a_list_of_folders_costs_what_its_size_says(tmp_path: Path, text: str) -> None:
    (tmp_path / "extra_model_paths.yaml").write_text(text)
    began = time.thread_time()
    with pytest.raises(BadRequest, match=r"extra_model_paths\.yaml"):
        places.from_yaml(tmp_path / "extra_model_paths.yaml")
    assert time.thread_time() - began < 5


def test_a_list_of_folders_that_is_a_pipe_or_endless_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(BadRequest, match="can not be read"):
            within(lambda path=path: places.from_yaml(path))


def test_a_folder_that_no_file_system_can_name_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "extra_model_paths.yaml"
    file.write_text('a: {base_path: "x\\0y", vae: here}\nb: {loras: "half \\ud800"}\nc: {loras: fine}')
    named = places.from_yaml(file)
    environment: dict[str, str] = {}
    places.name(named, environment)
    assert named == {"loras": (tmp_path / "fine",)}


def test_two_scans_at_once_agree(folder: Path) -> None:
    library = catalogue(folder)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(len(library.scan()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 4
