"""The experiments of the Diffusion lab and of the families' room: a checked request goes in, numbers to plot come out.

Each is one file with a function `answer(request, devices)` whose answer is plain lists, numbers and uint8 pictures,
within about a second. What takes longer, training, is a generator of the registry instead. What may be asked is known
before that file is imported, which takes torch.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines import libs
from pipelines.errors import NotFound
from pipelines.params import Request

EXPERIMENTS = {
    "schedule": ("pipelines.lab.schedule", "ScheduleRequest", "pipelines.lab.schedule"),
    "noised": ("pipelines.lab.noised", "NoisedRequest", "pipelines.lab.noised"),
    "noise": ("pipelines.lab.noise", "NoiseRequest", "pipelines.lab.noise"),
    "reverse": ("pipelines.lab.reverse", "ReverseRequest", "pipelines.lab.reverse"),
    "points": ("pipelines.lab.requests", "PointsRequest", "pipelines.lab.points"),
    "guidance": ("pipelines.lab.requests", "GuidanceRequest", "pipelines.lab.guidance"),
    "orders": ("pipelines.lab.requests", "OrdersRequest", "pipelines.lab.orders"),
    "digits": ("pipelines.lab.requests", "DigitsRequest", "pipelines.lab.digits"),
    "bound": ("pipelines.lab.requests", "BoundRequest", "pipelines.lab.bound"),
    "latents": ("pipelines.families.request", "LatentsRequest", "pipelines.families.latents"),
    "manifold": ("pipelines.families.request", "ManifoldRequest", "pipelines.families.manifold"),
    "round-trip": ("pipelines.families.request", "RoundTripRequest", "pipelines.families.round_trip"),
    "own-picture": ("pipelines.families.own.request", "OwnRequest", "pipelines.families.own.picture"),
}
"""By name: where its request is, what that is called, and where the answer is."""
TRAININGS = {
    "points-training": ("pipelines.lab.requests", "PointsTrainingRequest"),
    "family-training": ("pipelines.families.request", "FamilyTrainingRequest"),
}
"""The requests of generators that learn, by the generator's name."""


@dataclass(frozen=True)
class Experiment:
    """What may be asked, and the function that answers."""

    name: str
    request_type: type[Request]
    answer: Callable[..., dict[str, Any]]


def names() -> tuple[str, ...]:
    return tuple(EXPERIMENTS)


def get(name: str) -> Experiment:
    """The experiment of that name. Raises NotFound."""
    request = request_type(name)
    libs.torch()  # before the modules that import it at their top: through the one locked door
    return Experiment(name, request, importlib.import_module(EXPERIMENTS[name][2]).answer)


def request_type(name: str) -> type[Request]:
    """What may be asked of the experiment of that name; without torch. Raises NotFound."""
    if name not in EXPERIMENTS:
        raise NotFound("unknown experiment {name!r}; known are {known}.", name=name[:40], known=", ".join(EXPERIMENTS))
    module, request, _ = EXPERIMENTS[name]
    return getattr(importlib.import_module(module), request)


def training_request(name: str) -> type[Request]:
    """What may be asked of one of the TRAININGS; without torch."""
    module, request = TRAININGS[name]
    return getattr(importlib.import_module(module), request)
