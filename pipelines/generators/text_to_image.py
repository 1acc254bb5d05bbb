"""Prompt to picture, from pure noise or from a picture: one request in, a frame for every denoising step and the
finished pictures out.

torch is imported when a stream starts, so that the page and the command line can read the request's fields at once.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import Attachment, adapted
from pipelines.diffusion.enlarging.use import enlarged_or_kept
from pipelines.diffusion.footprint import refuse_what_does_not_fit
from pipelines.diffusion.leases import decoder_of, lease, on_device
from pipelines.diffusion.retracing import known_steps
from pipelines.diffusion.run import Run
from pipelines.errors import NotDecoded
from pipelines.events import Event, Progress, StopEarly
from pipelines.models.info import ModelInfo
from pipelines.requests.limits import FACTORS
from pipelines.requests.text_to_image import GENERATOR, TextToImageRequest
from pipelines.theory.samplers import Step

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle


class TextToImage:
    """The generator over every model that takes a prompt, a folder of diffusers or a checkpoint of one file.

    Frame 0 is what the run starts from, sent before the first evaluation: pure noise, whose x0_pred is the picture of
    the mean latents (0), as nothing better is known yet; or a picture under noise, with the picture as x0_pred. Frame k
    shows the state after step k and the guess that the step used. The frames go through a linear preview of the
    latents; only the result is decoded.
    """

    name = GENERATOR
    request_type = TextToImageRequest

    def stream(self, request: TextToImageRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then frames, then one Result. Thrown StopEarly gives the current guess as an unfinished Result,
        or ends the stream where there is no guess yet. Closing it gives the model back."""
        request.check()
        request = request.resolved()
        try:
            yield Progress("loading")
            info = models.inspect(models.find(request.model))
            threading.Thread(target=models.model_hash, args=(info,), daemon=True).start()  # the recipe will want it
            refuse_what_does_not_fit(info, request, devices)
            paint = _over_the_bridge if info.bridged else _by_us
            yield from on_device(info, devices, paint(request, info, devices))
        except StopEarly:
            return


def _by_us(request: TextToImageRequest, info: ModelInfo, devices: DeviceManager) -> Generator[Event, None, None]:
    with (
        lease(info, devices) as base,
        decoder_of(request.vae, base, devices) as decoder,
        _attached(request, base, devices) as attachments,
    ):
        known = yield from known_steps(request, base, devices)
        yield Progress("encoding")
        model = adapted(base, attachments)
        yield from _paint(Run.prepare(request, model, devices, decoder, attachments, known=known), devices)


def warm(devices: DeviceManager, model: str = "aigc-mini") -> None:
    """Load a model and take it through one step and one decoding, so that the first picture does not wait for it."""
    for _event in TextToImage().stream(TextToImageRequest(model=model, num_inference_steps=1, seed=0), devices):
        pass


def _over_the_bridge(
    request: TextToImageRequest, info: ModelInfo, devices: DeviceManager
) -> Generator[Event, None, None]:
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.diffusion.bridge import painting

    yield from painting.stream(request, info, devices)


def _attached(
    request: TextToImageRequest, base: Bundle, devices: DeviceManager
) -> AbstractContextManager[tuple[Attachment, ...]]:
    from pipelines.diffusion.addons import attached

    return attached.leased(request, base, devices)


def _paint(run: Run, devices: DeviceManager) -> Iterator[Event]:
    """Frames, decoding, enlarging, result; with a second pass the frames of both."""
    first, second = _passes(run, devices)
    painted = yield from _sampled(first)
    if painted is not None and second is not None and not painted.stopped:
        painted = yield from _again(painted, second, devices)
    if painted is None:  # stopped before the first guess
        return
    run = painted.run
    decoded = yield from _decoded(painted, first, second)
    images = [run.picture.finished(picture) for picture in decoded] if run.picture else decoded
    kept = _as_asked(first, second)
    if factor := FACTORS.get(kept.request.upscale):
        images, why_not = yield from enlarged_or_kept(images, factor, kept.request.upscaler, devices)
        kept = kept.not_enlarged(why_not) if why_not else kept
    yield kept.result(images, painted.steps_done)


@dataclass(frozen=True, eq=False)
class _Painted:
    """The latents (n, C, h, w) that a pass ended in, or its last guess where it was stopped."""

    run: Run
    latents: Tensor
    steps_done: int
    stopped: bool


def _sampled(run: Run) -> Generator[Event, None, _Painted | None]:
    """One pass, a frame for each step; None where it was stopped before its first guess."""
    last: Step | None = None
    stopped = False
    x = run.start()
    try:
        if not run.before:
            yield run.first_frame(x)
        for step in run.steps(x):
            last = step
            yield run.frame(step.index + 1, step.sigma, step.x, step.x0_pred)
            if step.index + 1 >= run.last_step:
                break
    except StopEarly:
        stopped = True
    if last is None:
        return None
    latents = last.x if last.index + 1 == len(run.path) else last.x0_pred
    return _Painted(run, latents, run.before + last.index + 1, stopped)


def _passes(run: Run, devices: DeviceManager) -> tuple[Run, Run | None]:
    """The run, and its second pass, where it has one, which waits for what it starts from."""
    request = run.request
    if not request.hires.wanted:
        return run, None
    walked, _ = request.hires.steps_of(request.num_inference_steps)
    beside = (run.decoder, run.attachments)
    second = Run.prepare(request.second_pass(), run.model, devices, *beside, walked, before=len(run.path))
    return replace(run, after=second.last_step), second


def _again(first: _Painted, second: Run, devices: DeviceManager) -> Generator[Event, None, _Painted]:
    """The second pass over what the first one painted; that itself where it is stopped before its first guess."""
    from pipelines.diffusion.second_pass import enlarged

    asked = second.request
    try:
        size = (asked.width, asked.height)
        larger = yield from enlarged(
            first.latents, *size, asked.hires.upscaler, second.model, devices, first.run.decode
        )
    except StopEarly:
        return first
    except NotDecoded as error:  # what the first pass painted is there to be decoded
        recipes = first.run.recipes(len(first.latents), first.steps_done)
        raise error.with_latents(first.latents.cpu().numpy(), recipes) from None
    return (yield from _sampled(replace(second, picture=larger))) or first


def _as_asked(first: Run, second: Run | None) -> Run:
    """What the recipes are of: the request for both passes, which is the first one's, and what both have to say."""
    if second is None:
        return first
    notes = tuple(dict.fromkeys((*first.notes, *second.notes, *second.denoiser.notes)))
    return replace(first, notes=notes, traces=(*first.traces, *second.traces))


def _decoded(painted: _Painted, first: Run, second: Run | None) -> Generator[Event, None, list[np.ndarray]]:
    """Each picture alone. To stop here would only lose what is already painted, so StopEarly is passed over.

    Raises NotDecoded with all latents where memory does not suffice for one of them.
    """
    images, latents = [], painted.latents
    for i, picture in enumerate(latents):
        try:
            yield Progress("decoding", i, len(latents))
        except StopEarly:
            pass
        try:
            images.append(painted.run.decode(picture))
        except NotDecoded as error:
            recipes = _as_asked(first, second).recipes(len(latents), painted.steps_done)
            raise error.with_latents(latents.cpu().numpy(), recipes) from None
    return images
