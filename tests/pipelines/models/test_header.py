"""A safetensors header is read within bounds; what is none is named by its content."""

import json
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors.torch import save_file

from pipelines.errors import BadFile
from pipelines.models.library import header, scan
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


def written(path: Path, entries: dict[str, tuple[str, list[int], tuple[int, int]]], data: int) -> Path:
    head = {n: {"dtype": d, "shape": s, "data_offsets": list(o)} for n, (d, s, o) in entries.items()}
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    return path


OTHER_DTYPES = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U16": 16}
OTHER_DTYPES |= {"U32": 32, "U64": 64, "C64": 64}


@pytest.mark.parametrize("dtype", OTHER_DTYPES)
def test_numbers_that_cannot_be_loaded_are_named_and_not_called_damage(tmp_path: Path, dtype: str) -> None:
    size = OTHER_DTYPES[dtype]
    file = written(tmp_path / "a.safetensors", {"w": (dtype, [8], (0, size))}, size)
    with pytest.raises(BadFile, match=f"kind {dtype}, which cannot be loaded"):
        check_safetensors(file)
    kind, found = scan.recognised(file)
    assert kind == "safetensors" and f"kind {dtype}, which" in found.unusable
    short = written(tmp_path / "b.safetensors", {"w": (dtype, [8], (0, size - 1))}, size - 1)
    with pytest.raises(BadFile, match="does not agree"):
        check_safetensors(short)


def test_all_dtypes_of_the_library_are_known() -> None:
    assert header.DTYPE_BITS.keys() >= set(safetensors.torch._TYPES)


def test_a_file_without_tensors_says_so(tmp_path: Path) -> None:
    file = written(tmp_path / "a.safetensors", {}, 0)
    with pytest.raises(BadFile, match="holds no tensors"):
        check_safetensors(file)
    assert "holds no tensors" in scan.recognised(file)[1].unusable


@pytest.mark.parametrize(
    ("spans", "data"), [(((0, 4), (8, 12)), 12), (((0, 4), (0, 4)), 4), (((0, 4), (2, 6)), 6), (((0, 4), (4, 8)), 12)]
)
def test_holes_and_overlaps_are_damage_in_listings_as_in_loads(tmp_path: Path, spans, data: int) -> None:
    entries = {f"w{i}": ("F32", [1], span) for i, span in enumerate(spans)}
    file = written(tmp_path / "a.safetensors", entries, data)
    with pytest.raises(BadFile, match="does not agree"):
        check_safetensors(file)
    assert scan.recognised(file)[0] == "damaged" and "does not agree" in scan.recognised(file)[1].unusable
