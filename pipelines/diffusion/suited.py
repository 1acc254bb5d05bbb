"""The settings that suit a model: the size it was trained on, the steps and guidance that its kind is used with."""

import math
import re
from typing import Any

from pipelines import models
from pipelines.diffusion.bridge import asked
from pipelines.models.architectures import ARCHITECTURES
from pipelines.models.info import ModelInfo
from pipelines.requests.limits import MOST_PIXELS
from pipelines.requests.text_to_image import TextToImageRequest

SMALL = 256
"""Pixels of the side up to which a model is one like ours, which the request's own defaults suit."""
FEW_STEPS: tuple[tuple[str, int, float], ...] = (
    # what names of distilled models hold, the steps and the guidance that they are distilled for
    (r"schnell", 4, 1.0),
    (r"turbo", 4, 1.0),
    (r"lightning", 6, 1.0),
    (r"hyper", 8, 1.0),
    (r"(^|[^a-z])lcm", 6, 1.5),
)


def suited(info: ModelInfo) -> dict[str, Any]:
    """width, height, num_inference_steps and guidance_scale; of a pipeline behind the bridge its sampler too."""
    defaults = TextToImageRequest.defaults()
    width, height = suited_shape(info)
    size = {"width": width, "height": height}
    if info.bridged:
        return asked.suited(info) | size
    if is_small(info):
        return size | {name: defaults[name] for name in ("num_inference_steps", "guidance_scale")}
    architecture = ARCHITECTURES[info.architecture]
    steps, scale = distilled(info.name) or (architecture.steps, architecture.guidance_scale)
    return size | {"num_inference_steps": steps, "guidance_scale": scale}


def suited_shape(info: ModelInfo) -> tuple[int, int]:
    """Width and height of the pictures that the model was trained on, as a request can ask for them."""
    width, height = (max(64, min(math.isqrt(MOST_PIXELS), side // 16 * 16)) for side in models.native_shape(info))
    return width, height


def is_small(info: ModelInfo) -> bool:
    """Whether it is a model like ours, which saw pictures of one small size."""
    return max(suited_shape(info)) <= SMALL


def distilled(name: str) -> tuple[int, float] | None:
    """The steps and the guidance that a model of this name is distilled for; None for others."""
    known = ((steps, scale) for hint, steps, scale in FEW_STEPS if re.search(hint, name.lower()))
    return next(known, None)
