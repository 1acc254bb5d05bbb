"""Four kinds of generative models, and two siblings, behind one interface and on the same data.

Each file holds one family: its networks, its loss, how its samples come about. All start from base noise
z ~ N(0, I), each with as many numbers as it takes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from pipelines.errors import NotFound

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MODULES = {
    "gan": ("pipelines.families.gan", "Gan"),
    "vae": ("pipelines.families.vae", "Vae"),
    "vq": ("pipelines.families.vq", "Vq"),
    "flow": ("pipelines.families.flow", "Flow"),
    "diffusion": ("pipelines.families.diffusion", "Diffusion"),
    "flow-matching": ("pipelines.families.diffusion", "FlowMatching"),
}


@dataclass(frozen=True)
class Sampling:
    """How samples are to come about: what only some families heed, `heeds` of the family says."""

    steps: int = 20
    guidance_scale: float = 1.0
    temperature: float = 1.0  # the deviation of z: the truncation of a GAN, the temperature of a flow


@dataclass(frozen=True, eq=False)
class State:
    """One moment of a sample's making: what is there, and the guess of where it leads; both like the data."""

    x: Tensor
    x0_pred: Tensor
    evaluations: int = 1
    """Of a network, so far."""


class Family(Protocol):
    """A model of one family over data of `shape`. `label` -1 stands for none."""

    heeds: ClassVar[frozenset[str]]
    shape: tuple[int, ...]
    classes: int
    stages: ClassVar[tuple[tuple[str, ...], ...]]
    """The parts that learn, in turn within a stage; "" is the whole."""

    @property
    def z_shape(self) -> tuple[int, ...]: ...
    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        """The mean over a batch, to be minimised by the part's parameters."""
        ...

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """From base noise to samples, which are the last state's x. Closing it stops the work."""
        ...

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """Base noise from which the family makes something as close to x as it can."""
        ...

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> Tensor | None:
        """(N,): -log2 p(x) a dimension, or an upper bound of it; None where it is not computed."""
        ...


def names() -> tuple[str, ...]:
    return tuple(MODULES)


def get(name: str) -> Callable[..., Family]:
    """The class of that family. Raises NotFound."""
    if name not in MODULES:
        raise NotFound("unknown family {name!r}; known are {known}.", name=name[:40], known=", ".join(MODULES))
    module, family = MODULES[name]
    return getattr(importlib.import_module(module), family)
