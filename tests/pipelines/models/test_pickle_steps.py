"""Checkpoints whose parts share one another cost what they become; their steps are counted, and nothing is run."""

import io
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.errors import BadFile
from pipelines.models.converting import contents, opcodes, pickled
from tests.pipelines.models.test_converting import legacy, refused

DOUBLED = b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) + b"0" for i in range(40))


def shared(width: int, depth: int) -> dict[str, Any]:
    """A dict of dicts that share one another: width ** depth names in a few hundred bytes."""
    inner: dict[str, Any] = {"weight": torch.zeros(2)}
    for _ in range(depth):
        inner = {str(i): inner for i in range(width)}
    return inner


def sentence(work: Callable[[], object], cpu_seconds: float = 4.0) -> str:
    start = time.process_time()
    with pytest.raises(BadFile) as refusal:
        work()
    assert time.process_time() - start < cpu_seconds
    assert len(str(refusal.value)) < 300
    return str(refusal.value)


@pytest.mark.parametrize(
    "pickle_of, why",
    [
        (b"(" * 2_000_000 + b".", "500 levels"),
        (b"(" * 400_000 + b"t" * 400_000 + b".", "500 levels"),
        (b")q\x00" + DOUBLED + b"h\x28.", "a tuple of more than"),
        (b")" + b"\x85" * 400_000 + b".", "a tuple of more than"),
        (b")" + b"2\x86" * 400_000 + b".", "a tuple of more than"),
        (b"N0" * 600_000 + b"N.", "steps"),
        (b"t.", "damaged"),
        (b"s.", "damaged"),
        (b"h\x05.", "damaged"),
    ],
    ids=["marks", "marked tuples", "shared", "deep", "doubled", "idle", "no mark", "no dict", "no memo"],
)
def test_what_would_cost_more_than_its_steps_is_refused_while_it_is_read(pickle_of: bytes, why: str) -> None:
    assert why in sentence(lambda: opcodes.check(io.BytesIO(b"\x80\x02" + pickle_of), "model.pt"))


@pytest.mark.parametrize("protocol", range(6))
def test_ordinary_data_of_every_protocol_passes(protocol: int) -> None:
    pair = (0.9, 0.999)
    data = {"groups": [{"betas": pair, "lr": 1e-4, "params": list(range(300))}] * 3, "sizes": (pair, (1, 2, 3), {})}
    assert opcodes.check(io.BytesIO(pickle.dumps(data, protocol)), "model.pt") > 300


def test_several_pickles_of_an_old_file_share_one_count(tmp_path: Path) -> None:
    from pipelines.models.converting import container

    idle = b"\x80\x02" + b"N0" * 300_000 + b"N."
    (tmp_path / "model.pt").write_bytes(legacy(idle)[: -len(pickle.dumps([], 2))] + idle)
    assert "steps" in sentence(lambda: container.check(tmp_path / "model.pt"), 6)


@pytest.mark.parametrize("width, depth", [(10, 7), (60, 7), (2, 7)])
def test_dicts_that_share_one_another_are_written_out_within_bounds(width: int, depth: int) -> None:
    data = shared(width, depth)
    if width**depth <= 1000:
        assert len(contents.tensors_of(data, "model.pt")) == width**depth
    else:
        assert "than any real model" in sentence(lambda: contents.tensors_of(data, "model.pt"))


def test_a_dict_that_holds_itself_is_refused() -> None:
    data: dict[str, Any] = {"a": torch.zeros(1)}
    data["self"] = data
    assert "nested deeper" in sentence(lambda: contents.tensors_of(data, "model.pt"))


def test_tensors_keep_their_order_and_their_names() -> None:
    one, two, three = (torch.full((1,), float(i)) for i in range(3))
    data = {"a": {"x": one, "y": {"z": two}}, "optimizer": {"m": one}, 5: two, "b": three}
    assert list(contents.tensors_of(data, "model.pt")) == ["a.x", "a.y.z", "b"]


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_file_of_shared_dicts_is_refused_whole(tmp_path: Path, zipped: bool) -> None:
    torch.save(shared(60, 7), tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    assert "than any real model" in refused(tmp_path / "model.pt")


def test_reading_has_a_limit_in_seconds_that_is_taken_back() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_CPU)
    with pickled._seconds(100):
        soft, _ = resource.getrlimit(resource.RLIMIT_CPU)
        assert 100 <= soft <= 101 + time.process_time() + 100
    assert resource.getrlimit(resource.RLIMIT_CPU) == before
