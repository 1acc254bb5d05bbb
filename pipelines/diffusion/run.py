"""Everything that one pass of a picture needs, made ready: from a request and a model to steps, frames and a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.painted import recipe_of
from pipelines.diffusion.painting_over import PaintOver
from pipelines.diffusion.picture_noise import PictureNoise
from pipelines.diffusion.start import StartPicture
from pipelines.diffusion.start_noise import varied
from pipelines.diffusion.trace import Trace, machine_of
from pipelines.diffusion.walk import Turn, Walk
from pipelines.errors import BadRequest, Sentence
from pipelines.events import Frame, Result
from pipelines.models import vaes
from pipelines.prompts import unheard
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.samplers import READS_ETA, Step
from pipelines.theory.trajectory import Trajectory

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.apart import Apart
    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.decoding import Decoder
    from pipelines.diffusion.second_pass import Enlarged
    from pipelines.diffusion.tiles import Tiled
    from pipelines.theory.process import Process


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that one stream needs: the model, the path of noise levels, the prompt's denoiser, the noise, and the
    picture to start from, if there is one. `before` and `after` are the steps of the other pass; `known`: the steps of
    another picture that this one goes on from; `walk` keeps its own. `machine` and `traces`, of each pass, go into the
    recipes."""

    request: TextToImageRequest
    model: Bundle
    path: NoisePath
    denoiser: Apart | Tiled
    noise: PictureNoise
    notes: tuple[str, ...]
    walk: Walk
    picture: StartPicture | Enlarged | None = None
    decoder: Decoder | None = None
    attachments: tuple[Attachment, ...] = ()
    before: int = 0
    after: int = 0
    known: Trajectory | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    traces: tuple[Trace, ...] = field(default_factory=lambda: (Trace(),))

    @classmethod
    def prepare(
        cls,
        request: TextToImageRequest,
        model: Bundle,
        devices: DeviceManager,
        decoder: Decoder | None = None,
        attachments: tuple[Attachment, ...] = (),
        ending: int | None = None,
        before: int = 0,
        known: Trajectory | None = None,
    ) -> Run:
        """`decoder` takes the place of the model's own; the model was adapted to the attachments; `ending`: only so
        many steps, the last ones, after `before` steps of another pass; `known`: the steps to branch from."""
        from pipelines.diffusion.apart import Apart
        from pipelines.diffusion.conditions import Conditions, PictureContext, PromptPair
        from pipelines.diffusion.denoiser import Denoiser
        from pipelines.diffusion.inpainting import SeenMask
        from pipelines.diffusion.tiles import Tiled, Tiles

        canvas = request.canvas()
        shape = model.latent_shape(canvas.width, canvas.height)
        path = model.process.path(
            shape[1] * shape[2],
            **request.schedule.path_settings(request.sampler),
            num_inference_steps=request.num_inference_steps,
        )
        picture = StartPicture.of(request, model)
        if picture is not None:
            picture, path = picture.along(path, request.start.strength)
        if ending is not None:
            path = path.ending(ending)
        if known is not None:
            path = known.path.turned(known.steps, path)
        tiles = Tiles.of(request.tile, model, canvas.width, canvas.height)
        beside = (*attachments, *SeenMask.of(model, shape, picture))
        if tiles and any(attachment.sees_whole for attachment in beside):
            raise BadRequest("models that paint into a mask and ControlNets see all of the picture; set tile to 0.")
        network = model.network((shape[0], tiles.height, tiles.width) if tiles else shape)
        for attachment in beside:
            attachment = attachment.fitted(canvas.width, canvas.height)
            model, network = attachment.conditioned(model, path), attachment.network(network)
        worker, guidance, process = devices.worker(), _guidance(request, model), _process(request, model)

        def bound(conditions: Conditions) -> Denoiser:
            return Denoiser(network, worker, process, path, conditions, guidance)

        written = [PromptPair.of(request.of_picture(i)) for i in range(request.count)]
        size = (canvas.width, canvas.height)
        if tiles:
            size = (min(canvas.width, request.tile), min(canvas.height, request.tile))
        drawn = PictureContext(*size, request.guidance.scale, request.clip_skip)
        denoiser, said = Apart.of(written, model, len(path), drawn, bound, before)
        noise = PictureNoise([request.seeds(i)[0] for i in range(request.count)], shape, model.device)
        said = (*said, *(note for attachment in attachments for note in attachment.notes))
        notes = (*path.notes, *model.notes, *said, *_notes(request, model))
        walked = Tiled(denoiser, tiles) if tiles else denoiser
        walk, beside = Walk(path, noise), (picture, decoder, attachments)
        there = machine_of(devices, model)
        return cls(request, model, path, walked, noise, notes, walk, *beside, before, known=known, machine=there)

    @property
    def last_step(self) -> int:
        """After so many steps of its own path it ends; a pass that another one follows takes them all."""
        return len(self.path) if self.after else max(1, round(len(self.path) * self.request.stop_at))

    @property
    def total(self) -> int:
        return self.before + self.last_step + self.after

    def start(self) -> Tensor:
        """The first state. Pure noise has variance 1 in the network's own form, so 1 / scale^2 in the samplers'."""
        if self.known is not None:
            return self.known.legs[0].x.to(self.model.device)[None].repeat(self.request.count, 1, 1, 1)
        sigma, noise = float(self.path.sigmas[0]), varied(self.noise(), self.request.canvas(), self.model)
        return self.picture.noised(noise, sigma) if self.picture else noise * (1 / self.model.process.scale(sigma))

    def first_frame(self, x: Tensor) -> Frame:
        """The first state with all that is known before an evaluation: the start picture, or nothing."""
        known = x * 0 if self.picture is None else self.picture.latents.expand_as(x)
        return self.frame(0, float(self.path.sigmas[0]), x, known)

    def steps(self, x: Tensor) -> Iterator[Step]:
        """Closing it makes no more evaluations. Raises BadRequest where a guess is not a number."""
        request, denoiser = self.request, self.picture.keeping(self.denoiser) if self.picture else self.denoiser
        if self.known is None:
            walked = self.walk.anew(denoiser, x, request.sampler, request.eta)
        else:
            seeds = tuple(request.seeds(i)[0] for i in range(request.count))
            painted = PaintOver.of(request, self.model)
            turn = Turn(request.sampler, request.eta, seeds, request.branch.noise, painted)
            walked = self.walk.branched(denoiser, self.known, turn)
        for step in walked:
            self._refuse_nan(step)
            self.traces[-1].add(step.x)
            yield step

    def _refuse_nan(self, step: Step) -> None:
        if not bool(libs.torch().isfinite(step.x0_pred).all()):
            raise BadRequest(
                "the picture became NaN in step {step} of {total}; lower guidance_scale ({guidance_scale:g}) or "
                "choose another schedule.",
                step=self.before + step.index + 1,
                total=self.total,
                guidance_scale=self.request.guidance.scale,
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
        return tuple(
            recipe_of(self.request, i, self.model.info, notes, unfinished, self._made(i)) for i in range(count)
        )

    def _made(self, index: int) -> dict[str, Any]:
        steps = [step for trace in self.traces for step in trace.of(index)]
        return self.machine | {"steps": " ".join(steps)}

    def result(self, images: list[np.ndarray], steps_done: int) -> Result:
        recipes, notes = self.recipes(len(images), steps_done), (*self.notes, *self.denoiser.notes)
        return Result(np.stack(images), recipes, steps_done < self.total, steps_done, notes, self.walk.trajectories())


def _process(request: TextToImageRequest, model: Bundle) -> Process:
    """The model's own, with the kind of prediction that was asked for where it is not always the same."""
    kind = {"epsilon": "epsilon", "v": "v_prediction"}.get(request.prediction)
    return model.process.predicting(kind) if kind else model.process


def _guidance(request: TextToImageRequest, model: Bundle) -> Guidance:
    """As asked; none for networks that are told the scale, which would else be asked twice."""
    if model.distilled:
        return Guidance()
    asked = request.guidance
    return Guidance(asked.scale, asked.rescale, asked.start, asked.end, asked.curve)


def _notes(request: TextToImageRequest, model: Bundle) -> Iterator[str]:
    yield from request.notes()
    yield from unheard.notes((words for words, _ in request.every_words()), model.info.folder, request.prompt_syntax)
    if model.distilled and request.negative_prompt:
        yield Sentence(
            "This model is told the guidance instead of being asked twice, so negative_prompt changes nothing."
        )
    if request.vae != vaes.AUTOMATIC and (doubt := vaes.doubt(request.vae, model.info)):
        yield doubt
    if request.prediction != "auto" and _process(request, model) is model.process:
        yield Sentence("This model learned the way from noise to pictures, so prediction changes nothing.")
    if request.clip_skip > 1 and not model.skips_layers:
        yield Sentence("This model reads the prompt with T5 or needs CLIP's last layer, so clip_skip changes nothing.")
    if request.eta and request.sampler not in READS_ETA:
        yield Sentence(
            "The sampler {sampler} takes no eta; {others} does.", sampler=request.sampler, others=", ".join(READS_ETA)
        )
