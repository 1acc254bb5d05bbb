"""Folders of models are read when they change, and a request is validated without a walk over the disk."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import models, places, registry
from pipelines.errors import BadRequest
from pipelines.files import disk
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Root
from pipelines.params import Choice
from pipelines.requests.text_to_image import TextToImageRequest

_read: list[str] | None = None
"""Folders that were read, while somebody asks."""


def _hear(event: str, values: tuple[object, ...]) -> None:
    if _read is not None and event in ("os.scandir", "os.listdir"):
        _read.append(str(values[0]))


sys.addaudithook(_hear)


@pytest.fixture
def read() -> Iterator[list[str]]:
    global _read
    _read = []
    yield _read
    _read = None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "loras/ink", "vae/soft", "controlnet/canny", "upscale_models/double"):
        file = tmp_path / "models" / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path / "models"))
    monkeypatch.setattr(disk, "SETTLED_NS", 0)  # these folders are new, and it is theirs to be remembered
    return tmp_path / "models"


ASKED = {"model": "one", "vae": "soft.safetensors", "upscaler": "double", "hires_upscaler": "double"}
VALUES = TextToImageRequest.of(prompt="a fox").values() | ASKED


def test_a_request_is_validated_without_a_walk_over_the_disk(
    home: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    TextToImageRequest.parse(VALUES)
    assert read
    read.clear()
    asked: list[object] = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *path, **how: asked.append(path) or real(*path, **how))
    TextToImageRequest.parse(VALUES)
    assert read == [] and len(asked) <= len(ASKED)


def test_a_file_that_comes_or_goes_while_the_studio_runs_is_known_at_once(home: Path, read: list[str]) -> None:
    TextToImageRequest.parse(VALUES)
    for times in range(3):
        with pytest.raises(BadRequest, match="model must be one of"):
            TextToImageRequest.parse(VALUES | {"model": "late"})
        (home / "late.safetensors").write_bytes(b"")
        read.clear()
        assert TextToImageRequest.parse(VALUES | {"model": "late"}).model == "late"
        assert read == [str(home)], times  # the folder that changed, once
        (home / "late.safetensors").unlink()


def test_what_lies_in_a_folder_is_read_again_only_when_it_changes(home: Path, read: list[str]) -> None:
    def names() -> list[list[str]]:
        return [[*folder.folders, *folder.names] for folder in disk.walk(home, 2)]

    first = names()
    assert read
    read.clear()
    assert names() == first and disk.children(home / "vae") == ["soft.safetensors"] and read == []
    (home / "vae" / "another").touch()
    assert names() != first and read == [str(home / "vae")]


def test_what_was_remembered_cannot_be_spoilt_by_who_reads_it(home: Path) -> None:
    for _ in range(2):
        [top] = disk.walk(home, 0)
        assert len(top.folders) == 4 and len(top.names) == 1
        top.folders.clear()
        top.names.clear()


def test_a_folder_is_not_remembered_while_its_time_may_not_tell_of_the_next_change(
    home: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SETTLED_NS", 60 * 10**9)
    disk.children(home)
    disk.children(home)
    assert read == [str(home)] * 2


def test_looking_through_the_folders_again_believes_nothing_that_was_remembered(home: Path, read: list[str]) -> None:
    catalogue = Catalogue([Root(home, "other")], home.parent / "outputs")
    catalogue.scan()
    read.clear()
    catalogue.scan()
    assert str(home) in read and str(home / "loras") in read


@pytest.mark.parametrize("generator", registry.names())
def test_asked_for_one_name_a_choice_says_the_same_as_all_its_names(home: Path, generator: str) -> None:
    for field in registry.get(generator).request_type.fields():
        if isinstance(field.spec, Choice):
            for name in field.spec.names():
                assert field.spec.check(field.name, name, str) == name
            with pytest.raises(BadRequest):
                field.spec.check(field.name, "no such name", str)


def test_names_do_not_outlive_the_folders_they_were_read_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.resolve("one")
    monkeypatch.delenv(places.VARIABLES[places.CHECKPOINTS])
    assert not models.resolve("one")
