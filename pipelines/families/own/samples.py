"""Samples of a model of one's own, with every state on the way: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.device.entering import Entering
from pipelines.errors import BadRequest
from pipelines.events import Event, Frame, Progress, nothing_to_keep
from pipelines.families.own.denoising import OwnDiffusion
from pipelines.families.own.loading import lease
from pipelines.families.own.pictures import to_pixels
from pipelines.families.own.request import EACH, OwnRequest

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager
    from pipelines.theory.samplers import Noise


class OwnSamples:
    """The generator of frames: uint8 (N, H, W, 3) of x_t and of the guess in it. A diffusion's only."""

    name = "family-own"
    request_type = OwnRequest

    def stream(self, request: OwnRequest, devices: DeviceManager) -> Iterator[Event]:
        request.check()
        yield Progress("loading")
        with Entering(lambda: lease(request.model, devices)) as entering:
            yield from entering.progress("loading")
            yield from self._sampled(request, devices)

    def _sampled(self, request: OwnRequest, devices: DeviceManager) -> Iterator[Event]:
        with lease(request.model, devices) as model:
            if not isinstance(model, OwnDiffusion):
                raise BadRequest("this model is an autoencoder: it draws no samples step by step. Give it a picture.")
            request.check_cost(*model.shape[1:])
            request.check_label(model.classes)
            yield from _frames(request, model)
        yield nothing_to_keep()


def _frames(request: OwnRequest, model: OwnDiffusion) -> Iterator[Event]:
    torch = libs.torch()
    noise = own_noise(request.seed, request.samples)
    z = noise(torch.zeros(request.samples, *model.shape, device=model.device)) * request.temperature
    levels = model.sigmas(request.num_inference_steps).tolist()
    yield Frame(0, len(levels) - 1, levels[0], to_pixels(z), to_pixels(torch.zeros_like(z)))
    states = model.walk(z, labels(request, model), request.num_inference_steps, request.sampler, noise)
    for index in range(1, len(levels)):
        with torch.inference_mode():
            state = next(states)
        yield Frame(index, len(levels) - 1, levels[index], to_pixels(state.x), to_pixels(state.x0_pred))


def labels(request: OwnRequest, model: OwnDiffusion) -> Tensor:
    """(count,): the class that is asked for, or each in turn; -1 where there are none."""
    torch = libs.torch()
    if model.classes and request.label == EACH:
        return torch.arange(request.samples) % model.classes
    return torch.full((request.samples,), request.label)


def own_noise(seed: int, count: int) -> Noise:
    """Noise of a source of its own for each row, drawn on the CPU: row i is that of seed + i alone, on any device."""
    torch = libs.torch()
    sources = [torch.Generator().manual_seed(seed + i) for i in range(count)]

    def draw(x: Tensor) -> Tensor:
        return torch.stack([torch.randn(x.shape[1:], generator=source) for source in sources]).to(x)

    return draw
