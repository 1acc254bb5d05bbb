"""A trained network, its prompt and its guidance behind one contract: `denoiser(x, sigma) -> x0_pred`.

Samplers know x = x0 + sigma * eps; what the network is shown and what its answer means, its process knows. The
evaluation itself is the device's worker's: there the rows of several jobs meet.
"""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor

from pipelines.device.evaluations import Network, Rows
from pipelines.device.worker import Worker
from pipelines.diffusion.conditions import Condition, Conditions, StepConditions
from pipelines.theory.guidance import Guidance, guide
from pipelines.theory.path import NoisePath
from pipelines.theory.process import Process


@dataclass
class Denoiser:
    """The network with a prompt bound to it, for n pictures at once on the same path of noise levels.

    `notes` collects what the worker had to do differently, for the recipe.
    """

    network: Network
    worker: Worker
    process: Process
    path: NoisePath
    conditions: Conditions
    guidance: Guidance = field(default_factory=Guidance)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        visited = self.path.sigmas.tolist()[:-1]
        self._timesteps = dict(zip(visited, self.path.timesteps.tolist(), strict=True))
        self._scales = {s: self.guidance.at(i, len(visited)) for i, s in enumerate(visited)}
        self._told = {s: self.conditions.at(i) for i, s in enumerate(visited)}

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self.x0(self.predict(x, sigma), x, sigma)

    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor:
        return self.process.x0(prediction, x, sigma)

    def predict(self, x: Tensor, sigma: float) -> Tensor:
        """What the network says, guided: eps, v or x0 of shape (n, C, h, w)."""
        told, scale = self.conditions_at(sigma), self.scale(sigma)
        if scale == 1 and told.single:
            return self._evaluate(x, sigma, told.alone(len(x)), unguided(self.network, x.device.type))
        if scale == 0 and not self.guidance.rescale:
            return self._evaluate(x, sigma, told.without(len(x)), unguided(self.network, x.device.type))
        return self.guided(*self.both(x, sigma), sigma)

    def scale(self, sigma: float) -> float:
        """The guidance scale of the step that begins at this level of the path, or that this level lies within."""
        return next((scale for level, scale in reversed(self._scales.items()) if level >= sigma), 1.0)

    def conditions_at(self, sigma: float) -> StepConditions:
        """The conditions at that level; between two levels of the path those of the step that it lies in."""
        if sigma not in self._told:
            passed = sum(level >= sigma for level in self.path.sigmas.tolist()[:-1])
            self._told[sigma] = self.conditions.at(max(0, passed - 1))
        return self._told[sigma]

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """What the network says with the prompt and without it."""
        told = self.conditions_at(sigma)
        return told.apart(self._evaluate(x.repeat(told.rows, 1, 1, 1), sigma, told.all(len(x))))

    def guided(self, cond: Tensor, uncond: Tensor, sigma: float) -> Tensor:
        scale, rescale = self.scale(sigma), self.guidance.rescale
        if not rescale:
            return guide(cond, uncond, scale)
        # one picture at a time: a deviation over a batch need not be summed in the same order as over one picture
        pairs = zip(cond.split(1), uncond.split(1), strict=True)
        return torch.cat([guide(c, u, scale, rescale) for c, u in pairs])

    def _evaluate(self, x: Tensor, sigma: float, context: Condition, network: Network | None = None) -> Tensor:
        timesteps = torch.full((len(x),), self._timestep(sigma), device=x.device, dtype=torch.float32)
        rows = Rows(x * self.process.scale(sigma), timesteps, context)
        return self.worker.evaluate(network or self.network, rows, self.note)

    def _timestep(self, sigma: float) -> float:
        if sigma not in self._timesteps:
            self._timesteps[sigma] = self.process.timestep(sigma)
        return self._timesteps[sigma]

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def unguided(network: Network, device_type: str) -> Network:
    """How a network is asked without guidance. On a CPU every call has one row, since one picture has no second one and
    a padded row costs its time; always, so that company changes no bit."""
    return replace(cast(Any, network), batch_rows=1) if device_type == "cpu" and network.batch_rows > 1 else network
