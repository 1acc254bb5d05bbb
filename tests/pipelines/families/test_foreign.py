"""Checkpoints of GANs among the models: named by what stands in them, and nothing of them is ever run."""

import collections
import pickle
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.errors import BadFile
from pipelines.families import own
from pipelines.families.own import foreign


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("AIGC_MODELS", str(folder))
    return folder


@pytest.fixture
def foreign_class() -> Iterator[Callable[[str, str], Any]]:
    """make(module, name): a class that pickle can write, gone again before anything could read it."""
    made: list[str] = []

    def make(module: str, name: str) -> Any:
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            whole = ".".join(parts[:end])
            sys.modules.setdefault(whole, types.ModuleType(whole))
            made.append(whole)
        kind = type(name, (), {"__module__": module})
        setattr(sys.modules[module], name, kind)
        return kind

    yield make
    for name in made:
        sys.modules.pop(name, None)


def state(*names: str) -> collections.OrderedDict[str, torch.Tensor]:
    return collections.OrderedDict((name, torch.zeros(2)) for name in names)


ROSINALITY = {"g": state("conv1.conv.modulation.weight"), "g_ema": state("to_rgb1.conv.weight"), "latent_avg": 0}
BIGGAN = state("shared.weight", "blocks.0.0.conv1.weight", "blocks.0.0.conv1.sv0")


def why(entry: Path) -> str:
    refused = own.listing()["refused"]
    assert [bad["name"] for bad in refused] == [entry.name]
    assert len(refused[0]["why"]) < 300 and str(entry.parent) not in refused[0]["why"]
    return refused[0]["why"]


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("torch_utils.persistence", "_reconstruct", "a StyleGAN2 or StyleGAN3 as a pickle"),
        ("training.networks_stylegan3", "Generator", "a StyleGAN3 as a pickle"),
        ("training.networks", "Generator", "a StyleGAN2 or StyleGAN3 as a pickle"),
        ("dnnlib.tflib.network", "Network", "a StyleGAN of the TensorFlow years as a pickle"),
    ],
)
def test_a_stylegan_is_named_with_what_it_would_import_and_what_is_read(
    here: Path, foreign_class: Any, module: str, name: str, said: str, protocol: int
) -> None:
    file = here / "ffhq.pkl"
    file.write_bytes(pickle.dumps({"G_ema": foreign_class(module, name)()}, protocol))
    told = why(file)
    assert said in told and f"import {module}" in told
    assert "DDPMPipeline" in told and "safetensors" in told


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize(("content", "said"), [(ROSINALITY, "a StyleGAN2"), (BIGGAN, "a BigGAN")])
def test_a_pytorch_file_is_named_by_the_weights_in_it(here: Path, content: Any, said: str, old: bool) -> None:
    folder = here / "gan"
    folder.mkdir()
    torch.save(content, folder / "G_ema.pt", _use_new_zipfile_serialization=not old)
    assert f"this is {said} as a pickle" in why(folder)


def test_nothing_of_a_pickle_is_run(here: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (here / "ran",))

    (here / "trap.pkl").write_bytes(pickle.dumps({"training.networks": Trap()}))
    assert "import pathlib" in why(here / "trap.pkl")
    assert not (here / "ran").exists()


def test_only_the_beginning_is_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = here / "large.pkl"
    file.write_bytes(pickle.dumps([bytes(foreign.PREFIX), "training.networks"]))
    assert own.listing()["refused"] == [] and foreign.asked_for(file) == frozenset()
    file.write_bytes(pickle.dumps(["training.networks", bytes(foreign.PREFIX)]))
    assert "training.networks" in foreign.asked_for(file), "what stands before the place where it is cut"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\x02" + b"\x8e" + b"\xff" * 8,
        b"\x80\x04" + b"\x8d" + b"\xff" * 8 + b"x",
        b"\x80\x02" + b"(" * 200_000,
        b"\x80\x02L" + b"9" * 100_000 + b"L\n.",
        b"PK\x03\x04",
        b"PK\x03\x04" + bytes(40),
        b"PK\x03\x04" + b"\xff" * 26 + b"data.pkl",
        b"no pickle at all",
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
    ids=repr,
)
def test_broken_files_are_passed_over(here: Path, data: bytes) -> None:
    (here / "a.pkl").write_bytes(data)
    for bad in own.listing()["refused"]:
        assert "pickle" in bad["why"]


def test_a_packed_bomb_is_unpacked_no_further_than_the_beginning(here: Path) -> None:
    with zipfile.ZipFile(here / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data.pkl", pickle.dumps(["blocks.0.0.conv1.weight", bytes(10**8)]))
    assert (here / "bomb.pt").stat().st_size < 2**18
    assert len(foreign._first_of_zip((here / "bomb.pt").read_bytes())) <= foreign.PREFIX
    assert "a BigGAN" in why(here / "bomb.pt")


def test_other_checkpoints_are_other_rooms_business(here: Path) -> None:
    torch.save(state("model.diffusion_model.input_blocks.0.0.weight"), here / "sd.pt")
    (here / "notes.txt").write_text("training.networks")
    assert own.listing() == {"models": [], "refused": []}


def test_a_pipeline_that_is_not_read_is_named(here: Path) -> None:
    (here / "ldm").mkdir()
    (here / "ldm" / "model_index.json").write_text('{"_class_name": "LDMPipeline"}')
    (here / "sd").mkdir()
    (here / "sd" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    assert "a LDMPipeline, which cannot be read here" in why(here / "ldm")
    with pytest.raises(BadFile):
        own.inspect(here / "ldm")
