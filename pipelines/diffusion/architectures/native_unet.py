"""A UNet's native way: the graph that was exported of it, its weights, and the process that computes them."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pipelines.device.native.judged import Judged, available
from pipelines.device.native.session import Session
from pipelines.models import graphs
from pipelines.models.faults import is_ours
from pipelines.models.graphs import Graph
from pipelines.models.info import ModelInfo

log = logging.getLogger(__name__)

MOST_LATENT_PIXELS = 1024
"""Beyond, attention that is written out takes more memory and time than torch's own."""


@dataclass(frozen=True, eq=False)
class NativeWay:
    """Of one UNet, whose variants with add-ons work in torch. It holds the UNet weakly, as the model may go."""

    judged: Judged
    unet: weakref.ref[Any]
    graph: Graph

    @classmethod
    def of(cls, info: ModelInfo, unet: Any) -> NativeWay | None:
        """None where no graph was shipped that fits these weights, or onnxruntime is not here."""
        if not is_ours(info.folder) or unet.dtype != torch.float32:
            return None
        graph = graphs.read(info.folder / "unet", info.configs["unet"])
        if graph is None or not available():
            return None
        if not graph.fits({name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}):
            log.warning("the graph of %s has other weights than its UNet; PyTorch works instead", info.name)
            return None
        there = weakref.ref(unet)
        session = Session(graph.onnx, lambda: _weights(there), torch.get_num_threads)
        return cls(Judged(session), there, graph)

    def suits(self, unet: Any, shape: tuple[int, int, int]) -> bool:
        """Whether that is its UNet, and latents of that shape (C, h, w) may be asked of its graph."""
        _, height, width = shape
        factor = self.graph.multiple_of
        fits = height % factor == 0 and width % factor == 0
        return unet is self.unet() and fits and height * width <= MOST_LATENT_PIXELS

    def takes(self, inputs: Mapping[str, torch.Tensor]) -> bool:
        """Whether these are the inputs of the graph; add-ons may name more."""
        return set(inputs) == set(self.graph.inputs) and all(t.dtype == torch.float32 for t in inputs.values())


def _weights(there: weakref.ref[Any]) -> dict[str, np.ndarray]:
    """By the state dict's names; the arrays are the tensors' own memory."""
    unet = there()
    assert unet is not None  # whoever asks holds the network
    return {name: tensor.detach().contiguous().numpy() for name, tensor in unet.state_dict().items()}
