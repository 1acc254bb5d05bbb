"""One picture by a pipeline's own loop: its steps one by one, each only when it is asked for, then its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.device.memory import is_out_of_memory
from pipelines.diffusion.bridge.asked import Call
from pipelines.diffusion.bridge.crossing import Crossing, Finished
from pipelines.diffusion.bridge.model import UNFIT, Bridged, reason
from pipelines.diffusion.bridge.scheduling import Led, Passing, Stepped, StepQuestion, Watched
from pipelines.errors import BadRequest, OutOfMemory
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.samplers import SAMPLERS

MAIN = "scheduler"


@dataclass(frozen=True, eq=False)
class WalkState:
    """The state after step `index` of `total`, its level sigma, and the guess that the step used (None where the
    scheduler does not say it), both as the network has them. Index 0 is what the walk starts from."""

    index: int
    total: int
    sigma: float
    x: Tensor
    x0_pred: Tensor | None


class Walk:
    """An iterator over the steps of one picture, and a context manager: at its end the pipeline's thread is gone.

    `led`: a sampler of ours decides the steps. While a step is being looked at, the pipeline stands still; nothing is
    computed before the next one is asked for.
    """

    def __init__(self, model: Bridged, request: TextToImageRequest, led: bool, threads: int) -> None:
        self._model, self._request, self._led, self._threads = model, request, led, threads
        self._generator = torch.Generator("cpu").manual_seed(request.seed)
        self._crossing = Crossing(self._call)
        self._scheduler: Any = None
        self._pipeline: Any = None
        self._reading = False
        self._guess: Tensor | None = None
        self.notes: tuple[str, ...] = ()
        self._pixels: np.ndarray | None = None

    def __enter__(self) -> Walk:
        self._crossing.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._crossing.__exit__(*error)

    def __iter__(self) -> Iterator[WalkState]:
        for shown in self._led_steps() if self._led else self._own_steps():
            if shown.x0_pred is not None and not bool(torch.isfinite(shown.x0_pred).all()):
                raise BadRequest(
                    "the picture became NaN in step {index} of {total}; lower guidance_scale ({guidance_scale:g}) or "
                    "choose another schedule.",
                    index=shown.index,
                    total=shown.total,
                    guidance_scale=self._request.guidance.scale,
                )
            self._guess = shown.x0_pred if shown.index else None
            yield shown

    @property
    def pixels(self) -> np.ndarray:
        """Of the finished picture, uint8 (H, W, 3)."""
        assert self._pixels is not None, "the walk has not come to its end"
        return self._pixels

    def ended_here(self) -> np.ndarray | None:
        """The guess of the step that was shown last as pixels, without asking the network again; None where there is
        no guess, or nobody who could decode it."""
        request, guess = self._request, self._guess
        if guess is None:
            return None
        if not hasattr(type(self._pipeline), "interrupt"):
            return self._model.latents.picture(guess, request.height, request.width)
        self._pipeline._interrupt = True  # its loop runs on to the end without the network
        self._crossing.answer(guess)
        self._take(self._next())
        return self._pixels

    def _own_steps(self) -> Iterator[WalkState]:
        while isinstance(shown := self._next(), Stepped):
            if not shown.index:
                yield WalkState(0, shown.total, shown.sigma_before, shown.before, torch.zeros_like(shown.before))
            yield WalkState(shown.index + 1, shown.total, shown.sigma, shown.after, shown.x0_pred)
            self._crossing.answer()
        self._take(shown)

    def _led_steps(self) -> Iterator[WalkState]:
        """Our sampler, to which the pipeline is a denoiser: it is handed a state and says what its network does."""
        pending: StepQuestion | None = self._next()
        scheduler: Led = self._scheduler
        process, path = scheduler.process, scheduler.path
        if pending is None or not isinstance(pending, StepQuestion) or process is None or path is None:
            raise BadRequest(
                "{pipeline} did not ask its scheduler for a step, so nothing was shown.",
                pipeline=self._model.info.pipeline,
            )
        self.notes = path.notes

        def denoiser(x: Tensor, sigma: float) -> Tensor:
            nonlocal pending
            if pending is None:
                self._crossing.answer(x * process.scale(sigma))
                pending = self._next()
            said, pending = pending, None
            assert isinstance(said, StepQuestion), "the sampler asks as often as the pipeline was told"
            return scheduler.held(process.x0(said.prediction.float(), x, sigma))

        sigma = float(path.sigmas[0])
        x = pending.sample.float() / process.scale(sigma)
        yield WalkState(0, len(path), sigma, pending.sample, torch.zeros_like(x))
        for step in SAMPLERS[self._request.sampler](denoiser, x, path.sigmas, self._noise, self._request.eta):
            x = step.x * process.scale(step.sigma)
            yield WalkState(step.index + 1, len(path), step.sigma, x, step.x0_pred)
        self._crossing.answer(x)
        self._take(self._next())

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator, dtype=torch.float32).to(like)

    def _next(self) -> Any:
        """What the pipeline shows next. Raises a sentence of ours for what a library raised."""
        name = self._model.info.pipeline
        try:
            return self._crossing.next()
        except (*UNFIT, NotImplementedError, AssertionError, ZeroDivisionError, MemoryError) as error:
            if is_out_of_memory(error):
                raise OutOfMemory(
                    "The device has no memory left for this picture by {name}. Choose a smaller size or model.",
                    name=name,
                ) from None
            raise BadRequest(
                "{name} could not paint this: {reason} Change the setting or the model.",
                name=name,
                reason=reason(error),
            ) from error

    def _take(self, shown: Any) -> None:
        assert isinstance(shown, Finished), "the pipeline does no step after its last one"
        said = getattr(shown.value, "images", None)
        picture = np.asarray((shown.value[0] if said is None else said)[0], np.float32)
        if not np.isfinite(picture).all():
            raise BadRequest("the decoder turned these latents into NaN; lower guidance_scale or use more steps.")
        self._pixels = (picture.clip(0, 1) * 255).round().astype(np.uint8)

    # in the pipeline's own thread

    def _call(self) -> Any:
        torch.set_num_threads(self._threads)
        self._model.lock.acquire()
        self._reading = True
        try:
            self._pipeline = self._model.pipeline(self._wrapped())
            arguments = Call.of(self._model.info).arguments(self._request, own_eta=not self._led)
            with torch.no_grad():
                return self._pipeline(**arguments, generator=self._generator, output_type="np")
        finally:
            self._read()

    def _wrapped(self) -> dict[str, Any]:
        def main(own: Any) -> Any:
            make = (lambda: Led(own, self._show, self._request)) if self._led else (lambda: Watched(own, self._show))
            self._scheduler = make()
            return self._scheduler

        others = {name: lambda own: Passing(own, self._crossing.alive) for name in self._model.schedulers}
        return others | {MAIN: main}

    def _show(self, what: Any) -> Any:
        self._read()
        return self._crossing.show(what)

    def _read(self) -> None:
        """The prompt is read: others may read theirs."""
        if self._reading:
            self._reading = False
            self._model.lock.release()
