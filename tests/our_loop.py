"""Our loop over a model that an add-on has changed, to latents that can be held to diffusers' pipelines."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipelines.device.worker import Worker
from pipelines.diffusion.attachment import Attachment, adapted
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import Conditions, PictureContext
from pipelines.diffusion.denoiser import Denoiser
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.samplers import SAMPLERS


def path_of(model: Bundle, scheduler: Any, steps: int) -> NoisePath:
    """The levels that diffusers' DDIM visits."""
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps.double()
    known = torch.as_tensor(model.process.alphas_cumprod)[timesteps.long()]
    return NoisePath(torch.cat([((1 - known) / known).sqrt(), torch.zeros(1, dtype=torch.float64)]), timesteps)


def beside(
    model: Bundle, attachments: Sequence[Attachment], path: NoisePath, shape: tuple[int, int, int]
) -> tuple[Bundle, Any]:
    """The model and its network with what stands beside them."""
    model = adapted(model, attachments)
    network: Any = model.network(shape)
    for attachment in attachments:
        model, network = attachment.conditioned(model, path), attachment.network(network)
    return model, network


def ddim(model: Bundle, network: Any, path: NoisePath, request: TextToImageRequest, noise: Tensor) -> Tensor:
    """From `noise` (1, C, h, w) to latents; `network` is what the add-on made of the model's."""
    drawn = PictureContext(request.width, request.height, request.guidance.scale)
    cond = model.condition(plain(request.prompt), "original", drawn).condition
    uncond = model.condition(plain(request.negative_prompt), "original", drawn, negative=True).condition
    worker = Worker(threads=1)
    told = Conditions.fixed(cond, uncond)
    denoiser = Denoiser(network, worker, model.process, path, told, Guidance(request.guidance.scale))
    x = noise / model.process.scale(float(path.sigmas[0]))
    *_, last = SAMPLERS["ddim"](denoiser, x, path.sigmas, torch.randn_like)
    worker.close()
    return last.x
