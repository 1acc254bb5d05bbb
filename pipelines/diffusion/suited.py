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
"""Pixels of the side below which a model is one like ours, which the request's own defaults suit."""
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
    width, height = (max(64, min(math.isqrt(MOST_PIXELS), side // 16 * 16)) for side in models.native_shape(info))
    size = {"width": width, "height": height}
    if info.bridged:
        return asked.suited(info) | size
    if max(width, height) < SMALL:
        return size | {name: defaults[name] for name in ("num_inference_steps", "guidance_scale")}
    architecture = ARCHITECTURES[info.architecture]
    steps, scale = architecture.steps, architecture.guidance_scale
    for hint, few, weak in FEW_STEPS:
        if re.search(hint, info.name.lower()):
            steps, scale = few, weak
            break
    return size | {"num_inference_steps": steps, "guidance_scale": scale}
