"""A request as the arguments of a pipeline's call; what that pipeline cannot be told, and what suits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines import prompts
from pipelines.diffusion.bridge import leading
from pipelines.errors import BadRequest
from pipelines.models.bridged import classes
from pipelines.models.bridged.classes import PipelineClass
from pipelines.models.bridged.sizes import is_number, native_shape
from pipelines.models.info import ModelInfo
from pipelines.requests.text_to_image import TextToImageRequest

FIELDS = TextToImageRequest.fields()
DEFAULTS: Mapping[str, Any] = TextToImageRequest.defaults()
STEPS, SCALE = 30, 5.0
"""Where the call says none of its own."""
GUIDANCES = ("guidance_scale", "true_cfg_scale", "distilled_guidance_scale", "prior_guidance_scale")
"""What pipelines call the guidance scale; the first of them that has a number as its default."""
OURS_ALONE = (  # what only a loop of ours can do
    *("image", "mask_image", "loras"),
    *(f.name for f in FIELDS if f.declared in ("control_image", "control_model", "ip_image", "ip_model")),
    *("vae", "tile", "hires_scale", "branch_from", "stop_at"),
    *("guidance_curve", "guidance_start", "guidance_end"),
    *("variation_strength", "seed_resize_width", "seed_resize_height"),
)
PASSED_ON = {"negative_prompt": "negative_prompt", "clip_skip": "clip_skip", "guidance_rescale": "guidance_rescale"}
"""Fields that some pipelines take, and what their calls name them."""
SECOND = frozenset(
    (
        *("mask_image", "control_image", "ip_image", "seed_resize_width", "seed_resize_height"),
        *("guidance_start", "guidance_end", "beta_start", "beta_end", "branch_step", "branch_noise"),
        *("branch_paint", "branch_mask"),
        *(f.name for f in FIELDS if f.name != f.declared),
    )
)
"""Fields that go without saying where the one that they belong to is named."""
SPACING = ("beta_schedule", "beta_start", "beta_end", "sigma_schedule")
NOT_BINNED = "use_resolution_binning"
"""Set false where a call takes it: the picture has the size that was asked for, and not one near it."""


@dataclass(frozen=True)
class Call:
    """A pipeline and how it is told what a request asks for."""

    pipeline: PipelineClass

    @classmethod
    def of(cls, info: ModelInfo) -> Call:
        return cls(classes.text_to_image(info.pipeline))

    @property
    def guidance(self) -> str:
        """Its parameter for the guidance scale, "" where it has none."""
        takes = [name for name in GUIDANCES if self.pipeline.takes(name)]
        numbers = [name for name in takes if is_number(self.pipeline.call[name])]
        return next(iter((*numbers, *takes)), "")

    def untold(self, led: bool) -> tuple[str, ...]:
        """Fields of a request that this pipeline cannot be told. `led`: one of our samplers can lead its steps."""
        names = [field for field, name in PASSED_ON.items() if not self.pipeline.takes(name)]
        return (*OURS_ALONE, *names, *(() if led else SPACING), *(() if self.guidance else ("guidance_scale",)))

    def refuse_untold(self, request: TextToImageRequest, led: bool) -> None:
        """Raises BadRequest where the request asks for what the pipeline cannot be told."""
        values = request.values()
        asked = [name for name in self.untold(led) if values[name] != DEFAULTS[name]]
        if asked:
            back = ", ".join(f"{name}={_short(DEFAULTS[name])}" for name in asked[:6])
            raise BadRequest(
                "{pipeline}, which paints through the bridge, cannot be told {known}. Set back: {back}.",
                pipeline=self.pipeline.name,
                known=", ".join(asked[:6]),
                back=back,
            )

    def arguments(self, request: TextToImageRequest, own_eta: bool) -> dict[str, Any]:
        """For one picture, but its generator. `own_eta`: the pipeline's own scheduler is to be told eta."""
        told: dict[str, Any] = {
            "prompt": _plain(request.prompt, request, "prompt"),
            "num_inference_steps": request.num_inference_steps,
            "width": request.width,
            "height": request.height,
        }
        if self.pipeline.takes("negative_prompt"):
            told["negative_prompt"] = _plain(request.negative_prompt, request, "negative_prompt")
        if self.guidance:
            told[self.guidance] = request.guidance.scale
        if self.pipeline.takes("clip_skip") and request.clip_skip > 1:
            told["clip_skip"] = request.clip_skip - 1
        if self.pipeline.takes("guidance_rescale"):
            told["guidance_rescale"] = request.guidance.rescale
        if own_eta and request.eta and self.pipeline.takes("eta"):
            told["eta"] = request.eta
        if self.pipeline.takes(NOT_BINNED):
            told[NOT_BINNED] = False
        return told


def unusable(info: ModelInfo) -> tuple[str, ...]:
    """The fields that a page should say this model cannot use; of those that go together, the first."""
    return tuple(name for name in Call.of(info).untold(leading.can_lead(info)) if name not in SECOND)


def suited(info: ModelInfo) -> dict[str, Any]:
    """width, height, num_inference_steps and guidance_scale as the call's own defaults, and the sampler that the
    pipeline's own scheduler is, where it is one of ours."""
    call = Call.of(info)
    steps, scale = call.pipeline.call["num_inference_steps"], call.pipeline.call.get(call.guidance)
    width, height = native_shape(info)
    return {
        "width": width,
        "height": height,
        "num_inference_steps": steps if is_number(steps) else STEPS,
        "guidance_scale": float(scale or 0) if is_number(scale) else SCALE,
        "sampler": leading.own_sampler(info) or DEFAULTS["sampler"],
    }


def _plain(text: str, request: TextToImageRequest, name: str) -> str:
    """The words of a prompt whose grammar asks for nothing but words. Raises BadRequest."""
    if request.prompt_syntax == "plain":
        return text
    read = prompts.parse(text, request.prompt_syntax, negative=name == "negative_prompt")
    states = set(read.states(request.num_inference_steps))
    spans = [span for said in next(iter(states)) for section in said.sections for span in section]
    simple = len(states) == 1 and len(read.parts) == 1 and not read.loras and not read.unknown
    if not simple or any(span.weight != 1 for span in spans) or len(next(iter(states))[0].sections) > 1:
        raise BadRequest(
            "{name} asks for weights, changes or networks, which a pipeline behind the bridge cannot be "
            "told. Take them out, or set prompt_syntax to plain, where brackets are only brackets.",
            name=name,
        )
    return "".join(span.text for span in spans)


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, str | tuple) else f"{value:g}"
