"""Prompt to picture, from pure noise or from a picture: one request in, a frame for every denoising step and the
finished pictures out.

torch is imported when a stream starts, so that the page and the command line can read the request's fields at once.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs, models
from pipelines.device.entering import Entering
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.enlarging.use import enlarged_or_kept
from pipelines.diffusion.painted import GENERATOR, recipe_of
from pipelines.diffusion.start import StartPicture
from pipelines.diffusion.start_noise import varied
from pipelines.errors import BadRequest, NotDecoded, Sentence
from pipelines.events import Event, Frame, Progress, Result, StopEarly
from pipelines.models import vaes
from pipelines.models.faults import faults_of
from pipelines.models.info import ModelInfo
from pipelines.requests import hires
from pipelines.requests.addons import all_loras
from pipelines.requests.limits import FACTORS, LARGEST_SEED, LARGEST_SIDE
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.samplers import READS_ETA, SAMPLERS, Step

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.addons.control import Control
    from pipelines.diffusion.addons.ip_adapter import Reference
    from pipelines.diffusion.apart import Apart
    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.decoding import Decoder
    from pipelines.diffusion.second_pass import Enlarged
    from pipelines.diffusion.tiles import Tiled

__all__ = ["TextToImage", "TextToImageRequest", "warm"]


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
            with faults_of(info), Entering(lambda: held(info, devices)) as entering:
                yield from entering.progress("loading")
                yield from _over_the_bridge(request, info, devices) if info.bridged else _by_us(request, info, devices)
        except StopEarly:
            return


def _by_us(request: TextToImageRequest, info: ModelInfo, devices: DeviceManager) -> Iterator[Event]:
    with (
        lease(info, devices) as base,
        decoder_of(request.vae, base, devices) as decoder,
        _control(request, base, devices) as control,
        _reference(request, base, devices) as reference,
        _with_addons(request, base, devices) as model,
    ):
        yield Progress("encoding")
        model = reference.adapted(model) if reference else model
        yield from _paint(Run.prepare(request, model, devices, decoder, control, reference), devices)


def warm(devices: DeviceManager, model: str = "aigc-mini") -> None:
    """Load a model and take it through one step and one decoding, so that the first picture does not wait for it."""
    for _event in TextToImage().stream(TextToImageRequest(model=model, num_inference_steps=1, seed=0), devices):
        pass


def _over_the_bridge(request: TextToImageRequest, info: ModelInfo, devices: DeviceManager) -> Iterator[Event]:
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.diffusion.bridge import painting

    yield from painting.stream(request, info, devices)


def held(info: ModelInfo, devices: DeviceManager) -> AbstractContextManager[object]:
    """A model of any kind on the device, for the block's time."""
    if not info.bridged:
        return lease(info, devices)
    libs.torch()
    from pipelines.diffusion.bridge import model

    return model.lease(info, devices)


def lease(info: ModelInfo, devices: DeviceManager) -> AbstractContextManager[Bundle]:
    """The model on the device, for the block's time. Raises BadRequest for one that only paints, by a pipeline."""
    if info.bridged:
        raise BadRequest(
            "{model} is a {pipeline}, which paints through the bridge and does nothing else. Choose a model "
            "of another kind here.",
            model=info.name[:60],
            pipeline=info.pipeline,
        )
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.diffusion import loading

    return devices.lease(models.identity(info), lambda: loading.load(info, devices.dtype))


@contextmanager
def decoder_of(name: str, model: Bundle, devices: DeviceManager) -> Iterator[Decoder | None]:
    """The decoder of that name on the device, for the block's time; None for the model's own. Raises BadRequest."""
    if name == vaes.AUTOMATIC:
        yield None
        return
    from pipelines.diffusion import autoencoder

    info = vaes.inspect(vaes.find(name))
    vaes.refuse_unfit(info, model.info)
    with devices.lease(vaes.identity(info), lambda: autoencoder.load(info, devices.dtype)) as vae:
        yield vae.decoder(*vaes.scaling_of(model.vae.config))


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that one stream needs: the model, the path of noise levels, the prompt's denoiser, the noise, and the
    picture to start from, if there is one. `before` and `after` are the steps of the other pass."""

    request: TextToImageRequest
    model: Bundle
    path: NoisePath
    denoiser: Apart | Tiled
    noise: PictureNoise
    notes: tuple[str, ...]
    picture: StartPicture | Enlarged | None = None
    decoder: Decoder | None = None
    control: Control | None = None
    reference: Reference | None = None
    before: int = 0
    after: int = 0

    @classmethod
    def prepare(
        cls,
        request: TextToImageRequest,
        model: Bundle,
        devices: DeviceManager,
        decoder: Decoder | None = None,
        control: Control | None = None,
        reference: Reference | None = None,
        ending: int | None = None,
        before: int = 0,
    ) -> Run:
        """`decoder` takes the place of the model's own; `control` stands beside its network; `reference` is what the
        model's network was adapted to read; `ending`: only so many steps, the last ones, after `before` steps of
        another pass."""
        from pipelines.diffusion.apart import Apart
        from pipelines.diffusion.conditions import Conditions, PictureContext, PromptPair
        from pipelines.diffusion.denoiser import Denoiser
        from pipelines.diffusion.inpainting import mask_condition
        from pipelines.diffusion.tiles import Tiled, Tiles

        canvas = request.canvas()
        shape = model.latent_shape(canvas.width, canvas.height)
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
            picture, path = picture.along(path, request.strength)
        if ending is not None:
            path = path.ending(ending)
        seen, tiles = mask_condition(model, shape, picture), Tiles.of(request.tile, model, canvas.width, canvas.height)
        if tiles and (seen or control):
            raise BadRequest("models that paint into a mask and ControlNets see all of the picture; set tile to 0.")
        network = model.network((shape[0], tiles.height, tiles.width) if tiles else shape)
        if reference is not None:
            model, network = reference.telling(model, path), reference.network(network)
        if control is not None:
            control = control.fitted(canvas.width, canvas.height)
            model, network = model.telling(control.extra_conditions(path, model.device)), control.network(network)
        worker, guidance = devices.worker(), _guidance(request, model)

        def bound(conditions: Conditions) -> Denoiser:
            return Denoiser(network, worker, model.process, path, conditions.also(seen), guidance)

        written = [PromptPair.of(request.of_picture(i)) for i in range(request.count)]
        side = request.tile if tiles else LARGEST_SIDE
        size = (min(canvas.width, side), min(canvas.height, side))
        drawn = PictureContext(*size, request.guidance_scale, request.clip_skip)
        denoiser, said = Apart.of(written, model, len(path), drawn, bound, before)
        noise = PictureNoise([request.seeds(i)[0] for i in range(request.count)], shape, model.device)
        notes = (*path.notes, *model.notes, *said, *_notes(request, model))
        walked = Tiled(denoiser, tiles) if tiles else denoiser
        beside = (decoder, control, reference)
        return cls(request, model, path, walked, noise, notes, picture, *beside, before)

    @property
    def total(self) -> int:
        return self.before + len(self.path) + self.after

    def start(self) -> Tensor:
        """The first state. Pure noise has variance 1 in the network's own form, so 1 / scale^2 in the samplers'."""
        sigma, noise = float(self.path.sigmas[0]), varied(self.noise(), self.request.canvas(), self.model)
        return self.picture.noised(noise, sigma) if self.picture else noise * (1 / self.model.process.scale(sigma))

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
                "the picture became NaN in step {step} of {total}; lower guidance_scale ({guidance_scale:g}) or "
                "choose another schedule.",
                step=self.before + step.index + 1,
                total=self.total,
                guidance_scale=self.request.guidance_scale,
            )

    def frame(self, index: int, sigma: float, x: Tensor, x0_pred: Tensor) -> Frame:
        scaled = x * self.model.process.scale(sigma)
        shown = self.model.preview(libs.torch().cat([scaled, x0_pred]))
        return Frame(self.before + index, self.total, sigma, shown[: len(x)], shown[len(x) :])

    def not_enlarged(self, why: str) -> Run:
        """The same run for pictures that kept their size: so their recipes ask for it, and say why."""
        return replace(self, request=replace(self.request, upscale="none"), notes=(*self.notes, why))

    def decode(self, latents: Tensor) -> np.ndarray:
        return (self.decoder or self.model.decoder).picture(latents, self.denoiser.note)

    def recipes(self, count: int, steps_done: int) -> tuple[dict[str, Any], ...]:
        """One for each picture."""
        notes = (*self.notes, *self.denoiser.notes)
        unfinished = (steps_done, self.total) if steps_done < self.total else None
        return tuple(recipe_of(self.request, i, self.model.info, notes, unfinished) for i in range(count))

    def result(self, images: list[np.ndarray], steps_done: int) -> Result:
        recipes, notes = self.recipes(len(images), steps_done), (*self.notes, *self.denoiser.notes)
        return Result(np.stack(images), recipes, steps_done < self.total, steps_done, notes)


class PictureNoise:
    """Standard normal draws, each picture from its own generator on the CPU: its place in the batch and the device
    do not matter."""

    def __init__(self, seeds: list[int], shape: tuple[int, int, int], device: Any) -> None:
        torch = libs.torch()
        self._generators = [torch.Generator("cpu").manual_seed(seed % (LARGEST_SEED + 1)) for seed in seeds]
        self._shape, self._device = shape, device

    def __call__(self) -> Tensor:
        torch = libs.torch()
        return torch.stack([torch.randn(self._shape, generator=g, dtype=torch.float32) for g in self._generators]).to(
            self._device
        )


def _guidance(request: TextToImageRequest, model: Bundle) -> Guidance:
    """As asked; none for networks that are told the scale, which would else be asked twice."""
    if model.distilled:
        return Guidance()
    span = (request.guidance_start, request.guidance_end)
    return Guidance(request.guidance_scale, request.guidance_rescale, *span, request.guidance_curve)


def _control(
    request: TextToImageRequest, base: Bundle, devices: DeviceManager
) -> AbstractContextManager[Control | None]:
    from pipelines.diffusion.addons import control

    return control.leased(request, base, devices)


def _reference(
    request: TextToImageRequest, base: Bundle, devices: DeviceManager
) -> AbstractContextManager[Reference | None]:
    from pipelines.diffusion.addons import ip_adapter

    return ip_adapter.leased(request, base, devices)


@contextmanager
def _with_addons(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[Bundle]:
    from pipelines.diffusion.addons import lora
    from pipelines.diffusion.addons.textual_inversion import with_embeddings

    pictures = [request.of_picture(i) for i in range(request.count)]
    with lora.leased(all_loras(request), base, devices) as model:
        yield with_embeddings(model, [text for one in pictures for text in (one.prompt, one.negative_prompt)])


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
    except StopEarly:
        stopped = True
    if last is None:
        return None
    latents = last.x if last.index + 1 == len(run.path) else last.x0_pred
    return _Painted(run, latents, run.before + last.index + 1, stopped)


def _passes(run: Run, devices: DeviceManager) -> tuple[Run, Run | None]:
    """The run, and its second pass, where it has one, which waits for what it starts from."""
    if not hires.wanted(run.request):
        return run, None
    beside, walked = (run.decoder, run.control, run.reference), hires.steps(run.request)[0]
    second = Run.prepare(hires.second(run.request), run.model, devices, *beside, walked, before=len(run.path))
    return replace(run, after=len(second.path)), second


def _again(first: _Painted, second: Run, devices: DeviceManager) -> Generator[Event, None, _Painted]:
    """The second pass over what the first one painted; that itself where it is stopped before its first guess."""
    from pipelines.diffusion.second_pass import enlarged

    asked = second.request
    try:
        size = (asked.width, asked.height)
        larger = yield from enlarged(
            first.latents, *size, asked.hires_upscaler, second.model, devices, first.run.decode
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
    return replace(first, notes=tuple(dict.fromkeys((*first.notes, *second.notes, *second.denoiser.notes))))


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


def _notes(request: TextToImageRequest, model: Bundle) -> Iterator[str]:
    if model.distilled and request.negative_prompt:
        yield Sentence(
            "This model is told the guidance instead of being asked twice, so negative_prompt changes nothing."
        )
    if request.clip_skip > 1 and not model.skips_layers:
        yield Sentence("This model reads the prompt with T5 or needs CLIP's last layer, so clip_skip changes nothing.")
    if request.eta and request.sampler not in READS_ETA:
        yield Sentence(
            "The sampler {sampler} takes no eta; {others} does.", sampler=request.sampler, others=", ".join(READS_ETA)
        )
