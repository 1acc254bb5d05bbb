"""Checkpoints on the disk: each a folder of safetensors and JSON, written beside the last one and renamed.

A kill or a power cut at any moment leaves the last whole one. Two are kept, so that one that was damaged later costs
only the steps since the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines.errors import BadFile, Sentence
from pipelines.files.whole import flush_folder, sha256_of, write_whole

TENSORS, ABOUT = "state.safetensors", "state.json"
_NAME = re.compile(r"step-\d{9}")
_LEFT = re.compile(r"\.step-\d{9}\.(part|gone)")
"""What a kill cut off: while it was written, while it was deleted."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training as of one step. `note` says which newer ones could not be read."""

    tensors: dict[str, Tensor]
    counts: dict[str, Any]
    note: Sentence

    @property
    def step(self) -> int:
        return self.counts["step"]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors of that prefix, without it: `model.`, `averaged.`."""
        return {name.removeprefix(prefix): t for name, t in self.tensors.items() if name.startswith(prefix)}


class Checkpoints:
    """The checkpoints of one training, in a folder that has nothing else of this name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._good: Path | None = None

    def save(self, tensors: Mapping[str, Tensor], counts: Mapping[str, Any]) -> Path:
        """On the disk when this returns; `counts` has the step. On OSError the last one is still there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / f"step-{counts['step']:09d}"
        part = _hidden(place, "part")
        part.mkdir()
        save_file(dict(tensors), part / TENSORS)
        _flush(part / TENSORS)
        about = dict(counts) | {"sha256": sha256_of([part / TENSORS])}
        write_whole(part / ABOUT, json.dumps(about | {"about_sha256": _digest(about)}, indent=1).encode() + b"\n")
        if place.exists():  # a damaged one, from which nothing went on
            _delete(place)
        part.rename(place)
        flush_folder(self.folder)
        self._delete_all_but(place, self._good)
        self._good = place
        return place

    def newest(self) -> Checkpoint | None:
        """The newest that is whole, or None where there is none. Raises BadFile where there are only damaged ones."""
        damaged: list[Path] = []
        for place in sorted(self._named(_NAME), reverse=True):
            if (about := _about(place)) is not None:
                tensors = load_file(place / TENSORS)
                self._good = place
                return Checkpoint(tensors, about, self._note(damaged, about["step"]))
            damaged.append(place)
        if damaged:
            raise BadFile(
                "no checkpoint in {folder} can be read. Delete the folder to begin again.", folder=self.folder.name
            )
        return None

    def _note(self, damaged: list[Path], step: int) -> Sentence:
        if not damaged:
            return Sentence("")
        newest = int(damaged[0].name.removeprefix("step-"))
        return Sentence(
            "the checkpoint of step {newest} is damaged; the training goes on from the one of step {step}.",
            newest=newest,
            step=step,
        )

    def _delete_all_but(self, *kept: Path | None) -> None:
        for place in self._named(_NAME):
            if place not in kept:
                _delete(place)
        for part in self._named(_LEFT):
            shutil.rmtree(part, ignore_errors=True)

    def _named(self, pattern: re.Pattern[str]) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if pattern.fullmatch(path.name) and path.is_dir()]


def _hidden(place: Path, ending: str) -> Path:
    """Where such a name is free."""
    path = place.with_name(f".{place.name}.{ending}")
    shutil.rmtree(path, ignore_errors=True)
    return path


def _delete(place: Path) -> None:
    """Out of sight first: half of a folder is never taken for a checkpoint."""
    shutil.rmtree(place.rename(_hidden(place, "gone")), ignore_errors=True)


def _about(place: Path) -> dict[str, Any] | None:
    """What the checkpoint says of itself, if all of it is as it was written."""
    try:
        about = json.loads((place / ABOUT).read_bytes())
        whole = isinstance(about, dict) and about.pop("about_sha256", None) == _digest(about)
        return about if whole and about["sha256"] == sha256_of([place / TENSORS]) else None
    except (OSError, ValueError):
        return None


def _digest(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _flush(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
