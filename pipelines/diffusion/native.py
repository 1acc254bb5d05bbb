"""A model's native networks: the graphs that were exported of its parts, and the one process that computes them all."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.device.native import session
from pipelines.device.native.judged import Judged, available
from pipelines.device.native.session import Exported, Session
from pipelines.models import graphs
from pipelines.models.graphs import Graph
from pipelines.models.info import ModelInfo

log = logging.getLogger(__name__)

ENCODING = ("encoder.", "quant_conv.")
"""Of an autoencoder's weights those that decoding does not ask for."""
MOST_LATENT_PIXELS = 1024
"""Beyond, attention that is written out takes more memory and time than torch's own."""


@dataclass(frozen=True, eq=False)
class NativeNetwork:
    """One part's native way; variants of the part, as add-ons make them, work in torch. It holds the part weakly, as
    the model may go."""

    judged: Judged
    part: weakref.ref[Any]
    graph: Graph

    def suits(self, part: Any, shape: tuple[int, ...]) -> bool:
        """Whether that is its part, and latents of that shape (C, h, w) may be asked of its graph."""
        _, height, width = shape
        factor = self.graph.multiple_of
        fits = height % factor == 0 and width % factor == 0
        return part is self.part() and fits and height * width <= MOST_LATENT_PIXELS

    def takes(self, inputs: Mapping[str, Tensor]) -> bool:
        """Whether these are the inputs of the graph; add-ons may name more."""
        return set(inputs) == set(self.graph.inputs) and all(t.dtype == torch.float32 for t in inputs.values())


@dataclass(frozen=True, eq=False)
class Native:
    """The process of one model and the networks in it, by part."""

    session: Session
    networks: Mapping[str, NativeNetwork]

    @classmethod
    def of(cls, info: ModelInfo, parts: Mapping[str, Any]) -> Native | None:
        """None where no graph was shipped that fits these weights, or onnxruntime is not here."""
        shipped = graphs.shipped(info)
        return cls.over(info.name, parts, shipped, {}) if shipped and available() else None

    @classmethod
    def over(
        cls,
        name: str,
        parts: Mapping[str, Any],
        exported: Mapping[str, Graph],
        verdicts: Mapping[str, Callable[[str], None] | None],
    ) -> Native | None:
        """Of those graphs that fit the parts; None where none does. `verdicts`: see Judged, by part."""
        ours = {part: graph for part, graph in exported.items() if _fits(name, part, parts[part], graph)}
        if not ours:
            return None
        held = {part: weakref.ref(parts[part]) for part in ours}
        shared = Session({part: _exported(held[part], graph) for part, graph in ours.items()}, torch.get_num_threads)
        judges = {part: Judged(shared, part, verdicts.get(part)) for part in ours}
        networks = {part: NativeNetwork(judges[part], held[part], graph) for part, graph in ours.items()}
        return cls(shared, networks)

    @property
    def nbytes(self) -> int:
        """Of main memory, while the process lives."""
        return session.memory_of(sum(network.graph.nbytes for network in self.networks.values()))


def weights_of(part: Any) -> dict[str, Tensor]:
    """What a call asks of a part's weights, by the state dict's names."""
    return {name: tensor for name, tensor in part.state_dict().items() if not name.startswith(ENCODING)}


def _fits(model: str, name: str, part: Any, graph: Graph) -> bool:
    if part.dtype != torch.float32:
        return False
    if graph.fits({weight: tuple(tensor.shape) for weight, tensor in weights_of(part).items()}):
        return True
    log.warning("the graph of %s/%s has other weights than the part; PyTorch works instead", model, name)
    return False


def _exported(there: weakref.ref[Any], graph: Graph) -> Exported:
    """The arrays are the tensors' own memory."""

    def weights() -> dict[str, np.ndarray]:
        part = there()
        assert part is not None  # whoever asks holds it
        return {name: tensor.detach().contiguous().numpy() for name, tensor in weights_of(part).items()}

    return Exported(graph.onnx, weights)
