"""What each generator may be asked for; importable by the page and the command line without torch."""

import dataclasses
import secrets
from dataclasses import dataclass
from typing import Any, Self

from pipelines import models
from pipelines.addons import files
from pipelines.addons.requests import CONTROL_TYPES, NO_CONTROL, check_control, wanted_loras
from pipelines.diffusion.path import MODEL
from pipelines.diffusion.samplers import SAMPLERS
from pipelines.errors import BadRequest
from pipelines.params import Choice, Picture, Range, Request, Text, param
from pipelines.schedules import BETA_SCHEDULES, SIGMA_SCHEDULES

MOST_PIXEL_STEPS = 2**26  # pixels x pictures x steps: a picture of 512 x 512 in 150 steps fits, 16 of them in 16
LARGEST_SEED = 2**32 - 1
FACTORS = {"2x": 2, "4x": 4}
"""How far a picture can be enlarged."""
UPSCALES = ("auto", "none", *FACTORS)
OWN_UPSCALER = "aigc"
GROWS_BY_ITSELF = {128: "4x", 256: "2x"}
"""The factor of "auto" for pictures whose longer side is at most this many pixels; larger ones stay as they are."""


def sampler_names() -> tuple[str, ...]:
    return tuple(SAMPLERS)


def beta_schedule_names() -> tuple[str, ...]:
    """The one that the network was trained with, and all others."""
    return (MODEL, *BETA_SCHEDULES)


def sigma_schedule_names() -> tuple[str, ...]:
    return tuple(SIGMA_SCHEDULES)


def upscaler_names() -> tuple[str, ...]:
    """Ours, and those that lie in the folder of upscalers."""
    return (OWN_UPSCALER, *files.installed(files.UPSCALER))


def control_names() -> tuple[str, ...]:
    """No ControlNet, and those that are installed."""
    return (NO_CONTROL, *files.installed(files.CONTROL))


@dataclass(frozen=True)
class TextToImageRequest(Request):
    """A prompt and everything that decides the pixels of its pictures; picture i of `count` has seed + i."""

    prompt: str = param("", Text(2000), "What the picture should show.")
    negative_prompt: str = param("", Text(2000), "What the picture should not show; guidance pushes away from it.")
    model: str = param("aigc-mini", Choice(models.installed), "The trained model that makes the picture.")
    sampler: str = param("dpmpp_2m", Choice(sampler_names), "How each step follows from the network's guess.")
    num_inference_steps: int = param(20, Range(1, 150), "How many steps lead from noise to the picture.")
    beta_schedule: str = param(
        MODEL, Choice(beta_schedule_names), "Where the steps are spent; 'model' is the network's own schedule."
    )
    beta_start: float = param(0.0, Range(0, 0.999), "First beta of the schedule; 0 takes the schedule's own.")
    beta_end: float = param(0.0, Range(0, 0.999), "Last beta of the schedule; 0 takes the schedule's own.")
    num_train_timesteps: int = param(1000, Range(10, 4000), "How many betas the schedule has; not used by 'model'.")
    sigma_schedule: str = param(
        "path", Choice(sigma_schedule_names), "How the steps are spaced on the path of noise levels."
    )
    guidance_scale: float = param(3.0, Range(0, 30), "How strongly the prompt is followed; 1 is without guidance.")
    guidance_rescale: float = param(0.0, Range(0, 1), "Takes back the contrast that strong guidance adds.")
    guidance_start: float = param(0.0, Range(0, 1), "Guidance begins after this part of the steps.")
    guidance_end: float = param(1.0, Range(0, 1), "Guidance ends after this part of the steps.")
    eta: float = param(0.0, Range(0, 1), "How much fresh noise the samplers that know it add at each step.")
    seed: int = param(-1, Range(-1, LARGEST_SEED), "Same seed, same picture; -1 takes a new one.")
    width: int = param(128, Range(64, 512, step=16), "Width of the picture in pixels.")
    height: int = param(128, Range(64, 512, step=16), "Height of the picture in pixels.")
    count: int = param(1, Range(1, 16), "How many pictures, with seeds one after the other.")
    image: str = param("", Picture(), "The picture to start from instead of pure noise.")
    mask_image: str = param("", Picture(), "Where the start picture is painted anew: white is, black stays as it is.")
    strength: float = param(0.6, Range(0.05, 1), "How much of the start picture is made anew: this part of the steps.")

    loras: str = param("", Text(1000), "LoRAs with their weights: name:0.8, other:0.5.")
    control_image: str = param("", Picture(), "The picture that a ControlNet follows: its edges, depth, pose or lines.")
    control_model: str = param(NO_CONTROL, Choice(control_names), "The ControlNet that follows it.")
    control_type: str = param(
        "plain", Choice(CONTROL_TYPES), "What it sees: the picture itself, its edges, or its negative."
    )
    control_low: int = param(100, Range(0, 1000), "Edges weaker than this are left out.")
    control_high: int = param(200, Range(0, 1000), "Edges stronger than this are kept in any case.")
    control_scale: float = param(1.0, Range(0, 2), "How strongly the control picture is followed.")
    control_start: float = param(0.0, Range(0, 1), "Control begins after this part of the steps.")
    control_end: float = param(1.0, Range(0, 1), "Control ends after this part of the steps.")
    upscale: str = param("auto", Choice(UPSCALES), "Enlarges the picture; 'auto' takes small ones to about 512 pixels.")
    upscaler: str = param(OWN_UPSCALER, Choice(upscaler_names), "The network that enlarges.")

    def check(self) -> None:
        if self.mask_image and not self.image:
            raise BadRequest("mask_image needs the picture that it masks; got no image. Add it or drop the mask.")
        if self.guidance_start > self.guidance_end:
            raise BadRequest(
                f"guidance_start must be at most guidance_end; got {self.guidance_start:g} and {self.guidance_end:g}."
            )
        _check_betas(self.beta_schedule, self.beta_start, self.beta_end)
        if self.beta_schedule != MODEL and self.num_inference_steps > self.num_train_timesteps:
            raise BadRequest(
                f"num_inference_steps must be at most num_train_timesteps ({self.num_train_timesteps}); "
                f"got {self.num_inference_steps}."
            )
        wanted_loras(self.loras)
        check_control(self)
        self._check_cost()

    def _check_cost(self) -> None:
        one = self.width * self.height * self.count
        if one * self.num_inference_steps <= MOST_PIXEL_STEPS:
            return
        pictures = MOST_PIXEL_STEPS // (self.width * self.height * self.num_inference_steps)
        raise BadRequest(
            f"{self.count} x {self.width} x {self.height} pixels in {self.num_inference_steps} steps is too much "
            f"for one job. The most at this size: {MOST_PIXEL_STEPS // one} steps for {self.count} pictures, "
            f"or {pictures} pictures in {self.num_inference_steps} steps."
        )

    def resolved(self) -> Self:
        """The same request with a seed of its own, and "auto" as what it means: it makes the same pixels ever after."""
        seed = secrets.randbelow(2**31) if self.seed < 0 else self.seed
        longer = max(self.width, self.height)
        fitting = (name for side, name in GROWS_BY_ITSELF.items() if longer <= side)
        upscale = next(fitting, "none") if self.upscale == "auto" else self.upscale
        return dataclasses.replace(self, seed=seed, upscale=upscale)

    def of_picture(self, index: int) -> dict[str, Any]:
        """The request that makes picture `index` alone; it goes into the picture's recipe."""
        seed = (self.seed + index) % (LARGEST_SEED + 1)
        return dataclasses.replace(self, seed=seed, count=1).values()


@dataclass(frozen=True)
class UpscaleRequest(Request):
    """A kept picture, and how many times as wide and high it shall be."""

    image: str = param("", Picture(), "The picture to enlarge.")
    factor: str = param("2x", Choice(tuple(FACTORS)), "How many times as wide and high the picture becomes.")
    upscaler: str = param(OWN_UPSCALER, Choice(upscaler_names), "The network that enlarges.")

    def check(self) -> None:
        if not self.image:
            raise BadRequest("image must be the id of a kept picture; got none. Choose the picture to enlarge.")


@dataclass(frozen=True)
class SketchRequest(Request):
    """A prompt for a rough picture in a few steps, shown and not kept."""

    prompt: str = param("", Text(2000), "What the picture should show.")
    model: str = param("aigc-mini", Choice(models.installed), "The trained model that makes the picture.")
    seed: int = param(-1, Range(-1, LARGEST_SEED), "Same seed, same picture; -1 takes a new one.")
    guidance_scale: float = param(3.0, Range(0, 30), "How strongly the prompt is followed; 1 is without guidance.")


@dataclass(frozen=True)
class SeenRequest(Request):
    """A picture, to be looked at as a ControlNet would see it."""

    control_image: str = param("", Picture(), "The picture that a ControlNet follows.")
    control_type: str = param("plain", Choice(CONTROL_TYPES), "The picture itself, its edges, or its negative.")
    control_low: int = param(100, Range(0, 1000), "Edges weaker than this are left out.")
    control_high: int = param(200, Range(0, 1000), "Edges stronger than this are kept in any case.")
    width: int = param(128, Range(64, 512, step=16), "Width of the picture in pixels.")
    height: int = param(128, Range(64, 512, step=16), "Height of the picture in pixels.")


def _check_betas(schedule: str, start: float, end: float) -> None:
    if start and end and (start > end or start == end and schedule != "constant"):
        raise BadRequest(f"beta_start must be less than beta_end; got {start:g} and {end:g}.")
