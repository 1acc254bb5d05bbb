"""The graphs of a model's parts as ONNX files without weights, beside each part's own files, and whether they fit them.

A graph follows from the config alone: it names its weights as the part's state dict does, with their shapes, and takes
pictures of any size and any number of rows. `graph.json` says what it was made of; whatever does not agree with it is
no graph for this model.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.files import plain
from pipelines.models.faults import is_ours
from pipelines.models.info import ModelInfo

log = logging.getLogger(__name__)

FILE, CARD = "graph.onnx", "graph.json"
FORMAT = 1
MOST_GRAPH_BYTES = 2**25
MOST_CARD_BYTES = 2**22
PARTS = ("unet", "vae")
"""What is exported: the UNet and the autoencoder's decoder. A text encoder takes 1.3 ms a prompt in PyTorch, and what a
call costs between two processes is as much as onnxruntime would gain."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Graph:
    """`weights`: the shape of each, by its name in the state dict. `multiple_of`: the sides of x are multiples of it.
    `inputs`: what a call names, in the graph's order."""

    onnx: bytes
    weights: Shapes
    inputs: tuple[str, ...]
    multiple_of: int

    @property
    def nbytes(self) -> int:
        """Of its weights in float32."""
        return 4 * sum(map(math.prod, self.weights.values()))

    def fits(self, shapes: Shapes) -> bool:
        """Whether the weights of a module are those that it names."""
        return dict(shapes) == dict(self.weights)


def shipped(info: ModelInfo) -> dict[str, Graph]:
    """By part; none with a model that is not ours."""
    if not is_ours(info.folder):
        return {}
    there = {part: read(info.folder / part, info.configs[part]) for part in PARTS if part in info.configs}
    return {part: graph for part, graph in there.items() if graph is not None}


def config_digest(config: Mapping[str, Any]) -> str:
    """SHA-256 of what a part is built from; which version of a library wrote it does not count."""
    told = {name: value for name, value in config.items() if not name.startswith("_")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def files_of(graph: Graph, config: Mapping[str, Any]) -> dict[str, bytes]:
    """The graph and its card by the names of their files, the card last."""
    card = {
        "format": FORMAT,
        "config": config_digest(config),
        "graph": hashlib.sha256(graph.onnx).hexdigest(),
        "multiple_of": graph.multiple_of,
        "inputs": list(graph.inputs),
        "weights": {name: list(shape) for name, shape in graph.weights.items()},
    }
    return {FILE: graph.onnx, CARD: (json.dumps(card, separators=(",", ":")) + "\n").encode()}


def write(folder: Path, graph: Graph, config: Mapping[str, Any]) -> None:
    """Write the graph and its card into a part's folder."""
    for name, data in files_of(graph, config).items():
        (folder / name).write_bytes(data)


def read(folder: Path, config: Mapping[str, Any]) -> Graph | None:
    """The graph in a part's folder; None where there is none, or one that is damaged or of another config."""
    try:
        card = json.loads(plain.read(folder / CARD, MOST_CARD_BYTES))
        onnx = plain.read(folder / FILE, MOST_GRAPH_BYTES)
        if card["format"] != FORMAT or card["config"] != config_digest(config):
            raise ValueError("it is of another model")
        if card["graph"] != hashlib.sha256(onnx).hexdigest():
            raise ValueError("the file is not the one that was exported")
        weights = {str(name): tuple(map(int, shape)) for name, shape in card["weights"].items()}
        return Graph(onnx, weights, tuple(map(str, card["inputs"])), max(1, int(card["multiple_of"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        place = f"{folder.parent.name}/{folder.name}"
        log.warning("the graph of %s cannot be used, PyTorch works instead: %s", place, fault)
        return None
