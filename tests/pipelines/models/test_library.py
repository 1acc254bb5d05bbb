"""The library of models: found in place, known by their first bytes, listed from an index, removed with a way back."""

import hashlib
import json
import os
import sqlite3
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.errors import BadRequest, NotAllowed, NotFound
from pipelines.models.library import scan
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Root
from pipelines.models.library.hashing import Hasher
from tests.tiny import tiny_model

LORA = {
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": torch.ones(4, 768),
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": torch.ones(320, 4),
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.alpha": torch.tensor(4.0),
}


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder with a pipeline, a LoRA with what lies beside it, a pickle and a page under a model's name."""
    folder = tmp_path / "models"
    (folder / "loras").mkdir(parents=True)
    tiny_model(folder / "tiny")
    said = {"modelspec.title": "Ink", "modelspec.license": "CC0", "ss_tag_frequency": '{"1_ink": {"inkstyle": 9}}'}
    save_file(LORA, folder / "loras" / "ink.safetensors", said)
    (folder / "loras" / "ink.preview.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "loras" / "ink.json").write_text('{"activation text": "ink wash", "notes": "from a friend"}')
    (folder / "old.ckpt").write_bytes(b"PK\x03\x04rest")
    (folder / "page.safetensors").write_bytes(b"<!DOCTYPE html>")
    return folder


def catalogue(ours: Path, whose: str = "ours") -> Catalogue:
    return Catalogue([Root(ours, whose)], ours.parent / "outputs")


def by_name(library: Catalogue) -> dict:
    return {entry.name: entry for entry in library.scan()}


@pytest.mark.slow
def test_every_model_is_found_and_known_by_its_content(ours):
    found = by_name(catalogue(ours))
    assert set(found) == {"tiny", "ink", "old", "page"}
    assert (found["tiny"].found.kind, found["tiny"].format, found["tiny"].found.unusable) == ("pipeline", "folder", "")
    assert (found["ink"].found.kind, found["ink"].found.architecture) == ("lora", "sd1")
    assert found["old"].format == "pickle" and "run code" in found["old"].found.unusable
    assert "web page" in found["page"].found.unusable
    assert all(str(ours) not in json.dumps(catalogue(ours).to_json(entry)) for entry in found.values())


def test_what_lies_beside_a_model_is_told_and_bounded(ours):
    library = catalogue(ours)
    told = library.to_json(by_name(library)["ink"])
    assert told["preview"] and told["licence"] == "CC0" and told["label"] == "Ink"
    assert told["trigger_words"] == ["ink wash", "inkstyle"] and told["description"] == "from a friend"
    (ours / "loras" / "ink.json").write_text("[" * 100_000)
    assert library.to_json(by_name(library)["ink"])["trigger_words"] == ["inkstyle"]


def test_an_unchanged_file_is_not_looked_into_again(ours, monkeypatch):
    first = by_name(catalogue(ours))
    looked: list[Path] = []
    look = scan.recognised
    monkeypatch.setattr(scan, "recognised", lambda path: (looked.append(path), look(path))[1])
    assert by_name(catalogue(ours)) == first and looked == []
    os.utime(ours / "old.ckpt", ns=(1, 1))
    by_name(catalogue(ours))
    assert looked == [ours / "old.ckpt"]


@pytest.mark.slow
def test_two_thousand_files_are_listed_within_a_second_after_the_first_scan(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    for i in range(2000):
        (folder / f"m{i}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    assert len(catalogue(folder).scan()) == 2000
    began = time.thread_time()
    assert len(catalogue(folder).scan()) == 2000
    assert time.thread_time() - began < 1


def test_a_broken_index_is_made_anew_and_an_older_one_too(ours):
    library = catalogue(ours)
    library.scan()
    index = ours.parent / "outputs" / "library.sqlite"
    index.write_bytes(b"garbage" * 1000)
    assert len(catalogue(ours).scan()) == 4
    with sqlite3.connect(index) as db:
        db.execute("pragma user_version = 99")
    assert len(catalogue(ours).scan()) == 4


def test_hashes_are_those_of_the_file_and_of_its_payload_and_last(ours):
    library = catalogue(ours)
    hasher = Hasher(library)
    hasher.start()
    deadline = time.monotonic() + 10
    while hasher.left() and time.monotonic() < deadline:
        time.sleep(0.01)
        if len(hasher.left()) == 1 and hasher.left()[0].name == "page":
            break
    data = (ours / "loras" / "ink.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entry = by_name(catalogue(ours))["ink"]
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert entry.payload_sha256 == hashlib.sha256(data[8 + length :]).hexdigest()
    (ours / "loras" / "ink.safetensors").write_bytes(data[:-4] + bytes(4))
    assert by_name(catalogue(ours))["ink"].sha256 == ""


def test_hashing_rests_while_jobs_run(ours):
    busy = [True]
    hasher = Hasher(catalogue(ours), lambda: busy[0])
    hasher.start()
    time.sleep(0.3)
    assert any(entry.name == "ink" for entry in hasher.left())
    hasher.close()


def test_a_removed_model_goes_with_what_lies_beside_it_and_comes_back(ours):
    library = catalogue(ours)
    before = {path: path.read_bytes() for path in (ours / "loras").iterdir()}
    gone = library.remove(by_name(library)["ink"].id)
    assert "ink" not in by_name(library) and not list((ours / "loras").iterdir())
    assert library.removed() == [{"id": gone, "name": "ink"}]
    catalogue(ours).restore(gone)  # also after a restart
    assert {path: path.read_bytes() for path in (ours / "loras").iterdir()} == before
    assert "ink" in by_name(catalogue(ours)) and catalogue(ours).removed() == []
    with pytest.raises(NotFound, match="brought back"):
        library.restore(gone)


def test_what_has_taken_the_place_of_a_removed_model_is_not_overwritten(ours):
    library = catalogue(ours)
    gone = library.remove(by_name(library)["old"].id)
    (ours / "old.ckpt").write_bytes(b"new")
    with pytest.raises(BadRequest, match="in its place"):
        library.restore(gone)
    assert (ours / "old.ckpt").read_bytes() == b"new" and library.removed()


@pytest.mark.parametrize("whose, confirmed", [("shipped", True), ("cache", True), ("other", False)])
def test_what_is_not_ours_stays_unless_it_is_confirmed(ours, whose, confirmed):
    library = catalogue(ours, whose)
    entry = by_name(library)["tiny"]
    with pytest.raises(NotAllowed, match="tiny"):
        library.remove(entry.id, confirmed)
    assert (ours / "tiny").is_dir()


def test_other_tools_files_can_be_removed_when_it_is_confirmed(ours):
    library = catalogue(ours, "other")
    library.restore(library.remove(by_name(library)["ink"].id, confirmed=True))
    assert (ours / "loras" / "ink.safetensors").is_file()


def test_notes_stay_with_the_name_and_are_bounded(ours):
    library = catalogue(ours)
    entry = by_name(library)["ink"]
    library.note(entry.id, "good at 0.7")
    assert catalogue(ours).to_json(by_name(catalogue(ours))["ink"])["notes"] == "good at 0.7"
    with pytest.raises(BadRequest, match="4000"):
        library.note(entry.id, "a" * 5000)
    library.note(entry.id, "")
    assert library.to_json(entry)["notes"] == ""


def test_models_of_the_hubs_cache_are_called_by_their_repository(tmp_path):
    snapshot = tmp_path / "hub" / "models--org--fine-model" / "snapshots" / "abc123"
    blobs = snapshot.parents[1] / "blobs"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    save_file(LORA, blobs / "0f0f")
    (snapshot / "lora.safetensors").symlink_to(blobs / "0f0f")
    [entry] = Catalogue([Root(tmp_path / "hub", "cache")], tmp_path / "outputs").scan()
    assert entry.name == "org/fine-model/lora.safetensors" and entry.found.kind == "lora"


def test_a_tree_that_lies_in_another_is_listed_once(ours):
    roots = [Root(ours, "ours"), Root(ours / "loras", "other")]
    assert len(Catalogue(roots, ours.parent / "outputs").scan()) == 4
