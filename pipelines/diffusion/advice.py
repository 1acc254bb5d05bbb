"""What is said of settings that ruin a model's pictures, before they are painted, and the settings that suit instead.

It is advice: nothing is refused, and nothing said where settings are merely unusual. The bounds are what was seen
(docs/LOG.md): of our own small model in its pictures, of others in how their kinds are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.diffusion.suited import distilled, is_small, suited
from pipelines.errors import Sentence
from pipelines.models.info import ModelInfo
from pipelines.requests.limits import SIDE_STEP
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import MODEL
from pipelines.theory.samplers import SAMPLER_LABELS

SIDES = (0.85, 1.1)
"""Shares of the trained side within which a small model, which saw one size only, still paints whole things."""
AREAS = {"flux": (0.06, 2.6)}
"""Shares of the trained area within which a kind of large model does; the others: AREA."""
AREA = (0.3, 2.6)
GUIDANCE = 3.0
"""Times the suited guidance, beyond which colours burn."""
WEAK = 2.0
"""Guidance up to which few steps are meant: what distilled models and LoRAs take, whatever they are called."""
FEWEST = 4
LEAST_STEPS = {"dpm_2_ancestral": 20, "dpmpp_3m_sde": 12, "heun": 8, "dpm_2": 8}
"""Of samplers that look further ahead than FEWEST steps bear; large models, whose noise starts lower, take half."""
BORDER = 8
"""The part of a small model's side that it can add to a picture."""
KEEPING, KEEPING_SMALL = 0.5, 0.2
"""The strength up to which a model keeps what a picture shows, at any size."""

Reason = tuple[Sentence, dict[str, Any]]


@dataclass(frozen=True)
class Advice:
    """Why, and the fields of a request with the values that would suit; with them there is no more to say."""

    reasons: tuple[Sentence, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"reasons": [reason.to_json() for reason in self.reasons], "settings": dict(self.settings)}


def advise(info: ModelInfo, request: TextToImageRequest) -> Advice:
    """Empty where the settings are sound, or nothing is known against them."""
    model = _Known.of(info)
    reasons: list[Sentence] = []
    settings: dict[str, Any] = {}
    for rule in (_size, _border, _second_pass, _guidance, _steps):
        for sentence, values in rule(model, request.changed(**settings)):
            reasons.append(sentence)
            settings |= values
    return Advice(tuple(reasons), settings)


@dataclass(frozen=True)
class _Known:
    """What is known of a model: the size that it was trained on, whether it is small (see `is_small`), whether it is
    distilled, and its suited guidance, None where guidance says nothing."""

    architecture: str
    width: int
    height: int
    small: bool
    distilled: bool
    scale: float | None

    @classmethod
    def of(cls, info: ModelInfo) -> _Known:
        suits = suited(info)
        few = info.bridged or distilled(info.name) is not None  # what a bridged pipeline needs is not known
        scale = suits["guidance_scale"] if suits["guidance_scale"] >= 1 else None
        return cls(info.architecture, suits["width"], suits["height"], is_small(info), few, scale)

    def larger(self, width: int, height: int) -> bool:
        """Whether it would paint things twice at this size."""
        if self.small:
            return width > self.width * SIDES[1] or height > self.height * SIDES[1]
        return width * height > self.width * self.height * AREAS.get(self.architecture, AREA)[1]

    def smaller(self, width: int, height: int) -> bool:
        """Whether it would paint pieces of things at this size."""
        if self.small:
            return width < self.width * SIDES[0] or height < self.height * SIDES[0]
        return width * height < self.width * self.height * AREAS.get(self.architecture, AREA)[0]

    @property
    def keeping(self) -> float:
        return KEEPING_SMALL if self.small else KEEPING

    def better(self, request: TextToImageRequest) -> dict[str, Any]:
        """The fields that give a size that suits: that of the tiles, where it alone is amiss."""
        width, height = self.near(request.width, request.height)
        if not request.tile:
            return {"width": width, "height": height}
        tile = min(self.width, self.height)
        amiss = self.small or self.smaller(*_seen(request.changed(tile=tile), request.width, request.height))
        return {"width": width, "height": height, "tile": 0} if amiss else {"tile": tile}

    def near(self, width: int, height: int) -> tuple[int, int]:
        """The size that suits most like this one: of a large model its area in this shape."""
        if self.small:
            return self.width, self.height
        scale = math.sqrt(self.width * self.height / (width * height))
        wide, high = (max(64, round(side * scale / 64) * 64) for side in (width, height))
        return (wide, high) if max(wide, high) <= 1.5 * max(self.width, self.height) else (self.width, self.height)


def _size(model: _Known, request: TextToImageRequest) -> Iterator[Reason]:
    """Of the picture, or of the tiles in which a large model sees it; a small one paints whole things into each."""
    width, height = request.width, request.height
    if not model.small:
        width, height = _seen(request, width, height)
    keeps = request.start.image and request.start.strength <= model.keeping
    if not model.smaller(width, height) and (keeps or not model.larger(width, height)):
        return
    yield (
        Sentence(
            "This model learned pictures of {native_width} × {native_height}; at {width} × {height} things come "
            "doubled, cut off or blurred.",
            native_width=model.width,
            native_height=model.height,
            width=width,
            height=height,
        ),
        model.better(request),
    )


def _border(model: _Known, request: TextToImageRequest) -> Iterator[Reason]:
    """A small model paints things once more around a start picture, in tiles too."""
    most = model.width // BORDER // SIDE_STEP * SIDE_STEP
    wide = [side for side, pixels in asdict(request.border).items() if pixels > most]
    if not (model.small and wide and request.start.image):
        return
    yield (
        Sentence(
            "This model learned pictures of {native_width} × {native_height}; into a border wider than {most} pixels "
            "it paints things once more.",
            native_width=model.width,
            native_height=model.height,
            most=most,
        ),
        {f"outpaint_{side}": most for side in wide},
    )


def _second_pass(model: _Known, request: TextToImageRequest) -> Iterator[Reason]:
    """A large model holds on to what the first pass painted; a small one paints it anew, many times, in tiles too."""
    width, height = request.final_size()
    hires = request.hires
    sharp = hires.strength <= model.keeping and hires.upscaler != "latent"
    if not (model.small and hires.wanted and model.larger(width, height)) or sharp:
        return
    yield (
        Sentence(
            "A second pass at {width} × {height} doubles things with this model, which learned {native_width} × "
            "{native_height}; without one the picture is only enlarged.",
            native_width=model.width,
            native_height=model.height,
            width=width,
            height=height,
        ),
        {"hires_scale": 1.0},
    )


def _guidance(model: _Known, request: TextToImageRequest) -> Iterator[Reason]:
    guidance = request.guidance
    if model.scale is None or guidance.curve or guidance.scale <= GUIDANCE * model.scale:
        return
    yield (
        Sentence(
            "Guidance {scale:g} burns this model's colours; {suited:g} suits it.",
            scale=guidance.scale,
            suited=model.scale,
        ),
        {"guidance_scale": model.scale},
    )


def _steps(model: _Known, request: TextToImageRequest) -> Iterator[Reason]:
    least, steps = least_steps(request.sampler, model.small), request.num_inference_steps
    few = not model.small and (model.distilled or request.sampler == "lcm" or request.guidance.scale <= WEAK)
    schedule = request.schedule
    drawn = schedule.beta_schedule != MODEL and schedule.num_train_timesteps < least
    if steps >= least or few or drawn:
        return
    yield (
        Sentence(
            "{steps} steps are too few for {sampler}; {least} or more suit it.",
            steps=steps,
            sampler=SAMPLER_LABELS[request.sampler],
            least=least,
        ),
        {"num_inference_steps": least},
    )


def least_steps(sampler: str, small: bool) -> int:
    """Fewer spoil the picture of a model that is not distilled."""
    steps = LEAST_STEPS.get(sampler, FEWEST)
    return steps if small else max(FEWEST, steps // 2)


def _seen(request: TextToImageRequest, width: int, height: int) -> tuple[int, int]:
    """What of a picture of this size the network sees at one time."""
    tile = request.tile or max(width, height)
    return min(tile, width), min(tile, height)
