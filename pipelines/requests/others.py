"""What the smaller generators may be asked for."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipelines import models, prompts
from pipelines.errors import BadRequest, Sentence
from pipelines.params import Choice, Picture, Range, Request, Text, param
from pipelines.prompts import library
from pipelines.requests.choices import UPSCALERS
from pipelines.requests.control import CONTROL_TYPES
from pipelines.requests.in_prompt import WordsAlone
from pipelines.requests.kept import KeptLatents
from pipelines.requests.limits import FACTORS, LARGEST_SEED, LARGEST_SIDE, OWN_UPSCALER, SIDE_STEP, check_pixels


@dataclass(frozen=True)
class UpscaleRequest(Request):
    """A kept picture, and how many times as wide and high it shall be."""

    image: str = param("", Picture(), "The picture to enlarge.")
    factor: str = param("2x", Choice(tuple(FACTORS)), "How many times as wide and high the picture becomes.")
    upscaler: str = param(OWN_UPSCALER, UPSCALERS, "The network that enlarges.")
    source: str = param("", Text(64), "The id of the saved picture that image shows, whose recipe goes on, or empty.")
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False, kw_only=True)
    """That of the source, attached right before it runs; {} where there is none."""

    def check(self) -> None:
        if not self.image:
            raise BadRequest("image must be the id of a kept picture; got none. Choose the picture to enlarge.")

    def source_id(self) -> str:
        return self.source

    def with_recipe(self, recipe: Mapping[str, Any]) -> Self:
        return dataclasses.replace(self, recipe=recipe)


@dataclass(frozen=True)
class DecodeRequest(Request):
    """Latents that were kept because decoding them had found no room. `kept` is attached right before it runs."""

    latents: str = param("", Text(32), "The id of kept latents.")
    kept: KeptLatents | None = dataclasses.field(default=None, compare=False, repr=False, kw_only=True)

    def check(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{32}", self.latents):
            raise BadRequest("latents must be the id of kept latents, 32 of 0-9 and a-f. Take it from the failed job.")

    def latents_id(self) -> str:
        return self.latents

    def with_latents(self, kept: KeptLatents, pictures: Mapping[str, NDArray[np.uint8]]) -> Self:
        return dataclasses.replace(self, kept=kept, pictures=pictures)


@dataclass(frozen=True)
class SketchRequest(WordsAlone):
    """A prompt for a rough picture in a few steps, shown and not kept."""

    prompt: str = param("", Text(prompts.MOST_CHARACTERS), "What the picture should show.")
    model: str = param(
        "aigc-mini", Choice(models.installed, models.resolve), "The trained model that makes the picture."
    )
    prompt_syntax: str = param(
        "a1111", Choice(prompts.SYNTAXES), "How brackets, weights and choices in the prompt are read."
    )
    style: str = param(
        library.NO_STYLE, Choice(library.style_names, library.known_style), "Words of styles.csv put around the prompt."
    )
    seed: int = param(-1, Range(-1, LARGEST_SEED), "Same seed, same picture; -1 takes a new one.")
    guidance_scale: float = param(
        3.0, Range(0, 30), "How strongly the prompt is followed; 1 is without guidance, 0 without the prompt."
    )


@dataclass(frozen=True)
class SeenRequest(Request):
    """A picture, to be looked at as a ControlNet would see it."""

    control_image: str = param("", Picture(), "The picture that a ControlNet follows.")
    control_type: str = param("plain", Choice(CONTROL_TYPES), "The picture itself, its edges, or its negative.")
    control_low: int = param(100, Range(0, 1000), "Edges weaker than this are left out.")
    control_high: int = param(200, Range(0, 1000), "Edges stronger than this are kept in any case.")
    width: int = param(256, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Width of the picture in pixels.")
    height: int = param(256, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Height of the picture in pixels.")

    def check(self) -> None:
        super().check()
        check_pixels(self.width, self.height, Sentence("Choose a smaller size."))
