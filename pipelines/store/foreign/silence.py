"""What the settings that a picture does not name were where it was made.

A form that keeps its last value for them would make another picture: a second pass, a variation or a LoRA of the
picture before would go on into this one.
"""

from typing import Any

from pipelines.params import Request
from pipelines.requests import names
from pipelines.store.foreign.found import ForeignSettings
from pipelines.store.foreign.studio import TOOL

PROMPTS = {"prompt", "negative_prompt"}
UNKNOWN = {"prompt", "model", "sampler", "num_inference_steps", "guidance_scale", "seed", "width", "height"}
"""What every picture has one of: where it is not named, nobody can tell which, and the form's stays."""
ELSEWHERE = {"upscale": "none"}
"""Where no other tool does what our default does."""
SYNTAXES = {"ComfyUI": {"prompt_syntax": "comfyui"}}


def unsaid(settings: ForeignSettings, request_type: type[Request]) -> dict[str, Any]:
    """Values for the fields that the picture is silent about. Empty where it says nothing but prompts: words that
    somebody pasted are no picture."""
    if not set(settings.values) - PROMPTS:
        return {}
    defaults = {f.name: f.default for f in request_type.fields() if f.name not in UNKNOWN}
    if not settings.tool.startswith(TOOL):
        defaults |= ELSEWHERE | _of_tool(settings)
    return {name: value for name, value in defaults.items() if name not in settings.values}


def _of_tool(settings: ForeignSettings) -> dict[str, Any]:
    if settings.tool in SYNTAXES:
        return SYNTAXES[settings.tool]
    if "Schedule type" in settings.other or "sampler" not in settings.values:
        return {}
    # A text of A1111 from before it named the spacing: one that was not in the sampler's name was the plain one.
    plain = "ddim_uniform" if names.automatic_spacing(settings.values["sampler"]) == "ddim_uniform" else "linspace"
    return {"sigma_schedule": plain}
