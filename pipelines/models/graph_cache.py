"""Graphs of users' models on the disk: a folder for each structure, within a bound, the longest unused goes first.

A graph follows from a part's class and config and from the libraries that export it; weights are not in it, so all
models of one structure share it. What the first calls said of it (`verdict`) lies beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.files import plain
from pipelines.files.leftovers import sweep_parts
from pipelines.files.whole import write_whole
from pipelines.models import graphs, onnx_file
from pipelines.models.graphs import Graph

log = logging.getLogger(__name__)

NAME = "graphs"
MOST_BYTES = 128 * 2**20
"""A graph has 0.1 to 10 MB."""
VERDICT = "verdict"
FASTER, SLOWER, WRONG, REFUSED, FAILED = VERDICTS = ("faster", "slower", "wrong", "refused", "failed")
"""Than torch; other numbers than torch's; onnxruntime could not run it; it could not be exported."""
LIBRARIES = ("torch", "diffusers", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Structure:
    """What a graph follows from: the class of a part of a model ("unet", "vae") and what it is built from."""

    part: str
    kind: str
    config: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Another one with other versions of the libraries."""
        told = [self.part, self.kind, graphs.config_digest(self.config), graphs.FORMAT, _versions()]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


class GraphCache:
    """The folders in `folder`, together no larger than `most_bytes`. A disk that is full or read-only is no error: then
    nothing is kept."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = Path(folder), most_bytes
        for home in plain.children(self._folder):
            sweep_parts(home)

    def get(self, structure: Structure) -> Graph | None:
        """None where there is none; one that is damaged, or that we cannot have written, is deleted."""
        home = self._folder / structure.key
        graph = graphs.read(home, structure.config)
        if graph is None:
            if (home / graphs.CARD).exists():
                self._drop(home)
            return None
        try:
            onnx_file.check(graph.onnx, graph.weights)
        except onnx_file.Unlike as fault:
            log.warning("the graph in %s is not used and was deleted: %s", home, fault)
            self._drop(home)
            return None
        with contextlib.suppress(OSError):
            os.utime(home / graphs.CARD)
        return graph

    def put(self, structure: Structure, graph: Graph) -> None:
        """Keep it, and let go of the longest unused ones."""
        home = self._folder / structure.key
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name, data in graphs.files_of(graph, structure.config).items():
                write_whole(home / name, data)
        except OSError as fault:
            log.warning("the graph of a model could not be kept: %s", fault)
            self._drop(home)
        self._trim(structure.key)

    def verdict(self, structure: Structure) -> str:
        """One of VERDICTS; "" where nothing was said yet."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            word = plain.read(self._folder / structure.key / VERDICT, 100).decode()
            return word if word in VERDICTS else ""
        return ""

    def judge(self, structure: Structure, verdict: str) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / structure.key / VERDICT, verdict.encode())

    def describe(self) -> dict[str, int]:
        """How many structures are kept, in how many bytes, and how many bytes they may have."""
        sizes = [_size(home) for home in plain.children(self._folder)]
        return {"count": len(sizes), "bytes": sum(sizes), "most_bytes": self._most_bytes}

    def _trim(self, newest: str) -> None:
        homes = sorted(plain.children(self._folder), key=lambda home: (home.name == newest, _used(home)))
        left = sum(map(_size, homes))
        for home in homes:
            if left <= self._most_bytes:
                return
            left -= _size(home)
            self._drop(home)

    def _drop(self, home: Path) -> None:
        shutil.rmtree(home, ignore_errors=True)


@cache
def _versions() -> tuple[str, ...]:
    return tuple(_version(library) for library in LIBRARIES)


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _size(home: Path) -> int:
    total = 0
    for path in plain.children(home):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


def _used(home: Path) -> float:
    """When its card was last touched."""
    for name in (graphs.CARD, VERDICT):
        with contextlib.suppress(OSError):
            return (home / name).lstat().st_mtime
    return 0.0
