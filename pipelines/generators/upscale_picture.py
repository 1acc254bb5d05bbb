"""Pictures made two or four times as wide and high: a kept one, or those that a generator has just painted."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging.use import enlarge_all, refuse_too_large
from pipelines.errors import NotFound
from pipelines.events import Event, Progress, Result, StopEarly
from pipelines.requests.limits import FACTORS
from pipelines.requests.others import UpscaleRequest
from pipelines.store import recipe


class UpscalePicture:
    """The generator over the upscaler. Stopped early it ends without a picture: there is no half-enlarged one."""

    name = "upscale"
    request_type = UpscaleRequest

    def stream(self, request: UpscaleRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then one Result of one picture."""
        request.check()
        picture, factor = request.picture("image"), FACTORS[request.factor]
        if picture is None:
            raise NotFound("the picture to enlarge is not here. Choose it again.")
        refuse_too_large(picture.shape[1], picture.shape[0], factor)
        try:
            yield Progress("loading")
            enlarged = yield from enlarge_all([picture], factor, request.upscaler, devices)
        except StopEarly:
            return
        kept = _recipe(request)
        yield Result(np.stack(enlarged), (kept,), unfinished="unfinished" in kept)


def _recipe(request: UpscaleRequest) -> dict[str, Any]:
    """What the source was made with, and how it was enlarged; where nobody knows the first, the second alone."""
    by = {"factor": request.factor, "upscaler": request.upscaler}
    if not isinstance(request.recipe.get("request"), dict):
        return recipe.new(UpscalePicture.name, request.values(), notes=[])
    before = request.recipe.get("enlarged")
    return {**request.recipe, "enlarged": [*(before if isinstance(before, list) else ()), by]}
