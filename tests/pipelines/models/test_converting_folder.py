"""A checkpoint of one file as a folder paints the same picture; asked for as a job, by command line, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines import models
from pipelines.__main__ import main
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadFile, BadRequest, NotFound
from pipelines.events import Result
from pipelines.models.converting import convert, sources, taking_in
from pipelines.models.converting.requests import ConvertRequest
from tests.aigc_ui.small_studio import open_studio
from tests.original_layout import checkpoint
from tests.pipelines.models.test_checkpoints import paint, pipeline
from tests.pipelines.models.test_converting import done
from tests.pipelines.models.test_hub import LORA

KINDS = ("sd1", "sd2", "sdxl", "refiner", "sd3")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "checkpoints").mkdir()
    for kind in KINDS:
        save_file(checkpoint(pipeline(kind), kind), folder / "checkpoints" / f"{kind}.safetensors")
    torch.save({"state_dict": checkpoint(pipeline("sd1"), "sd1")}, folder / "checkpoints" / "old.ckpt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_of_a_file_paints_the_same_picture(home: Path, devices: DeviceManager, kind: str) -> None:
    source = home / "checkpoints" / f"{kind}.safetensors"
    target = convert.folder_of(source, "keep")
    info: Any = done(convert.to_folder(source, target))
    assert target.name in models.installed() and info.architecture == models.inspect(source).architecture
    ours, again = (paint(devices, name).images.astype(int) for name in (kind, target.name))
    assert abs(ours - again).max() <= 1, "a projection is kept transposed in the file: its sums are rounded otherwise"
    assert not list(home.glob(".*.part"))


@pytest.mark.slow
def test_a_pickled_checkpoint_paints_as_the_safetensors_of_the_same_weights(home: Path, devices: DeviceManager) -> None:
    events = list(registry.get("convert").stream(ConvertRequest.parse({"source": "checkpoints/old.ckpt"}), devices))
    assert isinstance(events[-1], Result) and "checkpoint, sd1" in events[-1].notes[0]
    assert np.array_equal(paint(devices, "old").images, paint(devices, "sd1").images)


@pytest.mark.slow
def test_half_precision_halves_the_file(home: Path, devices: DeviceManager) -> None:
    asked = ConvertRequest.parse({"source": "checkpoints/sd1.safetensors", "dtype": "float16"})
    list(registry.get("convert").stream(asked, devices))
    made, source = (home / "checkpoints" / f"sd1{end}.safetensors" for end in ("-fp16", ""))
    assert 0.45 < made.stat().st_size / source.stat().st_size < 0.55
    assert models.inspect(made).architecture == "sd"


@pytest.mark.parametrize("source", ["../x.ckpt", "/etc/passwd", "checkpoints/none.ckpt", ""])
def test_only_files_among_the_models_can_be_named(home: Path, source: str) -> None:
    with pytest.raises(BadRequest):
        ConvertRequest.parse({"source": source})
    with pytest.raises(NotFound):
        sources.find(source)


@pytest.mark.slow
def test_the_command_line_converts_and_takes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    torch.save(LORA, tmp_path / "style.pt")
    assert main(["convert", str(tmp_path / "style.pt"), "--dtype", "float16"]) == 0
    assert "style-fp16.safetensors  (lora, " in capsys.readouterr().out
    assert main(["convert", str(tmp_path / "style.pt"), "--dtype", "float16"]) == 2
    assert "already there" in capsys.readouterr().err
    for _ in taking_in.take_in(tmp_path / "style.pt", tmp_path / "models"):
        pass
    assert load_file(tmp_path / "models" / "loras" / "style.safetensors").keys() == LORA.keys()


def test_what_is_no_model_is_not_taken_in(tmp_path: Path) -> None:
    save_file({"x": torch.ones(3)}, tmp_path / "x.safetensors")
    (tmp_path / "y.safetensors").write_text("<!DOCTYPE html>")
    for name in ("x", "y"):
        with pytest.raises(BadFile):
            done(taking_in.take_in(tmp_path / f"{name}.safetensors", tmp_path / "models"))
    assert not [path for path in (tmp_path / "models").rglob("*") if path.is_file()]


@pytest.mark.parametrize("generator", registry.OWNERS)
def test_pupils_of_a_shared_studio_may_not_change_its_models(tmp_path: Path, generator: str) -> None:
    studio = open_studio(tmp_path, shared=True)
    asked = {"repo": "org/name", "file": "model.safetensors"}
    client = studio.client("ada-0001")
    answers = [client.post("/api/v1/hub/look", json=asked)]
    answers.append(client.post("/api/v1/jobs", json={"generator": generator, "request": {}}))
    for answer in answers:
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "not_allowed"
    studio.services.close()
