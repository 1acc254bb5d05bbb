"""Kept latents to the picture that they were meant to be, once there is room for it: nothing is painted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging.use import enlarged_or_kept
from pipelines.diffusion.leases import decoder_of, lease
from pipelines.diffusion.start import StartPicture
from pipelines.errors import BadFile, BadRequest, NotDecoded, NotFound
from pipelines.events import Event, Progress, Result, StopEarly
from pipelines.requests.kept import KeptLatents
from pipelines.requests.limits import FACTORS
from pipelines.requests.others import DecodeRequest
from pipelines.requests.text_to_image import TextToImageRequest


class DecodeLatents:
    """The generator over a model's decoder alone. The picture's recipe is the one of the job that had failed."""

    name = "decode"
    request_type = DecodeRequest

    def stream(self, request: DecodeRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress, then one Result of one picture. Raises NotDecoded, as it found no room again."""
        request.check()
        if request.kept is None:
            raise NotFound("the latents to decode were not handed over. Paint the picture again.")
        asked = replace(_asked(request.kept), pictures=request.pictures)
        notes: list[str] = []
        try:
            yield Progress("loading")
            info = models.inspect(models.find(asked.model))
            with lease(info, devices) as model, decoder_of(asked.vae, model, devices) as other:
                yield Progress("decoding")
                latents = libs.torch().from_numpy(request.kept.latents)
                if latents.shape not in (model.latent_shape(*size) for size in _sizes(asked)):
                    raise BadFile("these latents are not of their model any more. Paint the picture again.")
                try:
                    images = [(other or model.decoder).picture(latents, notes.append)]
                except NotDecoded as error:  # they lie there still
                    raise NotDecoded(error.sentence) from None
                if start := StartPicture.of(asked, model):
                    images = [start.finished(image) for image in images]
            if factor := FACTORS.get(asked.upscale):
                images, why_not = yield from enlarged_or_kept(images, factor, asked.upscaler, devices)
                notes += [why_not] if why_not else []
        except StopEarly:
            return
        recipe = dict(request.kept.recipe)
        recipe["notes"] = [*recipe.get("notes", ()), *notes]
        unfinished = "unfinished" in recipe
        yield Result(np.stack(images), (recipe,), unfinished, notes=tuple(notes))


def _sizes(asked: TextToImageRequest) -> Iterator[tuple[int, int]]:
    """Of what the job may have painted: with its border, and larger where it came to a second pass."""
    canvas = asked.canvas()
    yield canvas.width, canvas.height
    if asked.hires.wanted:
        yield asked.final_size()


def _asked(kept: KeptLatents) -> TextToImageRequest:
    """The request of the recipe, checked as a stranger's. Raises BadFile."""
    try:
        return TextToImageRequest.parse(kept.recipe.get("request") or {})
    except BadRequest as error:
        raise BadFile("the latents' recipe cannot be used: {why}", why=error.sentence) from None
