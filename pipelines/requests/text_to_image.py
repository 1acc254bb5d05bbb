"""What each generator may be asked for; importable by the page and the command line without torch."""

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pipelines import models, prompts
from pipelines.errors import BadRequest
from pipelines.models import vaes
from pipelines.params import Choice, Curve, Flag, Picture, Range, Request, Text, param
from pipelines.prompts import dynamic, library
from pipelines.requests import hires, names
from pipelines.requests.addons import CONTROL_TYPES, NO_CONTROL, NO_REFERENCE, all_loras, check_control, check_reference
from pipelines.requests.border import Border
from pipelines.requests.choices import (
    CONTROLS,
    IP_ADAPTERS,
    UPSCALERS,
    beta_schedule_names,
    sampler_names,
    sigma_schedule_names,
)
from pipelines.requests.limits import (
    EMPHASES,
    FACTORS,
    FEATHER,
    FILLS,
    GROWS_BY_ITSELF,
    LARGEST_SCALE,
    LARGEST_SEED,
    LARGEST_SIDE,
    MOST_PIXEL_STEPS,
    OWN_UPSCALER,
    SIDE_STEP,
    SMALLEST_TILE,
    UPSCALES,
)
from pipelines.theory.path import MODEL


@dataclass(frozen=True)
class TextToImageRequest(Request):
    """A prompt and everything that decides the pixels of its pictures; picture i of `count` has seed + i, or where the
    noise is varied the same seed and variation_seed + i."""

    prompt: str = param("", Text(prompts.MOST_CHARACTERS), "What the picture should show.")
    negative_prompt: str = param(
        "", Text(prompts.MOST_CHARACTERS), "What the picture should not show; guidance pushes away from it."
    )
    model: str = param(
        "aigc-mini", Choice(models.installed, models.is_installed), "The trained model that makes the picture."
    )
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
    guidance_scale: float = param(
        3.0, Range(0, LARGEST_SCALE), "How strongly the prompt is followed; 1 is without guidance."
    )
    guidance_curve: tuple[tuple[float, float], ...] = param(
        (), Curve(24), "Guidance over the run, as points [position from 0 to 1, scale]; none for the one scale."
    )
    guidance_rescale: float = param(0.0, Range(0, 1), "Takes back the contrast that strong guidance adds.")
    guidance_start: float = param(0.0, Range(0, 1), "Guidance begins after this part of the steps.")
    guidance_end: float = param(1.0, Range(0, 1), "Guidance ends after this part of the steps.")
    eta: float = param(0.0, Range(0, 1), "How much fresh noise the samplers that know it add at each step.")
    seed: int = param(-1, Range(-1, LARGEST_SEED), "Same seed, same picture; -1 takes a new one.")
    variation_seed: int = param(-1, Range(-1, LARGEST_SEED), "Whose noise the seed's is turned towards; -1: any.")
    variation_strength: float = param(0.0, Range(0, 1), "How far it is turned: 0 not at all, 1 all the way.")
    seed_resize_width: int = param(
        0, Range(0, LARGEST_SIDE, step=SIDE_STEP), "Takes the noise of this width in the middle; 0: none."
    )
    seed_resize_height: int = param(
        0, Range(0, LARGEST_SIDE, step=SIDE_STEP), "Takes the noise of this height in the middle; 0: none."
    )
    width: int = param(128, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Width of the picture in pixels.")
    height: int = param(128, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Height of the picture in pixels.")
    count: int = param(1, Range(1, 16), "How many pictures, with seeds one after the other.")
    image: str = param("", Picture(), "The picture to start from instead of pure noise.")
    mask_image: str = param("", Picture(), "Where the start picture is painted anew: white is, black stays as it is.")
    strength: float = param(0.6, Range(0.05, 1), "How much of the start picture is made anew: this part of the steps.")
    prompt_syntax: str = param(
        "a1111", Choice(prompts.SYNTAXES), "How brackets, weights and choices in the prompt are read."
    )
    emphasis: str = param(
        "original", Choice(EMPHASES), "Whether weights in A1111's syntax keep the embedding's mean, or only multiply."
    )
    style: str = param(
        library.NO_STYLE, Choice(library.style_names, library.is_style), "Words of styles.csv put around the prompts."
    )

    clip_skip: int = param(
        1, Range(1, 12), "Reads the prompt that many layers before a CLIP encoder's end; 1 skips none."
    )
    vae: str = param(
        vaes.AUTOMATIC, Choice(vaes.names, vaes.is_here), "What decodes the picture; 'automatic' is the model's own."
    )
    loras: str = param("", Text(1000), "LoRAs with their weights: name:0.8, other:0.5.")
    control_image: str = param("", Picture(), "The picture that a ControlNet follows: its edges, depth, pose or lines.")
    control_model: str = param(NO_CONTROL, CONTROLS, "The ControlNet that follows it.")
    control_type: str = param(
        "plain", Choice(CONTROL_TYPES), "What it sees: the picture itself, its edges, or its negative."
    )
    control_low: int = param(100, Range(0, 1000), "Edges weaker than this are left out.")
    control_high: int = param(200, Range(0, 1000), "Edges stronger than this are kept in any case.")
    control_scale: float = param(1.0, Range(0, 2), "How strongly the control picture is followed.")
    control_start: float = param(0.0, Range(0, 1), "Control begins after this part of the steps.")
    control_end: float = param(1.0, Range(0, 1), "Control ends after this part of the steps.")
    ip_image: str = param("", Picture(), "The picture that is followed beside the prompt: its content, its style.")
    ip_model: str = param(NO_REFERENCE, IP_ADAPTERS, "The IP-Adapter that reads it.")
    ip_scale: float = param(1.0, Range(0, 1.5), "How strongly the reference picture is followed; 0 is without it.")
    ip_start: float = param(0.0, Range(0, 1), "The reference picture counts after this part of the steps.")
    ip_end: float = param(1.0, Range(0, 1), "The reference picture counts until this part of the steps.")
    upscale: str = param("auto", Choice(UPSCALES), "Enlarges the picture; 'auto' takes small ones to about 512 pixels.")
    upscaler: str = param(OWN_UPSCALER, UPSCALERS, "The network that enlarges.")
    hires_scale: float = param(
        1.0, Range(1, hires.LARGEST_SCALE), "Paints the picture once more at this many times its size; 1: no."
    )
    hires_steps: int = param(0, Range(0, 150), "Steps of the second pass; 0: as many as the first.")
    hires_strength: float = param(0.6, Range(0.05, 1), "How much of the enlarged picture the second pass makes anew.")
    hires_upscaler: str = param(
        "latent", Choice(hires.upscalers, hires.is_upscaler), "What enlarges the picture for the second pass."
    )
    outpaint_left: int = param(
        0, Range(0, 1024, step=SIDE_STEP), "Pixels painted beyond the start picture's left edge."
    )
    outpaint_right: int = param(
        0, Range(0, 1024, step=SIDE_STEP), "Pixels painted beyond the start picture's right edge."
    )
    outpaint_top: int = param(
        0, Range(0, 1024, step=SIDE_STEP), "Pixels painted beyond the start picture's upper edge."
    )
    outpaint_bottom: int = param(
        0, Range(0, 1024, step=SIDE_STEP), "Pixels painted beyond the start picture's lower edge."
    )
    mask_blur: int = param(FEATHER, Range(0, 64), "Pixels inside the mask over which the new picture fades in.")
    mask_fill: str = param("original", Choice(FILLS), "What lies under the noise inside the mask.")
    only_masked: bool = param(False, Flag(), "Paints only what is around the mask, at the full size, and puts it back.")
    masked_padding: int = param(32, Range(0, 256), "Pixels around the mask that are seen when only that is painted.")
    tile: int = param(
        0,
        Range(0, LARGEST_SIDE, step=SIDE_STEP),
        "Side of the overlapping tiles in which a large picture is worked; 0: none.",
    )

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """As every request, and a sampler may be named as other tools name it: "DPM++ 2M Karras"."""
        return super().parse(names.resolved(values))

    def check(self) -> None:
        if self.mask_image and not self.image:
            raise BadRequest("mask_image needs the picture that it masks; got no image. Add it or drop the mask.")
        if self.guidance_start > self.guidance_end:
            raise BadRequest(
                "guidance_start must be at most guidance_end; got {guidance_start:g} and {guidance_end:g}.",
                guidance_start=self.guidance_start,
                guidance_end=self.guidance_end,
            )
        _check_curve(self.guidance_curve)
        if bool(self.seed_resize_width) != bool(self.seed_resize_height):
            raise BadRequest(
                "seed_resize_width and seed_resize_height go together; got {seed_resize_width} and "
                "{seed_resize_height}. Give both, or 0 for both.",
                seed_resize_width=self.seed_resize_width,
                seed_resize_height=self.seed_resize_height,
            )
        _check_betas(self.beta_schedule, self.beta_start, self.beta_end)
        if self.beta_schedule != MODEL and self.num_inference_steps > self.num_train_timesteps:
            raise BadRequest(
                "num_inference_steps must be at most num_train_timesteps ({num_train_timesteps}); got {got}.",
                num_train_timesteps=self.num_train_timesteps,
                got=self.num_inference_steps,
            )
        all_loras(self)
        self._check_prompts()
        check_control(self)
        check_reference(self)
        hires.check(self, LARGEST_SIDE)
        self._check_canvas()
        self._check_cost()

    def _check_prompts(self) -> None:
        """Each text that the pictures have between them is read once."""
        prompt, negative = zip(*self.every_words(), strict=True)
        for text in dict.fromkeys(prompt):
            prompts.parse(text, self.prompt_syntax)
        for text in dict.fromkeys(negative):
            prompts.parse(text, self.prompt_syntax, negative=True)

    def canvas(self) -> Self:
        """The same request with the size of all that is painted, a border beyond the start picture included."""
        width, height = Border.of(self).size(self.width, self.height)
        return dataclasses.replace(self, width=width, height=height)

    def _check_canvas(self) -> None:
        border, canvas = Border.of(self), self.canvas()
        if border and not self.image:
            raise BadRequest("outpaint_left, _right, _top and _bottom need a start picture; got none. Add image.")
        if border and self.only_masked:
            raise BadRequest("only_masked paints inside the picture; got a border to paint too. Choose one of them.")
        if max(canvas.width, canvas.height) > LARGEST_SIDE:
            raise BadRequest(
                "with its border the picture is {width} x {height}; at most {most} a side.",
                width=canvas.width,
                height=canvas.height,
                most=LARGEST_SIDE,
            )
        if 0 < self.tile < SMALLEST_TILE:
            raise BadRequest(
                "tile must be 0 or {least} to {most}; got {got}.", least=SMALLEST_TILE, most=LARGEST_SIDE, got=self.tile
            )

    def _check_cost(self) -> None:
        canvas = self.canvas()
        one = canvas.width * canvas.height * self.count
        more = hires.pixel_steps(self)
        if one * self.num_inference_steps + more <= MOST_PIXEL_STEPS:
            return
        if more:
            raise BadRequest(
                "both passes together are too much for one job: {cost} pixels x steps of at most {most}. Lower "
                "hires_scale, hires_steps or count.",
                cost=one * self.num_inference_steps + more,
                most=MOST_PIXEL_STEPS,
            )
        pictures = MOST_PIXEL_STEPS // (canvas.width * canvas.height * self.num_inference_steps)
        raise BadRequest(
            "{count} x {width} x {height} pixels in {num_inference_steps} steps is too much for one job. The "
            "most at this size: {most} steps for {count} pictures, or {pictures} pictures in "
            "{num_inference_steps} steps.",
            count=self.count,
            width=canvas.width,
            height=canvas.height,
            num_inference_steps=self.num_inference_steps,
            most=MOST_PIXEL_STEPS // one,
            pictures=pictures,
        )

    def resolved(self) -> Self:
        """The same request with a seed of its own, and "auto" as what it means: it makes the same pixels ever after."""
        seed = secrets.randbelow(2**31) if self.seed < 0 else self.seed
        longer = max(hires.size(self.canvas()))
        fitting = (name for side, name in GROWS_BY_ITSELF.items() if longer <= side)
        upscale = next(fitting, "none") if self.upscale == "auto" else self.upscale
        other = self.variation_seed
        if self.variation_strength and other < 0:
            other = secrets.randbelow(2**31)
        return dataclasses.replace(self, seed=seed, variation_seed=other, upscale=upscale)

    def saved_pixels(self) -> int:
        width, height = hires.size(self.canvas())
        return width * height * FACTORS.get(self.resolved().upscale, 1) ** 2 * self.count

    def seeds(self, index: int) -> tuple[int, int]:
        """Seed and variation seed of picture `index`."""
        if not self.variation_strength:
            return (self.seed + index) % (LARGEST_SEED + 1), self.variation_seed
        return self.seed, (self.variation_seed + index) % (LARGEST_SEED + 1)

    def of_picture(self, index: int) -> Self:
        """The request that makes picture `index` alone, with its style applied and its choices made; it goes into the
        picture's recipe. Raises BadRequest, NotFound, BadFile for prompts that cannot be read."""
        seed, other = dataclasses.replace(self, seed=max(0, self.seed)).seeds(index)
        words = self.words(index)
        prompts.parse(words[0], self.prompt_syntax)
        prompts.parse(words[1], self.prompt_syntax, negative=True)
        said = {"prompt": words[0], "negative_prompt": words[1], "style": library.NO_STYLE}
        return dataclasses.replace(self, seed=seed, variation_seed=other, count=1, **said)

    def words(self, index: int) -> tuple[str, str]:
        """Both prompts of picture `index` with the style applied and the choices made. Raises as `of_picture`."""
        prompt, negative = library.style(self.style).around(self.prompt, self.negative_prompt)
        if self.prompt_syntax == "plain":
            return prompt, negative
        seed, _ = dataclasses.replace(self, seed=max(0, self.seed)).seeds(index)
        return dynamic.resolve(prompt, seed), dynamic.resolve(negative, f"{seed} negative")

    def every_words(self) -> list[tuple[str, str]]:
        """Those of all pictures; of one where the seeds have no say in them."""
        written = library.style(self.style).around(self.prompt, self.negative_prompt)
        alike = self.prompt_syntax == "plain" or not any(map(dynamic.chooses, written))
        return [self.words(index) for index in range(1 if alike else self.count)]

    def template(self) -> dict[str, str]:
        """The prompts as they were written, by field, where a style or choices make something else of them."""
        made = self.of_picture(0)
        written = {name: getattr(self, name) for name in ("prompt", "negative_prompt", "style")}
        changed = any(getattr(made, name) != value for name, value in written.items())
        return written if changed else {}


def _check_curve(points: tuple[tuple[float, float], ...]) -> None:
    places = [place for place, _ in points]
    if any(not 0 <= place <= 1 for place in places) or len(set(places)) < len(places):
        raise BadRequest("guidance_curve must have different positions from 0 to 1; got {got}.", got=places[:12])
    if any(not 0 <= scale <= LARGEST_SCALE for _, scale in points):
        raise BadRequest(
            "guidance_curve must have scales from 0 to {most}; got {got}.",
            most=LARGEST_SCALE,
            got=[scale for _, scale in points][:12],
        )


def _check_betas(schedule: str, start: float, end: float) -> None:
    if start and end and (start > end or start == end and schedule != "constant"):
        raise BadRequest("beta_start must be less than beta_end; got {start:g} and {end:g}.", start=start, end=end)
