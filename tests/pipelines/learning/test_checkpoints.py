"""What lies on the disk: whole or not taken, whatever is cut off where; the last good one stays."""

import json
from pathlib import Path

import pytest
import torch

from pipelines.errors import BadFile
from pipelines.learning.checkpoints import ABOUT, TENSORS, Checkpoints
from pipelines.learning.events import Resumed
from pipelines.learning.recipe import Recipe
from pipelines.learning.training import Training
from tests.pipelines.learning.line import LineTask


def save(folder: Path, *steps: int) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for step in steps:
        checkpoints.save({"weight": torch.full((3,), float(step))}, {"step": step})
    return checkpoints


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_but_safetensors_and_json_lies_there_and_two_are_kept(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    assert names(tmp_path) == ["step-000000002", "step-000000003"]
    assert names(tmp_path / "step-000000003") == [ABOUT, TENSORS]
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None and newest.step == 3 and newest.tensors["weight"].tolist() == [3.0] * 3
    assert newest.note == ""
    assert Checkpoints(tmp_path / "none").newest() is None


@pytest.mark.parametrize("file", [ABOUT, TENSORS])
def test_one_that_is_cut_at_any_byte_falls_back_to_the_one_before_and_says_so(tmp_path: Path, file: str) -> None:
    save(tmp_path, 4, 9)
    cut = tmp_path / "step-000000009" / file
    whole = cut.read_bytes()
    for length in range(len(whole) - (file == ABOUT)):  # the last byte of a JSON file is a line's end
        cut.write_bytes(whole[:length])
        last = Checkpoints(tmp_path).newest()
        assert last is not None and last.step == 4, length
        assert last.note == "the checkpoint of step 9 is damaged; the training goes on from the one of step 4."


@pytest.mark.parametrize("file", [ABOUT, TENSORS])
def test_one_with_a_byte_changed_is_not_taken_either(tmp_path: Path, file: str) -> None:
    save(tmp_path, 4, 9)
    spoilt = tmp_path / "step-000000009" / file
    whole = spoilt.read_bytes()
    for place in range(0, len(whole), 3):
        spoilt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        last = Checkpoints(tmp_path).newest()
        assert last is not None
        assert last.step == 4 or file == ABOUT and json.loads(spoilt.read_bytes()) == json.loads(whole), place


def test_where_all_are_damaged_nothing_is_begun_anew_over_them(tmp_path: Path) -> None:
    save(tmp_path, 4, 9)
    for file in tmp_path.glob(f"*/{TENSORS}"):
        file.write_bytes(b"")
    with pytest.raises(BadFile, match="no checkpoint in .* can be read. Delete the folder to begin again"):
        Checkpoints(tmp_path).newest()


def test_what_was_cut_off_while_it_was_written_goes_with_the_next_one(tmp_path: Path) -> None:
    save(tmp_path, 1)
    half = tmp_path / ".step-000000002.part"
    half.mkdir()
    (half / TENSORS).write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("somebody's own")
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None and newest.step == 1 and newest.note == ""
    save(tmp_path, 3)
    assert names(tmp_path) == ["notes.txt", "step-000000003"], "and the first, which this run has not read"


def test_the_one_that_a_training_went_on_from_stays_until_two_are_newer(tmp_path: Path) -> None:
    save(tmp_path, 4, 9)
    (tmp_path / "step-000000009" / TENSORS).write_bytes(b"")
    checkpoints = Checkpoints(tmp_path)
    checkpoints.newest()
    checkpoints.save({"weight": torch.zeros(3)}, {"step": 9})
    assert names(tmp_path) == ["step-000000004", "step-000000009"]
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None and newest.step == 9 and newest.note == ""


def test_a_full_disk_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 4)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.newest()

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.learning.checkpoints.write_whole", full)
    with pytest.raises(OSError):
        checkpoints.save({"weight": torch.zeros(3)}, {"step": 5})
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None and newest.step == 4


def test_a_training_goes_on_from_the_one_before_and_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    def training(steps: int) -> Training:
        return Training(LineTask(), Recipe(steps, batch=8, ema_decay=0.9, save_every=0))

    whole, first, on = training(14), training(8), training(14)
    list(whole.run())
    list(first.run(tmp_path))
    file = tmp_path / "step-000000008" / TENSORS
    file.write_bytes(file.read_bytes()[:-1])
    told = next(run := on.run(tmp_path))
    assert isinstance(told, Resumed) and told.step == 7 and "step 8 is damaged" in told.note
    list(run)
    assert all(torch.equal(on.tensors()[name], tensor) for name, tensor in whole.tensors().items())
