"""The experiments of the diffusion lab and of the families' room: a checked request goes in, numbers to plot come out.

Each is one file with a Request and a function `answer(request, devices)` whose answer is plain lists, numbers and
uint8 pictures, within about a second. What takes longer, training, is a generator of the registry instead.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.errors import NotFound
from pipelines.params import Request

MODULES = {
    "schedule": "pipelines.lab.schedule",
    "noised": "pipelines.lab.noised",
    "reverse": "pipelines.lab.reverse",
    "points": "pipelines.lab.points",
    "guidance": "pipelines.lab.guidance",
    "orders": "pipelines.lab.orders",
    "digits": "pipelines.lab.digits",
    "bound": "pipelines.lab.bound",
    "latents": "pipelines.families.latents",
    "manifold": "pipelines.families.manifold",
    "round-trip": "pipelines.families.round_trip",
    "own-picture": "pipelines.families.own.picture",
}


@dataclass(frozen=True)
class Experiment:
    """What may be asked, and the function that answers."""

    name: str
    request_type: type[Request]
    answer: Callable[..., dict[str, Any]]


def names() -> tuple[str, ...]:
    return tuple(MODULES)


def get(name: str) -> Experiment:
    """The experiment of that name. Raises NotFound."""
    if name not in MODULES:
        raise NotFound("unknown experiment {name!r}; known are {known}.", name=name[:40], known=", ".join(MODULES))
    module = importlib.import_module(MODULES[name])
    return Experiment(name, module.Asked, module.answer)
