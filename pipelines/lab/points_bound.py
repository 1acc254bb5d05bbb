"""What a network that learns points costs in bits, term by term, beside the ideal denoiser on the same draws."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch

from pipelines.errors import BadRequest
from pipelines.lab.bound import described, entropy, ideal_model
from pipelines.theory.bound import Bound
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.ideal import Distribution
from pipelines.theory.reverse import Model, drawn_from

EXAMPLES = 256


class PointsBound:
    """The examples and the noise of one measurement, the same for whoever is measured."""

    def __init__(self, data: Distribution, process: DiffusionProcess, seed: int) -> None:
        self._data, self._process, self._seed = data, process, seed
        self.x0 = data.sample(EXAMPLES, torch.Generator().manual_seed(seed))

    @cached_property
    def ideal(self) -> Bound:
        return self._of(ideal_model(self._data, self._process.sigmas), "sample")

    def learned(self, network: Model) -> Bound:
        """Of a network that predicts eps in float32. Raises BadRequest where that cannot be made an x0."""
        return self._of(lambda x_t, t: network(x_t.float(), t).double(), "epsilon")

    def beside(self, network: Model) -> dict[str, Any]:
        """Both in bits per dimension, and the data's entropy; or the sentence that says why there is none."""
        try:
            learned = self.learned(network)
        except BadRequest as refused:
            return {"refused": str(refused)}
        ideal = described(self.ideal)
        return {
            "learned": described(learned),
            "ideal": ideal,
            "prior": ideal["prior"],
            "entropy": entropy(self._data, self.x0),
            "examples": EXAMPLES,
        }

    def _of(self, model: Model, prediction_type: str) -> Bound:
        noise = drawn_from(torch.Generator().manual_seed(self._seed + 1))
        return self._process.bound(model, self.x0, noise, prediction_type=prediction_type, levels=None)
