"""What may be asked of a model of one's own; each kind heeds its part of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.families import own
from pipelines.families.request import LERP, WAYS
from pipelines.params import Choice, Picture, Range, Request, param
from pipelines.requests.limits import LARGEST_SHORT_SEED, MOST_PIXEL_STEPS
from pipelines.theory.samplers import SAMPLERS

VIEWS = ("there-and-back", "between", "prior")
LARGEST_LABEL = own.BOUNDS["num_class_embeds"] - 1
EACH = -1
"""The label that asks for each class in turn."""


def sampler_names() -> tuple[str, ...]:
    return tuple(SAMPLERS)


@dataclass(frozen=True)
class OwnRequest(Request):
    """Which model; how a diffusion's samples come about; which picture an autoencoder takes and what is shown of it."""

    model: str = param("", Choice(own.names, own.resolve), "The folder of a model of your own.")
    label: int = param(EACH, Range(EACH, LARGEST_LABEL), "The class; -1 each in turn. Where the model knows classes.")
    sampler: str = param("ddim", Choice(sampler_names), "How each step follows from the network's guess.")
    num_inference_steps: int = param(50, Range(1, 1000), "How many steps lead from noise to the pictures.")
    temperature: float = param(1.0, Range(0, 1.5), "The deviation of the noise that all begins with.")
    samples: int = param(4, Range(1, 16), "How many samples, with seeds one after the other.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same samples.")
    image: str = param("", Picture(), "An autoencoder's picture; without one the panda is taken.")
    other: str = param("", Picture(), "Where the way through the latents leads; without one, the picture mirrored.")
    size: int = param(128, Range(32, 512, 32), "The side at which an autoencoder takes the picture.")
    share: float = param(0.5, Range(0, 1), "How far on the way from the picture, 0, to the other, 1.")
    interpolation: str = param(LERP, Choice(WAYS), "Straight, or along the sphere.")
    view: str = param(VIEWS[0], Choice(VIEWS), "What is answered of an autoencoder.")

    def check(self) -> None:
        if not self.model:
            raise BadRequest("model must be a model of your own; got none. Put a folder under models and choose it.")

    def check_cost(self, height: int, width: int) -> None:
        """Raises BadRequest where it would take a job too long."""
        one = height * width
        if one * self.samples * self.num_inference_steps > MOST_PIXEL_STEPS:
            most = MOST_PIXEL_STEPS // (one * self.samples)
            raise BadRequest(
                "{samples} x {width} x {height} pixels in {num_inference_steps} steps is too much for one job. "
                "The most for {samples}: {most} steps.",
                samples=self.samples,
                width=width,
                height=height,
                num_inference_steps=self.num_inference_steps,
                most=most,
            )

    def check_label(self, classes: int) -> None:
        """Raises BadRequest where the model knows no such class."""
        if classes and self.label >= classes:
            raise BadRequest(
                "label must be -1 to {classes} for this model; got {got}.", classes=classes - 1, got=self.label
            )
