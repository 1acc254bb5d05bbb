"""What each generator may be asked for; importable by the page and the command line without torch."""

import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipelines import models, prompts
from pipelines.errors import BadRequest, Sentence
from pipelines.models import vaes
from pipelines.params import Choice, Range, Text, param, part, units
from pipelines.prompts import dynamic, library, wildcards
from pipelines.requests import in_prompt, names
from pipelines.requests.border import Border
from pipelines.requests.branch import PICTURES as BRANCH
from pipelines.requests.branch import Branch, Descendant
from pipelines.requests.choices import UPSCALERS, sampler_names
from pipelines.requests.control import ControlNet
from pipelines.requests.guidance import GuidanceSettings
from pipelines.requests.hires import SecondPass
from pipelines.requests.limits import (
    EMPHASES,
    FACTORS,
    GROWS_BY_ITSELF,
    LARGEST_SEED,
    LARGEST_SIDE,
    MOST_PIXEL_STEPS,
    OWN_UPSCALER,
    PREDICTIONS,
    SIDE_STEP,
    SMALLEST_TILE,
    UPSCALES,
    check_pixels,
)
from pipelines.requests.loras import all_loras
from pipelines.requests.noise import SeedResize, Variation
from pipelines.requests.reference import Reference
from pipelines.requests.schedule import Schedule
from pipelines.requests.start import Inpainting, Start
from pipelines.theory.path import MODEL

GENERATOR = "text-to-image"


@dataclass(frozen=True)
class TextToImageRequest(Descendant):
    """A prompt and everything that decides the pixels of its pictures; picture i of `count` has seed + i, or where the
    noise is varied the same seed and variation_seed + i."""

    prompt: str = param("", Text(prompts.MOST_CHARACTERS), "What the picture should show.")
    negative_prompt: str = param(
        "", Text(prompts.MOST_CHARACTERS), "What the picture should not show; guidance pushes away from it."
    )
    model: str = param(
        "aigc-mini",
        Choice(models.installed, models.resolve),
        "The trained model that makes the picture.",
        infotext="Model",
    )
    sampler: str = param("dpmpp_2m", Choice(sampler_names), "How each step follows from the network's guess.")
    num_inference_steps: int = param(
        20, Range(1, 150), "How many steps lead from noise to the picture.", infotext="Steps"
    )
    stop_at: float = param(
        1.0,
        Range(0.1, 1),
        "The picture is what is guessed after this part of the steps; 1 takes them all.",
        infotext="Stop at",
        needs=("stop_at",),
    )
    schedule: Schedule = part(Schedule)
    guidance: GuidanceSettings = part(GuidanceSettings)
    eta: float = param(0.0, Range(0, 1), "How much fresh noise the samplers that know it add at each step.")
    seed: int = param(-1, Range(-1, LARGEST_SEED), "Same seed, same picture; -1 takes a new one.", infotext="Seed")
    variation: Variation = part(Variation)
    seed_resize: SeedResize = part(SeedResize)
    width: int = param(256, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Width of the picture in pixels.")
    height: int = param(256, Range(64, LARGEST_SIDE, step=SIDE_STEP), "Height of the picture in pixels.")
    count: int = param(1, Range(1, 16), "How many pictures, with seeds one after the other.", infotext="Pictures")
    start: Start = part(Start)
    prompt_syntax: str = param(
        "a1111",
        Choice(prompts.SYNTAXES),
        "How brackets, weights and choices in the prompt are read.",
        infotext="Prompt syntax",
        needs=("prompt_syntax",),
    )
    emphasis: str = param(
        "original",
        Choice(EMPHASES),
        "Whether weights in A1111's syntax keep the embedding's mean, or only multiply.",
        needs=("emphasis",),
    )
    style: str = param(
        library.NO_STYLE,
        Choice(library.style_names, library.known_style),
        "Words of styles.csv put around the prompts.",
        infotext="Style",
        needs=("style",),
    )
    clip_skip: int = param(
        1,
        Range(1, 12),
        "Reads the prompt that many layers before a CLIP encoder's end; 1 skips none.",
        infotext="Clip skip",
        needs=("clip_skip",),
    )
    vae: str = param(
        vaes.AUTOMATIC,
        Choice(vaes.names, vaes.resolve),
        "What decodes the picture; 'automatic' is the model's own.",
        infotext="VAE",
        needs=("vae",),
    )
    prediction: str = param(
        "auto",
        Choice(PREDICTIONS),
        "What the network's answers are taken for: the noise, or v; 'auto' believes the model.",
        infotext="Prediction",
        needs=("prediction",),
    )
    loras: str = param(
        "", Text(1000), "LoRAs with their weights: name:0.8, other:0.5.", infotext="Loras", needs=("loras",)
    )
    controls: tuple[ControlNet, ...] = units(ControlNet)
    references: tuple[Reference, ...] = units(Reference)
    upscale: str = param(
        "auto",
        Choice(UPSCALES),
        "Enlarges the picture; 'auto' takes small ones to about 512 pixels.",
        infotext="Upscale",
    )
    upscaler: str = param(OWN_UPSCALER, UPSCALERS, "The network that enlarges.")
    hires: SecondPass = part(SecondPass)
    border: Border = part(Border)
    inpainting: Inpainting = part(Inpainting)
    tile: int = param(
        0,
        Range(0, LARGEST_SIDE, step=SIDE_STEP),
        "Side of the overlapping tiles in which a large picture is worked; 0: none.",
        infotext="Tile",
        needs=("tile",),
    )
    branch: Branch = part(Branch)
    left_out: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False, kw_only=True)
    """Parameters in the prompt that nothing here answers to."""

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """As every request; a sampler may be named as other tools name it, "DPM++ 2M Karras", and the prompt may end in
        settings, `--ar 3:2`."""
        said, left_out = in_prompt.applied(values, cls.defaults())
        request = super().parse(names.resolved(said))
        return dataclasses.replace(request, left_out=left_out) if left_out else request

    def check(self) -> None:
        super().check()
        if self.schedule.beta_schedule != MODEL and self.num_inference_steps > self.schedule.num_train_timesteps:
            raise BadRequest(
                "num_inference_steps must be at most num_train_timesteps ({num_train_timesteps}); got {got}.",
                num_train_timesteps=self.schedule.num_train_timesteps,
                got=self.num_inference_steps,
            )
        all_loras(self)
        self._check_prompts()
        self._check_second_pass()
        self._check_canvas()
        self._check_cost()

    def used_controls(self) -> tuple[ControlNet, ...]:
        return tuple(unit for unit in self.controls if unit.used)

    def used_references(self) -> tuple[Reference, ...]:
        return tuple(unit for unit in self.references if unit.used)

    def _check_prompts(self) -> None:
        """Each text that the pictures have between them is read once."""
        prompt, negative = zip(*self.every_words(), strict=True)
        for text in dict.fromkeys(prompt):
            prompts.parse(text, self.prompt_syntax)
        for text in dict.fromkeys(negative):
            prompts.parse(text, self.prompt_syntax, negative=True)

    def canvas(self) -> Self:
        """The same request with the size of all that is painted, a border beyond the start picture included."""
        width, height = self.border.size(self.width, self.height)
        return dataclasses.replace(self, width=width, height=height)

    def final_size(self) -> tuple[int, int]:
        """Width and height of what the last pass paints, a border included."""
        canvas = self.canvas()
        return self.hires.size(canvas.width, canvas.height)

    def painted_sizes(self) -> list[tuple[int, int]]:
        """Of each pass, a border included; of a single one that paints just what was asked for, too."""
        canvas = self.canvas()
        return list(dict.fromkeys([(canvas.width, canvas.height), self.final_size()]))

    def second_pass(self) -> Self:
        """The second pass as a request of its own. Its noise is the seed's at the larger size."""
        width, height = self.hires.size(self.width, self.height)
        _, of = self.hires.steps_of(self.num_inference_steps)
        larger = dataclasses.replace(self, width=width, height=height, num_inference_steps=of)
        return larger.changed(hires_scale=1.0, seed_resize_width=0, seed_resize_height=0, **dict.fromkeys(BRANCH, ""))

    def parent_id(self) -> str:
        return self.branch.source

    @staticmethod
    def painted_by(recipe: Mapping[str, Any]) -> "TextToImageRequest":
        """What painted the picture of this recipe, step by step. Raises BadRequest."""
        if recipe.get("generator") != GENERATOR:
            raise BadRequest(
                "only a picture that was painted step by step from a prompt has steps to go back to. Choose another "
                "picture."
            )
        try:
            return TextToImageRequest.parse(recipe.get("request") or {})
        except BadRequest as error:
            raise BadRequest("the recipe of this picture cannot be used: {why}", why=error.sentence) from None

    def parent_request(self, recipe: Mapping[str, Any]) -> "TextToImageRequest":
        """What painted the picture of this recipe, which this request branches from. Raises BadRequest."""
        parent = self.painted_by(recipe)
        self._check_parent(parent)
        self.branch.check_step(_most_steps(parent, recipe))
        return parent

    def _check_parent(self, parent: "TextToImageRequest") -> None:
        if parent.model != self.model:
            raise BadRequest(
                "a branch needs the model of its picture, {model}; got {got}. Choose that model.",
                model=parent.model,
                got=self.model,
            )
        own, other = self.canvas(), parent.canvas()
        if (own.width, own.height) != (other.width, other.height):
            raise BadRequest(
                "a branch has the size of its picture, {width} x {height}; got {own_width} x {own_height}. Set width "
                "and height to it.",
                width=other.width,
                height=other.height,
                own_width=own.width,
                own_height=own.height,
            )

    def _check_second_pass(self) -> None:
        if self.hires.wanted and self.start.image:
            raise BadRequest(
                "hires_scale is for pictures made from noise; got {hires_scale:g} and a start picture. Set "
                "hires_scale to 1, or drop the start picture.",
                hires_scale=self.hires.scale,
            )
        self.hires.check_size(self.width, self.height)

    def _check_canvas(self) -> None:
        border, canvas = self.border, self.canvas()
        if border and not self.start.image:
            raise BadRequest("outpaint_left, _right, _top and _bottom need a start picture; got none. Add image.")
        if border and self.inpainting.only_masked:
            raise BadRequest("only_masked paints inside the picture; got a border to paint too. Choose one of them.")
        check_pixels(canvas.width, canvas.height, Sentence("Choose a smaller size or border."))
        check_pixels(self.seed_resize.width, self.seed_resize.height, Sentence("Choose a smaller seed_resize."))
        if 0 < self.tile < SMALLEST_TILE:
            raise BadRequest(
                "tile must be 0 or {least} to {most}; got {got}.", least=SMALLEST_TILE, most=LARGEST_SIDE, got=self.tile
            )

    def _check_cost(self) -> None:
        canvas = self.canvas()
        one = canvas.width * canvas.height * self.count
        more = self.hires.pixel_steps(self.width, self.height, self.num_inference_steps) * self.count
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
        longer = max(self.final_size())
        put_back = self.inpainting.only_masked and self.start.mask_image  # into a picture that has its own size
        fitting = (name for side, name in GROWS_BY_ITSELF.items() if longer <= side and not put_back)
        upscale = next(fitting, "none") if self.upscale == "auto" else self.upscale
        other = self.variation.seed
        if self.variation.strength and other < 0:
            other = secrets.randbelow(2**31)
        return self.changed(seed=seed, variation_seed=other, upscale=upscale)

    def saved_pixels(self) -> int:
        width, height = self.final_size()
        return width * height * FACTORS.get(self.resolved().upscale, 1) ** 2 * self.count

    def seeds(self, index: int) -> tuple[int, int]:
        """Seed and variation seed of picture `index`."""
        if not self.variation.strength:
            return (self.seed + index) % (LARGEST_SEED + 1), self.variation.seed
        return self.seed, (self.variation.seed + index) % (LARGEST_SEED + 1)

    def of_picture(self, index: int) -> Self:
        """The request that makes picture `index` alone, with its style applied and its choices made; it goes into the
        picture's recipe. Raises BadRequest, NotFound, BadFile for prompts that cannot be read."""
        seed, other = dataclasses.replace(self, seed=max(0, self.seed)).seeds(index)
        words = self.words(index)
        prompts.parse(words[0], self.prompt_syntax)
        prompts.parse(words[1], self.prompt_syntax, negative=True)
        written = {"prompt": words[0], "negative_prompt": words[1], "style": library.NO_STYLE}
        return self.changed(seed=seed, variation_seed=other, count=1, **written)

    def words(self, index: int) -> tuple[str, str]:
        """Both prompts of picture `index` with the style applied and the choices made. Raises as `of_picture`."""
        prompt, negative = library.style(self.style).around(self.prompt, self.negative_prompt)
        if self.prompt_syntax == "plain":
            return prompt, negative
        seed, _ = dataclasses.replace(self, seed=max(0, self.seed)).seeds(index)
        return dynamic.resolve(prompt, seed), dynamic.resolve(negative, f"{seed} negative", turn=seed)

    def every_words(self) -> list[tuple[str, str]]:
        """Those of all pictures; of one where the seeds have no say in them."""
        written = library.style(self.style).around(self.prompt, self.negative_prompt)
        alike = self.prompt_syntax == "plain" or not any(map(dynamic.chooses, written))
        return [self.words(index) for index in range(1 if alike else self.count)]

    def notes(self) -> Iterator[Sentence]:
        """What the prompts ask for and is not here."""
        if self.left_out:
            yield in_prompt.unknown_note(self.left_out)
        if self.prompt_syntax == "plain":
            return
        texts = dict.fromkeys(text for words in self.every_words() for text in words)
        names = dict.fromkeys(name for text in texts for name in dynamic.unknown(text))
        if names:
            yield Sentence(
                "There is no list of words {names}, so the name stays in the prompt. Lists are files like "
                "wildcards/{first}.txt beside the folder of models.",
                names=", ".join(f"__{name[:40]}__" for name in list(names)[:3]),
                first=next(iter(names))[:40],
            )
            yield from wildcards.unreadable()

    def template(self) -> dict[str, str]:
        """The prompts as they were written, by field, where a style or choices make something else of them."""
        made = self.of_picture(0)
        written = {name: getattr(self, name) for name in ("prompt", "negative_prompt", "style")}
        changed = any(getattr(made, name) != value for name, value in written.items())
        return written if changed else {}


def _most_steps(parent: TextToImageRequest, recipe: Mapping[str, Any]) -> int:
    """The last step that a picture of this recipe may be branched from; a path can have a step more than asked for."""
    stopped = recipe.get("unfinished")
    if isinstance(stopped, dict) and isinstance(stopped.get("step"), int):
        return min(stopped["step"], parent.num_inference_steps)
    return parent.num_inference_steps
