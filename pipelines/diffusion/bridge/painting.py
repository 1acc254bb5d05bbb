"""The stream of a model behind the bridge: a frame for every step of the pipeline's own loop, then its pictures.

Pictures are painted one after the other, so that each has the same pixels alone and in company. The pipeline decodes
the last state by itself; stopped early, it is handed its guess as that state.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.bridge import leading, model
from pipelines.diffusion.bridge.asked import Call
from pipelines.diffusion.bridge.model import GREY, Bridged
from pipelines.diffusion.bridge.walk import Walk, WalkState
from pipelines.diffusion.enlarging.use import enlarged_or_kept
from pipelines.diffusion.painted import recipe_of
from pipelines.diffusion.trace import Trace, machine
from pipelines.errors import Sentence
from pipelines.events import Event, Frame, Progress, Result, StopEarly
from pipelines.models.info import ModelInfo
from pipelines.prompts import unheard
from pipelines.requests.limits import FACTORS
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.samplers import READS_ETA

NO_GUESS = Sentence(
    "This pipeline's scheduler does not say its guess of the picture: the frames show the state itself."
)


def stream(request: TextToImageRequest, info: ModelInfo, devices: DeviceManager) -> Iterator[Event]:
    """As `TextToImage.stream`, for a checked request."""
    painting = Painting.of(request, info)
    with model.lease(info, devices) as bridged:
        yield Progress("encoding")
        yield from painting.over(bridged, devices)


@dataclass(frozen=True, eq=False)
class Painting:
    """A request that the pipeline can be told. `led`: a sampler of ours leads its steps."""

    request: TextToImageRequest
    info: ModelInfo
    led: bool
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: TextToImageRequest, info: ModelInfo) -> Painting:
        """Raises BadRequest for what the pipeline cannot be told."""
        call = Call.of(info)
        call.refuse_untold(request, leading.can_lead(info))
        led, note = leading.leads(info, request)
        call.arguments(request.of_picture(0), own_eta=not led)
        said = [note] if note else []
        if request.eta and not (request.sampler in READS_ETA if led else call.pipeline.takes("eta")):
            said.append(f"The sampler {request.sampler} takes no eta here, so it changes nothing.")
        if request.guidance.scale < 1 and call.guidance:
            said.append(Sentence("This pipeline knows no guidance below 1: it paints as with 1."))
        said += request.notes()
        said += unheard.notes((words for words, _ in request.every_words()), info.folder, request.prompt_syntax)
        return cls(request, info, led, said)

    def over(self, bridged: Bridged, devices: DeviceManager) -> Iterator[Event]:
        """Frames, then one Result; none where it is stopped before there is a picture."""
        if bridged.latents.preview is None:
            self._note(GREY)
        images: list[np.ndarray] = []
        steps_done, stopped = 0, False
        there = machine(devices, devices.dtype, native=False)
        traces: list[Trace] = []
        for i in range(self.request.count):
            with Walk(bridged, self.request.of_picture(i), self.led, devices.worker().threads) as walk:
                traces.append(Trace())
                try:
                    for shown in walk:
                        steps_done = shown.index
                        if shown.index:
                            traces[-1].add(shown.x)
                        if shown.index or not i:
                            yield self._frame(shown, bridged, i, images)
                except StopEarly:
                    stopped = True
                picture = walk.ended_here() if stopped else walk.pixels
                for note in walk.notes:
                    self._note(note)
            images += [] if picture is None else [picture]
            if stopped:
                break
        if images:
            made = [there | {"steps": " ".join(trace.of(0))} for trace in traces]
            yield from self._result(images, steps_done, stopped and picture is not None, devices, made)

    def _frame(self, shown: WalkState, bridged: Bridged, i: int, before: list[np.ndarray]) -> Frame:
        """All pictures of the job side by side, as far as they are there."""
        asked = self.request
        if shown.x0_pred is None:
            self._note(NO_GUESS)
        guess = shown.x if shown.x0_pred is None else shown.x0_pred
        x, x0_pred = (
            self._beside(bridged.latents.preview_picture(s, asked.height, asked.width), before)
            for s in (shown.x, guess)
        )
        return Frame(i * shown.total + shown.index, asked.count * shown.total, shown.sigma, x, x0_pred)

    def _beside(self, now: np.ndarray, before: list[np.ndarray]) -> np.ndarray:
        """(count, h, w, 3): those that are painted, as small as a frame, the one at work, grey for the rest."""
        if self.request.count == 1:
            return now
        h, w = now.shape[1:3]
        small = [p[np.arange(h) * p.shape[0] // h][:, np.arange(w) * p.shape[1] // w] for p in before]
        rest = [np.full_like(now[0], 128)] * (self.request.count - len(before) - 1)
        return np.stack([*small, now[0], *rest])

    def _result(
        self,
        images: list[np.ndarray],
        steps_done: int,
        cut: bool,
        devices: DeviceManager,
        made: list[dict[str, Any]],
    ) -> Generator[Event, None, None]:
        """`cut`: the last of the pictures is only a guess. `made`: how, for the recipes."""
        request = self.request
        height, width = images[0].shape[:2]
        if (width, height) != (request.width, request.height):
            self._note(
                Sentence(
                    "{pipeline} painted {width} x {height}, the size nearest to what was asked for.",
                    pipeline=self.info.pipeline,
                    width=width,
                    height=height,
                )
            )
        if factor := FACTORS.get(request.upscale):
            images, why_not = yield from enlarged_or_kept(images, factor, request.upscaler, devices)
            if why_not:
                self._note(why_not)
                request = replace(request, upscale="none")
        ends: list[tuple[int, int] | None] = [None] * len(images)
        if cut:
            ends[-1] = (steps_done, request.num_inference_steps)
        recipes = tuple(recipe_of(request, i, self.info, self.notes, end, made[i]) for i, end in enumerate(ends))
        yield Result(np.stack(images), recipes, cut, steps_done, tuple(self.notes))

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def sketch(request: TextToImageRequest, info: ModelInfo, devices: DeviceManager) -> Iterator[Event]:
    """Frames only; the last one's x0_pred is the decoded picture."""
    last: Frame | None = None
    with closing(stream(replace(request, upscale="none"), info, devices)) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, Result) and last is not None:
                yield replace(last, x0_pred=event.images)
            elif isinstance(event, Frame):
                if last is not None and last.index:
                    yield last
                last = event
            elif isinstance(event, Progress):
                yield event
