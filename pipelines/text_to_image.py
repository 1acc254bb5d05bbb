"""Prompt to picture, from pure noise or from a picture: one request in, a frame for every denoising step and the
finished pictures out.

torch is imported when a stream starts, so that the page and the command line can read the request's fields at once.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs, models, recipe
from pipelines.addons.marks import recipe_words
from pipelines.addons.requests import wanted_loras
from pipelines.device import DeviceManager
from pipelines.diffusion.guidance import Guidance
from pipelines.diffusion.path import NoisePath
from pipelines.diffusion.samplers import READS_ETA, SAMPLERS, Step
from pipelines.diffusion.start import StartPicture
from pipelines.errors import BadRequest
from pipelines.events import Event, Frame, Progress, Result, StopEarly
from pipelines.models import ModelInfo
from pipelines.requests import FACTORS, LARGEST_SEED, TextToImageRequest
from pipelines.upscale_picture import enlarged_or_kept

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.addons.control import Control
    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.denoiser import Denoiser

__all__ = ["TextToImage", "TextToImageRequest", "warm"]


class TextToImage:
    """The generator over a diffusers folder of a StableDiffusionPipeline.

    Frame 0 is what the run starts from, sent before the first evaluation: pure noise, whose x0_pred is the picture of
    the mean latents (0), as nothing better is known yet; or a picture under noise, with the picture as x0_pred. Frame k
    shows the state after step k and the guess that the step used. The frames go through a linear preview of the
    latents; only the result is decoded.
    """

    name = "text-to-image"
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
            with lease(info, devices) as base, _control(request, base, devices) as control:
                yield Progress("encoding")
                model = _with_addons(request, base)
                yield from _paint(Run.prepare(request, model, devices, control), devices)
        except StopEarly:
            return


def warm(devices: DeviceManager, model: str = "aigc-mini") -> None:
    """Load a model and take it through one step and one decoding, so that the first picture does not wait for it."""
    for _event in TextToImage().stream(TextToImageRequest(model=model, num_inference_steps=1, seed=0), devices):
        pass


def lease(info: ModelInfo, devices: DeviceManager) -> AbstractContextManager[Bundle]:
    """The model on the device, for the block's time."""
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.diffusion import loading

    return devices.lease(models.identity(info), lambda: loading.load(info, devices.dtype))


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that one stream needs: the model, the path of noise levels, the prompt's denoiser, the noise, and the
    picture to start from, if there is one."""

    request: TextToImageRequest
    model: Bundle
    path: NoisePath
    denoiser: Denoiser
    noise: PictureNoise
    notes: tuple[str, ...]
    picture: StartPicture | None = None

    @classmethod
    def prepare(
        cls, request: TextToImageRequest, model: Bundle, devices: DeviceManager, control: Control | None = None
    ) -> Run:
        from pipelines.diffusion.denoiser import Denoiser

        shape = model.latent_shape(request.width, request.height)
        path = model.process.path(
            shape[1] * shape[2],
            beta_schedule=request.beta_schedule,
            num_train_timesteps=request.num_train_timesteps,
            beta_start=request.beta_start or None,
            beta_end=request.beta_end or None,
            sigma_schedule=request.sigma_schedule,
            num_inference_steps=request.num_inference_steps,
        )
        picture = StartPicture.of(request, model)
        if picture is not None:
            path = path.last(request.strength)
        if control is not None:
            model = model.telling(control.told(path, model.device))
        drawn = (request.width, request.height, request.guidance_scale)
        words = model.condition(request.prompt, *drawn)
        avoided = model.condition(request.negative_prompt, *drawn, negative=True)
        scale = 1.0 if model.distilled else request.guidance_scale
        guidance = Guidance(scale, request.guidance_rescale, request.guidance_start, request.guidance_end)
        network = control.network(model.network(shape)) if control else model.network(shape)
        denoiser = Denoiser(
            network, devices.worker(), model.process, path, words.condition, avoided.condition, guidance
        )
        noise = PictureNoise([request.seed + i for i in range(request.count)], shape, model.device)
        notes = (*path.notes, *_notes(request, words.cut, avoided.cut, model))
        return cls(request, model, path, denoiser, noise, notes, picture)

    @property
    def total(self) -> int:
        return len(self.path)

    def start(self) -> Tensor:
        """The first state. Pure noise has variance 1 in the network's own form, so 1 / scale^2 in the samplers'."""
        sigma = float(self.path.sigmas[0])
        if self.picture:
            return self.picture.noised(self.noise(), sigma)
        return self.noise() * (1 / self.model.process.scale(sigma))

    def first_frame(self, x: Tensor) -> Frame:
        """The first state with all that is known before an evaluation: the start picture, or nothing."""
        known = x * 0 if self.picture is None else self.picture.latents.expand_as(x)
        return self.frame(0, float(self.path.sigmas[0]), x, known)

    def steps(self, x: Tensor) -> Iterator[Step]:
        """Closing it makes no more evaluations. Raises BadRequest where a guess is not a number."""
        sampler = SAMPLERS[self.request.sampler]
        denoiser = self.picture.keeping(self.denoiser) if self.picture else self.denoiser
        for step in sampler(denoiser, x, self.path.sigmas, lambda like: self.noise(), self.request.eta):
            self._refuse_nan(step)
            yield step

    def _refuse_nan(self, step: Step) -> None:
        if not bool(libs.torch().isfinite(step.x0_pred).all()):
            raise BadRequest(
                f"the picture became NaN in step {step.index + 1} of {self.total}; "
                f"lower guidance_scale ({self.request.guidance_scale:g}) or choose another schedule."
            )

    def frame(self, index: int, sigma: float, x: Tensor, x0_pred: Tensor) -> Frame:
        scaled = x * self.model.process.scale(sigma)
        shown = self.model.preview(libs.torch().cat([scaled, x0_pred]))
        return Frame(index, self.total, sigma, shown[: len(x)], shown[len(x) :])

    def not_enlarged(self, why: str) -> Run:
        """The same run for pictures that kept their size: so their recipes ask for it, and say why."""
        return replace(self, request=replace(self.request, upscale="none"), notes=(*self.notes, why))

    def result(self, images: list[np.ndarray], steps_done: int) -> Result:
        unfinished = steps_done < self.total
        notes = (*self.notes, *self.denoiser.notes)
        more: dict[str, Any] = {"model_hash": models.model_hash(self.model.info), "notes": list(notes)}
        more |= recipe_words(self.request, self.model.info.architecture)
        if unfinished:
            more["unfinished"] = {"step": steps_done, "of": self.total}
        requests = (self.request.of_picture(i) for i in range(len(images)))
        recipes = tuple(recipe.new(TextToImage.name, request, **more) for request in requests)
        return Result(np.stack(images), recipes, unfinished, steps_done, notes)


class PictureNoise:
    """Standard normal draws, each picture from its own generator on the CPU: its place in the batch and the device
    do not matter."""

    def __init__(self, seeds: list[int], shape: tuple[int, int, int], device: Any) -> None:
        torch = libs.torch()
        self._generators = [torch.Generator("cpu").manual_seed(seed % (LARGEST_SEED + 1)) for seed in seeds]
        self._shape, self._device = shape, device

    def __call__(self) -> Tensor:
        torch = libs.torch()
        return torch.stack([torch.randn(self._shape, generator=g) for g in self._generators]).to(self._device)


def _control(
    request: TextToImageRequest, base: Bundle, devices: DeviceManager
) -> AbstractContextManager[Control | None]:
    from pipelines.addons import control

    return control.leased(request, base, devices)


def _with_addons(request: TextToImageRequest, model: Bundle) -> Bundle:
    from pipelines.addons.lora import with_loras
    from pipelines.addons.textual_inversion import with_embeddings

    model = with_loras(model, wanted_loras(request.loras))
    return with_embeddings(model, (request.prompt, request.negative_prompt))


def _paint(run: Run, devices: DeviceManager) -> Iterator[Event]:
    """Frames, decoding, enlarging, result. Stopped early, the guess of the last step is decoded, not its state."""
    last: Step | None = None
    x = run.start()
    try:
        yield run.first_frame(x)
        for step in run.steps(x):
            last = step
            yield run.frame(step.index + 1, step.sigma, step.x, step.x0_pred)
    except StopEarly:
        pass
    if last is None:  # stopped before the first guess
        return
    finished = last.index + 1 == run.total
    decoded = yield from _decoded(run.model, last.x if finished else last.x0_pred)
    images = [run.picture.finished(picture) for picture in decoded] if run.picture else decoded
    if factor := FACTORS.get(run.request.upscale):
        images, why_not = yield from enlarged_or_kept(images, factor, run.request.upscaler, devices)
        run = run.not_enlarged(why_not) if why_not else run
    yield run.result(images, last.index + 1)


def _decoded(model: Bundle, latents: Tensor) -> Generator[Event, None, list[np.ndarray]]:
    """Each picture alone. To stop here would only lose what is already painted, so StopEarly is passed over."""
    images = []
    for i, picture in enumerate(latents):
        try:
            yield Progress("decoding", i, len(latents))
        except StopEarly:
            pass
        images.append(model.decode(picture))
    return images


def _notes(request: TextToImageRequest, cut: bool, negative_cut: bool, model: Bundle) -> Iterator[str]:
    for name, is_cut in (("prompt", cut), ("negative_prompt", negative_cut)):
        if is_cut:
            length = model.prompt_length
            yield f"The {name} is longer than the {length} tokens that this model reads; its end was left out."
    if model.distilled and request.negative_prompt:
        yield "This model is told the guidance instead of being asked twice, so negative_prompt changes nothing."
    if request.eta and request.sampler not in READS_ETA:
        yield f"The sampler {request.sampler} takes no eta; {', '.join(READS_ETA)} does."
