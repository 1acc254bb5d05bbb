"""A rough picture in four steps, to look at while the prompt is still being written; nothing of it is kept."""

import dataclasses
from collections.abc import Iterator

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.leases import lease
from pipelines.diffusion.run import Run
from pipelines.events import Event, Frame, Progress, StopEarly
from pipelines.models.info import ModelInfo
from pipelines.requests.others import SketchRequest
from pipelines.requests.text_to_image import TextToImageRequest

STEPS = 4
SAMPLER = "ddim"
SPACING = "path"
SMALLEST, LARGEST = 64, 512


class Sketch:
    """The generator of frames only. The last one's x0_pred is the decoded picture, the others' are previews."""

    name = "sketch"
    request_type = SketchRequest

    def stream(self, request: SketchRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then a frame after every step. Closed or stopped early it makes no more evaluations."""
        request.check()
        try:
            yield Progress("loading")
            info = models.inspect(models.find(request.model))
            if info.bridged:
                yield from _over_the_bridge(request, info, devices)
                return
            with lease(info, devices) as model:
                yield from _draw(Run.prepare(_in_full(request, info), model, devices))
        except StopEarly:
            return


def _draw(run: Run) -> Iterator[Frame]:
    for step in run.steps(run.start()):
        shown = run.frame(step.index + 1, step.sigma, step.x, step.x0_pred)
        if shown.index == shown.total:
            shown = dataclasses.replace(shown, x0_pred=run.model.decode(step.x[0])[None])
        yield shown


def _over_the_bridge(request: SketchRequest, info: ModelInfo, devices: DeviceManager) -> Iterator[Event]:
    """With the pipeline's own scheduler."""
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.diffusion.bridge import leading, painting

    own = leading.own_sampler(info) or TextToImageRequest.sampler
    yield from painting.sketch(dataclasses.replace(_in_full(request, info), sampler=own), info, devices)


def _in_full(request: SketchRequest, info: ModelInfo) -> TextToImageRequest:
    """What a sketch asks of the loop that paints; its size is the one that the model was trained at."""
    width, height = _size(info)
    return TextToImageRequest.of(
        **request.values(),
        num_inference_steps=STEPS,
        sampler=SAMPLER,
        sigma_schedule=SPACING,
        width=width,
        height=height,
    ).resolved()


def _size(info: ModelInfo) -> tuple[int, int]:
    """Width and height of the model's own pictures, within bounds."""
    width, height = (min(LARGEST, max(SMALLEST, side)) for side in models.native_shape(info))
    return width, height
