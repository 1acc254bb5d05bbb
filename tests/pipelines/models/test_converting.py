"""Strangers' checkpoints: the sound become the same tensors, the rest is refused in a sentence and never run."""

import collections
import hashlib
import io
import os
import pickle
import signal
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pipelines.confined import process
from pipelines.errors import BadFile, BadRequest
from pipelines.models.converting import container, convert, opcodes
from pipelines.models.library.kinds import Recognised


def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"a.weight": torch.randn(48, 64), "a.bias": torch.randn(48).half(), "steps": torch.arange(5)}


def done(stream: Any) -> Recognised:
    while True:
        try:
            next(stream)
        except StopIteration as end:
            return end.value


def converted(source: Path, dtype: str = "keep") -> dict[str, torch.Tensor]:
    target = source.with_name("converted.safetensors")
    done(convert.convert(source, target, dtype))
    return load_file(target)


def same(made: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    alike = made.keys() == wanted.keys()
    return alike and all(made[n].dtype == wanted[n].dtype and torch.equal(made[n], wanted[n]) for n in wanted)


def refused(source: Path) -> str:
    """The sentence; nothing may be left beside the source."""
    before = set(source.parent.iterdir())
    with pytest.raises(BadFile) as told:
        done(convert.convert(source, source.with_name("converted.safetensors")))
    assert set(source.parent.iterdir()) == before
    assert len(str(told.value)) < 300 and str(source.parent) not in str(told.value)
    return str(told.value)


# What is sound


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", container.KINDS)
def test_a_checkpoint_becomes_the_same_tensors_bit_for_bit(tmp_path: Path, suffix: str, zipped: bool) -> None:
    source = tmp_path / f"model{suffix}"
    torch.save(weights(), source, _use_new_zipfile_serialization=zipped)
    assert same(converted(source), weights())


@pytest.mark.slow
def test_what_trainers_wrap_around_weights_is_taken_off(tmp_path: Path) -> None:
    source = tmp_path / "model.ckpt"
    wrapped = {f"module.{name}": tensor for name, tensor in weights().items()}
    told = {"epoch": 3, "loss": np.float64(0.5), "optimizer_states": [{"m": torch.ones(9)}], "lr_schedulers": []}
    torch.save({"state_dict": wrapped, **told}, source)
    assert same(converted(source), weights())


def test_tied_weights_views_and_transposes_keep_their_values(tmp_path: Path) -> None:
    source, base = tmp_path / "model.pt", torch.randn(8, 8)
    tensors = {"one": base, "tied": base, "turned": base.t(), "part": base[2:4, 1:3]}
    torch.save(tensors, source)
    assert same(converted(source), {name: tensor.contiguous() for name, tensor in tensors.items()})


def test_modules_parameters_load_as_the_same_model(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8)).eval()
    torch.save(model.state_dict(), tmp_path / "model.bin")
    again = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8)).eval()
    again.load_state_dict(converted(tmp_path / "model.bin"))
    x = torch.randn(3, 8)
    assert torch.equal(again(x), model(x))


def test_a_textual_inversion_is_called_as_others_call_it(tmp_path: Path) -> None:
    vectors = torch.randn(3, 768)
    torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}, "name": "x"}, tmp_path / "a.pt")
    target = tmp_path / "a.safetensors"
    found = done(convert.convert(tmp_path / "a.pt", target))
    assert found.kind == "textual_inversion" and found.architecture == "sd1"
    assert same(load_file(target), {"emb_params": vectors})


def test_parameter_dicts_of_the_first_textual_inversions_are_read(tmp_path: Path) -> None:
    params = torch.nn.ParameterDict({"*": torch.nn.Parameter(torch.randn(2, 768))})
    torch.save({"string_to_token": {"*": 265}, "string_to_param": params}, tmp_path / "a.pt")
    assert same(converted(tmp_path / "a.pt"), {"emb_params": params["*"].detach()})


def test_the_file_says_where_it_came_from(tmp_path: Path) -> None:
    source = tmp_path / "model.ckpt"
    torch.save(weights(), source)
    converted(source)
    with safe_open(tmp_path / "converted.safetensors", "pt") as opened:
        said = opened.metadata()
    assert said["converted_from"] == "model.ckpt"
    assert said["converted_from_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_dtype_is_torchs_own_rounding_and_leaves_integers_alone(tmp_path: Path, dtype: str) -> None:
    save_file(weights(), tmp_path / "model.safetensors", {"modelspec.title": "kept"})
    wanted = {n: t.to(getattr(torch, dtype)) if t.is_floating_point() else t for n, t in weights().items()}
    assert same(converted(tmp_path / "model.safetensors", dtype), wanted)
    with safe_open(tmp_path / "converted.safetensors", "pt") as opened:
        assert opened.metadata()["modelspec.title"] == "kept"


def test_values_that_float16_cannot_hold_are_not_made_infinite(tmp_path: Path) -> None:
    save_file({"large": torch.tensor([1e5])}, tmp_path / "model.safetensors")
    with pytest.raises(BadFile, match="large holds values too large for float16. Choose bfloat16"):
        converted(tmp_path / "model.safetensors", "float16")


def test_a_name_that_is_taken_is_not_written_over(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "model.ckpt")
    (tmp_path / "converted.safetensors").write_bytes(b"mine")
    with pytest.raises(BadRequest, match="already there"):
        converted(tmp_path / "model.ckpt")
    assert (tmp_path / "converted.safetensors").read_bytes() == b"mine"


# What is not


class Calls:
    """Pickles into a call of `function` when it is opened."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def payloads(canary: Path) -> dict[str, Any]:
    import builtins
    import importlib
    import subprocess

    touch = f"open({str(canary)!r}, 'w').close()"
    return {
        "os.system": Calls(os.system, f"touch {canary}"),
        "eval": Calls(builtins.eval, touch),
        "exec": Calls(builtins.exec, touch),
        "getattr": Calls(builtins.getattr, dict, "clear"),
        "open": Calls(open, str(canary), "w"),
        "import": Calls(importlib.import_module, "antigravity"),
        "popen": Calls(subprocess.Popen, ["touch", str(canary)]),
        "torch.load": Calls(torch.load, "x"),
        "nested pickle": Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch {canary}"))),
        "module": torch.nn.Linear(2, 2),
        "partial": Calls(collections.defaultdict, os.getcwd),
    }


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", list(payloads(Path("x"))))
def test_a_payload_is_named_and_not_run(tmp_path: Path, name: str, zipped: bool) -> None:
    canary = tmp_path / "canary"
    source = tmp_path / "model.ckpt"
    torch.save({"state_dict": weights(), "x": payloads(canary)[name]}, source, _use_new_zipfile_serialization=zipped)
    assert "Nothing was run" in refused(source)
    assert not canary.exists()


@pytest.mark.slow
@pytest.mark.parametrize("protocol", range(6))
def test_a_bare_pickle_of_any_protocol_is_refused(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "model.bin").write_bytes(pickle.dumps(payloads(canary)["os.system"], protocol))
    refused(tmp_path / "model.bin")
    assert not canary.exists()


def test_a_name_made_of_pieces_on_the_stack_is_refused() -> None:
    hidden = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93."
    with pytest.raises(BadFile, match="something hidden"):
        opcodes.check(io.BytesIO(hidden), "x")


def test_a_payload_in_the_name_of_a_storage_opens_nothing(tmp_path: Path) -> None:
    source = tmp_path / "model.ckpt"
    torch.save(weights(), source)
    changed = rezipped(source, lambda name, data: data.replace(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x00/"))
    assert "damaged" in refused(changed)


def test_a_tar_of_the_first_years_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.pt", "w") as archive:
        data = pickle.dumps(payloads(tmp_path / "canary")["os.system"])
        entry = tarfile.TarInfo("pickle")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    assert "tar archive" in refused(tmp_path / "model.pt")


def rezipped(source: Path, change: Callable[[str, bytes], bytes], how: int = zipfile.ZIP_STORED) -> Path:
    target = source.with_name("changed.ckpt")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", how) as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member)))
    return target


@pytest.mark.slow
def test_a_packed_checkpoint_is_read_and_one_of_ratio_1000_is_not(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "a.pt")
    assert same(converted(rezipped(tmp_path / "a.pt", lambda _, data: data, zipfile.ZIP_DEFLATED)), weights())
    (tmp_path / "converted.safetensors").unlink()
    torch.save({"a": torch.zeros(2**24)}, tmp_path / "b.pt")
    assert "made to fill memory" in refused(rezipped(tmp_path / "b.pt", lambda _, data: data, zipfile.ZIP_DEFLATED))


def test_a_view_of_a_few_bytes_as_terabytes_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(2**40)}, tmp_path / "model.pt")
    assert "claims more values" in refused(tmp_path / "model.pt")


def test_a_thousand_names_for_the_same_bytes_are_refused(tmp_path: Path) -> None:
    tensor = torch.zeros(2**16)
    torch.save({f"t{i}": tensor for i in range(1000)}, tmp_path / "model.pt")
    assert "claims more values" in refused(tmp_path / "model.pt")


def legacy(pickled: bytes) -> bytes:
    """A file that begins as an old PyTorch one and has `pickled` as its object."""
    head = (pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2))
    return b"".join((*head, pickled, pickle.dumps([], 2)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02]" + b"]a" * 1000 + b".",
        b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b".",
        b"\x80\x02]" + b"".join(b"r" + i.to_bytes(4, "little") for i in range(10**6)) + b".",
        b"\x80\x02X\xff\xff\xff\x7fabc",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc",
        b"\x80\x02]" + b"0]" * 3_000_000 + b".",
    ],
    ids=["lists", "deep lists", "deep tuples", "million memo entries", "long text", "endless text", "many opcodes"],
)
def test_pickles_made_to_fill_memory_are_refused(tmp_path: Path, pickled: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(legacy(pickled))
    refused(tmp_path / "model.pt")


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.03, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, part: float, zipped: bool) -> None:
    source = tmp_path / "model.ckpt"
    torch.save(weights(), source, _use_new_zipfile_serialization=zipped)
    source.write_bytes(source.read_bytes()[: int(part * source.stat().st_size)])
    assert any(word in refused(source) for word in ("cut off", "is empty"))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.tensor([1.0, float("nan")])}, tmp_path / "model.pt")
    assert "no numbers" in refused(tmp_path / "model.pt")


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "model.pt")
    with zipfile.ZipFile(tmp_path / "model.pt", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(n for n in archive.namelist() if n.endswith("data.pkl")), b"\x80\x02}.")
    assert "twice" in refused(tmp_path / "model.pt")


def test_a_file_that_is_swapped_while_it_is_converted_is_thrown_away(tmp_path: Path) -> None:
    source = tmp_path / "model.ckpt"
    torch.save({f"t{i}": torch.zeros(2**18) for i in range(40)}, source)
    torch.save(weights(), tmp_path / "other.ckpt")
    stream = convert.convert(source, tmp_path / "converted.safetensors")
    while next(stream).stage != "reading":
        pass
    os.replace(tmp_path / "other.ckpt", source)
    with pytest.raises(BadFile, match="changed while|brought down|cut off"):
        done(stream)
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt"]


def test_a_conversion_that_is_stopped_ends_its_process_and_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    children = []
    start = process.subprocess.Popen
    monkeypatch.setattr(process.subprocess, "Popen", lambda *a, **k: children.append(start(*a, **k)) or children[-1])
    source = tmp_path / "model.ckpt"
    torch.save({f"t{i}": torch.zeros(2**20) for i in range(20)}, source)
    stream = convert.convert(source, tmp_path / "converted.safetensors")
    while next(stream).stage != "converting":
        pass
    assert children[0].poll() is None
    stream.close()
    assert children[0].poll() == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt"]


def test_a_conversion_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "model.ckpt")
    with pytest.raises(BadFile, match="too long"):
        done(convert.convert(tmp_path / "model.ckpt", tmp_path / "converted.safetensors", timeout=0.05))
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt"]


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import socket; socket.socket()",
        "import os; os.fork()",
        "open('/tmp/beside', 'w')",
        "import os; os.remove('/tmp/beside')",
        "bytearray(2**33)",
    ],
)
def test_the_child_may_do_nothing_but_read_and_write_its_file(tmp_path: Path, code: str) -> None:
    """Even if a file did run code."""
    import subprocess
    import sys

    confined = "from pathlib import Path; from pipelines.confined import limits\n"
    confined += f"limits.confine(0, 2**20, Path({str(tmp_path)!r}))\n"
    seen = subprocess.run([sys.executable, "-c", confined + code], capture_output=True, text=True)
    assert seen.returncode == 1 and ("PermissionError" in seen.stderr or "MemoryError" in seen.stderr), seen
