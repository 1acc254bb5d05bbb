"""Which generators there are; the module of each is imported when it is first asked for."""

import functools
import importlib
from collections.abc import Iterator
from typing import Protocol

from pipelines.device.manager import DeviceManager
from pipelines.errors import NotFound
from pipelines.events import Event
from pipelines.params import Request

MODULES = {
    "text-to-image": ("pipelines.generators.text_to_image", "TextToImage"),
    "grid": ("pipelines.generators.grid", "Grid"),
    "prompt-lines": ("pipelines.generators.prompt_lines", "PromptLines"),
    "film": ("pipelines.generators.film", "FilmOfSteps"),
    "guesses": ("pipelines.generators.guesses", "Guesses"),
    "inside": ("pipelines.generators.inside", "Inside"),
    "parts": ("pipelines.generators.parts", "Parts"),
    "sketch": ("pipelines.generators.sketch", "Sketch"),
    "decode": ("pipelines.generators.decode_latents", "DecodeLatents"),
    "reproduction": ("pipelines.generators.reproduction", "Reproduction"),
    "upscale": ("pipelines.generators.upscale_picture", "UpscalePicture"),
    "family": ("pipelines.families.samples", "FamilySamples"),
    "family-own": ("pipelines.families.own.samples", "OwnSamples"),
    "family-race": ("pipelines.families.race", "Race"),
    "family-training": ("pipelines.families.live_training", "FamilyTraining"),
    "points-training": ("pipelines.lab.points_training", "PointsTraining"),
    "convert": ("pipelines.models.converting.job", "Convert"),
    "download": ("pipelines.models.converting.download_job", "Download"),
}
OWNERS = ("convert", "download")
"""Those that change which models there are; in a shared studio only its owner may ask for them."""
TRAININGS = ("family-training", "points-training")
"""Those that learn for minutes; in a shared studio only its owner may ask for them, unless pupils were allowed to."""


class Generator(Protocol):
    """One way to make something: a request goes in, a stream of events comes out.

    `StopEarly` may be thrown into the stream between two events; it may answer with one Result marked unfinished.
    """

    @property
    def name(self) -> str: ...
    @property
    def request_type(self) -> type[Request]: ...
    def stream(self, request, devices: DeviceManager) -> Iterator[Event]: ...


def names() -> tuple[str, ...]:
    return tuple(MODULES)


@functools.cache
def get(name: str) -> Generator:
    """The generator of that name, always the same object. Raises NotFound."""
    if name not in MODULES:
        raise NotFound("unknown generator {name!r}; known are {known}.", name=name[:40], known=", ".join(MODULES))
    module, generator = MODULES[name]
    return getattr(importlib.import_module(module), generator)()
