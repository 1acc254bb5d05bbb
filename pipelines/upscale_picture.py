"""A kept picture made two or four times as wide and high."""

from collections.abc import Iterator

from pipelines import libs, recipe
from pipelines.device import DeviceManager
from pipelines.errors import BadRequest, NotFound
from pipelines.events import Event, Progress, Result, StopEarly
from pipelines.requests import FACTORS, UpscaleRequest

LONGEST_SIDE = 4096
"""Of the enlarged picture, in pixels."""


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
        _refuse_too_large(picture.shape[1], picture.shape[0], factor)
        try:
            yield Progress("loading")
            libs.torch()  # before the module that imports it at its top: through the one locked door
            from pipelines import upscaler

            with upscaler.lease(devices) as model:
                enlarged = yield from model.enlarge(picture, factor)
        except StopEarly:
            return
        yield Result(enlarged[None], (recipe.new(self.name, request.values(), notes=[]),))


def _refuse_too_large(width: int, height: int, factor: int) -> None:
    if max(width, height) * factor > LONGEST_SIDE:
        raise BadRequest(
            f"{factor}x of {width} x {height} pixels would be {factor * width} x {factor * height}; "
            f"at most {LONGEST_SIDE} a side can be made. Choose a smaller factor or picture."
        )
