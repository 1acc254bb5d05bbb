"""A trained network, its prompt and its guidance behind one contract: `denoiser(x, sigma) -> x0_pred`.

Samplers know x = x0 + sigma * eps; what the network is shown and what its answer means, its process knows. The
evaluation itself is the device's worker's: there the rows of several jobs meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pipelines.diffusion.guidance import Guidance, guide
from pipelines.diffusion.path import NoisePath
from pipelines.diffusion.process import Process
from pipelines.worker import Network, Rows, Worker

Condition = Mapping[str, Tensor]
"""What one picture's network is told besides x and t, by the network's own names; without a batch dimension."""


@dataclass
class Denoiser:
    """The network with a prompt bound to it, for n pictures at once on the same path of noise levels.

    `notes` collects what the worker had to do differently, for the recipe.
    """

    network: Network
    worker: Worker
    process: Process
    path: NoisePath
    cond: Condition
    uncond: Condition
    guidance: Guidance = field(default_factory=Guidance)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        visited = self.path.sigmas.tolist()[:-1]
        self._timesteps = dict(zip(visited, self.path.timesteps.tolist(), strict=True))
        self._scales = {s: self.guidance.at(i, len(visited)) for i, s in enumerate(visited)}

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        return self.x0(self.predict(x, sigma), x, sigma)

    def x0(self, prediction: Tensor, x: Tensor, sigma: float) -> Tensor:
        return self.process.x0(prediction, x, sigma)

    def predict(self, x: Tensor, sigma: float) -> Tensor:
        """What the network says, guided: eps, v or x0 of shape (n, C, h, w)."""
        if self.scale(sigma) == 1:
            return self._evaluate(
                x, sigma, {name: told.expand(len(x), *told.shape) for name, told in self.cond.items()}
            )
        return self.guided(*self.both(x, sigma), sigma)

    def scale(self, sigma: float) -> float:
        """The guidance scale at that level of the path."""
        return self._scales.get(sigma, 1.0)

    def both(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """What the network says with the prompt and without it."""
        pairs = {name: torch.stack([self.uncond[name], told]) for name, told in self.cond.items()}
        context = {name: pair.repeat_interleave(len(x), dim=0) for name, pair in pairs.items()}  # (2n, ...)
        uncond, cond = self._evaluate(torch.cat([x, x]), sigma, context).chunk(2)
        return cond, uncond

    def guided(self, cond: Tensor, uncond: Tensor, sigma: float) -> Tensor:
        scale, rescale = self.scale(sigma), self.guidance.rescale
        if not rescale:
            return guide(cond, uncond, scale)
        # one picture at a time: a deviation over a batch need not be summed in the same order as over one picture
        pairs = zip(cond.split(1), uncond.split(1), strict=True)
        return torch.cat([guide(c, u, scale, rescale) for c, u in pairs])

    def _evaluate(self, x: Tensor, sigma: float, context: Condition) -> Tensor:
        timesteps = torch.full((len(x),), self._timestep(sigma), device=x.device, dtype=torch.float32)
        return self.worker.evaluate(self.network, Rows(x * self.process.scale(sigma), timesteps, context), self.note)

    def _timestep(self, sigma: float) -> float:
        if sigma not in self._timesteps:
            self._timesteps[sigma] = self.process.timestep(sigma)
        return self._timesteps[sigma]

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
