"""A file is written whole or not at all: never under its name before all of it is on the disk."""

import os
from pathlib import Path
from stat import S_ISDIR

import numpy as np
import pytest

from pipelines.files.whole import write_whole
from pipelines.store.images import ImageStore

DATA = bytes(range(256)) * 40
on_unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no call that flushes a folder")


class Flushes(list[tuple[str, bool, int]]):
    """What was flushed, in order: a file or a folder, whether the picture had its name by then, and its bytes."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, pattern: str) -> None:
        flush = os.fsync

        def watched(handle: int) -> None:
            status = os.fstat(handle)
            named = any(folder.glob(pattern))
            self.append(("folder", named, 0) if S_ISDIR(status.st_mode) else ("file", named, status.st_size))
            flush(handle)

        patch.setattr(os, "fsync", watched)


@on_unix
@pytest.mark.parametrize("private", [False, True])
def test_a_file_is_flushed_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    flushed = Flushes(monkeypatch, tmp_path, "day/a.png")
    write_whole(tmp_path / "day" / "a.png", DATA, private)
    assert flushed == [("folder", False, 0), ("file", False, len(DATA)), ("folder", True, 0)]
    assert (tmp_path / "day" / "a.png").read_bytes() == DATA


@on_unix
def test_a_picture_is_flushed_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(tmp_path)
    flushed = Flushes(monkeypatch, tmp_path, "*/*.png")
    image_id = store.save(np.zeros((8, 8, 3), np.uint8), {"prompt": "a"})
    size = store.path(image_id).stat().st_size
    assert flushed[-2:] == [("file", False, size), ("folder", True, 0)]


def test_a_file_that_is_replaced_is_another_file(tmp_path: Path) -> None:
    """Whoever reads the old one reads on in it: written in place it would change under the reader."""
    path = tmp_path / "a.png"
    write_whole(path, DATA)
    with path.open("rb") as reader:
        start = reader.read(100)
        write_whole(path, b"other")
        assert start + reader.read() == DATA
    assert path.read_bytes() == b"other"


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = tmp_path / "a.png"
    write_whole(path, DATA)

    def fail(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if moment == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"other")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == DATA
