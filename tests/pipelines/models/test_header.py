"""A safetensors header is read within bounds; what is none is named by its content."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.errors import BadFile
from pipelines.models.library import header
from pipelines.models.strangers import check_safetensors


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    save_file({"w": torch.zeros(2, 3), "h": torch.zeros(4, dtype=torch.float16)}, path, {"modelspec.title": "A"})
    return path


def test_shapes_dtypes_and_metadata_of_a_real_file(sound: Path) -> None:
    read = header.read(sound)
    assert read.shapes == {"w": (2, 3), "h": (4,)}
    assert read.dtypes == {"w": "F32", "h": "F16"}
    assert read.metadata == {"modelspec.title": "A"}


@pytest.mark.parametrize("keep", [0, 4, 9, 40, -1])
def test_a_file_that_is_cut_off_is_refused(sound: Path, keep: int) -> None:
    sound.write_bytes(sound.read_bytes()[:keep])
    with pytest.raises(BadFile):
        header.read(sound)


@pytest.mark.parametrize("length", [2**24, 2**40])
def test_a_header_larger_than_any_real_one_is_refused_unread(tmp_path: Path, length: int) -> None:
    """Sixteen megabytes are dear already: parsing 79 took 95 s and 1.8 GB."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{" * 100)
    with pytest.raises(BadFile, match="more than any real"):
        header.read(path)
    with pytest.raises(BadFile, match="more than any real"):
        check_safetensors(path)


@pytest.mark.parametrize(
    "text",
    [
        b"{" + b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(60_000)) + b"}",
        b'{"w":' + b"[" * 20 + b"]" * 20 + b"}",
        b'{"w":[' + b"0," * 2_500_000 + b"0]}",
    ],
    ids=["60,000 tensors", "20 levels", "2.5 million values"],
)
def test_a_header_with_more_in_it_than_any_real_one_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(BadFile, match="not one of a model|The header is damaged"):
        header.read(path)


def test_a_text_in_the_metadata_that_is_longer_than_any_real_one_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"w": torch.zeros(1)}, path, {"long": "x" * (2**20 + 1), "short": "x"})
    assert header.read(path).metadata == {"short": "x"}


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1] * 9, "data_offsets": [0, 4]},
        3,
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, entry: object) -> None:
    text = json.dumps({"w": entry}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    with pytest.raises(BadFile, match="does not agree"):
        header.read(path)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"GGUF\x03\x00\x00\x00", "gguf"),
        (b"PK\x03\x04" + bytes(20), "pickle"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer"),
        (b"<!DOCTYPE html>", "page"),
        (b"", "empty"),
        (b"anything else at all, of thirty bytes", "unknown"),
    ],
)
def test_other_formats_are_named_and_never_opened(tmp_path: Path, start: bytes, kind: str) -> None:
    found, reason = header.sniff(start[:32])
    assert found == kind
    path = tmp_path / "a.safetensors"
    path.write_bytes(start)
    with pytest.raises(BadFile) as refused:
        header.read(path)
    assert str(refused.value) == reason
    assert 0 < len(reason) < 300


def test_a_pickle_s_first_byte_may_begin_a_header_too(sound: Path) -> None:
    """A header of 0x80 bytes begins like a pickle."""
    text = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode().ljust(0x80)
    sound.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    assert header.read(sound).shapes == {"w": (1,)}
