"""IP-Adapter (arXiv:2308.06721): the UNet reads a picture beside the prompt, with keys and values of the picture's own
in every cross-attention. Each row of a batch brings its own picture, strength and part of the steps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipelines.device.evaluations import Network
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import clip_vision, ip_loading
from pipelines.diffusion.addons.ip_loading import IPAdapter, joined
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.addons.strength import scale_at, strength_of
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile, BadRequest, NotFound, Sentence
from pipelines.models.addons import files, ip_files
from pipelines.requests.reference import Reference
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.path import NoisePath


@dataclass(frozen=True)
class AdaptedNetwork(UNetNetwork):
    """A UNet whose cross-attentions read the tokens of pictures as well. `pictures`: what the conditions call each
    one's tokens and strength."""

    pictures: tuple[tuple[str, str], ...] = ()

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor], **more: Any) -> Tensor:
        marked = {}
        for tokens, strength in self.pictures:
            scale = scale_at(context[strength], timesteps)  # (n,)
            column = scale.to(context[tokens].dtype)[:, None, None].expand(-1, context[tokens].shape[1], 1)
            marked[tokens] = torch.cat([context[tokens], column], dim=-1)  # (n, T, D + 1)
        return super().__call__(x, timesteps, {**context, **marked}, **more)

    def network_inputs(self, context: Mapping[str, Tensor]) -> dict[str, Any]:
        own = {name for both in self.pictures for name in both}
        inputs = super().network_inputs({name: tensor for name, tensor in context.items() if name not in own})
        each = [context[tokens].to(self.unet.dtype)[:, None] for tokens, _ in self.pictures]  # (n, 1, T, D + 1)
        return inputs | {"added_cond_kwargs": {**inputs.get("added_cond_kwargs", {}), "image_embeds": each}}


@dataclass(frozen=True)
class ReadPicture(Attachment):
    """An IP-Adapter on the device, and the picture as it reads it: tokens (T, D) with a prompt and without one."""

    unit: Reference
    place: int
    """Among those of the request: networks with the same key call what they are told alike."""
    key: str
    adapter: IPAdapter
    tokens: Tensor
    negative_tokens: Tensor
    notes: tuple[str, ...] = ()

    @property
    def _names(self) -> tuple[str, str]:
        return f"reference_tokens_{self.place}", f"reference_strength_{self.place}"

    def adapted(self, model: Bundle) -> Bundle:
        """The same model with cross-attentions that read the picture. Its own UNet stays as it is."""
        unet = sharing(model.part("unet"))
        like = {"device": model.device, "dtype": unet.dtype}
        processors = iter(self.adapter.processors)
        unet.set_attn_processor(
            {
                name: joined(processor, _placed(next(processors), **like)) if _reads_words(name) else processor
                for name, processor in unet.attn_processors.items()
            }
        )
        unet.encoder_hid_proj = nn.Identity()  # the tokens are made once and not in every step
        unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
        return model.with_parts({"unet": unet}, f"{self.key}+{model.key}")

    def conditioned(self, model: Bundle, path: NoisePath) -> Bundle:
        """Each row is told the tokens, and the strength with its first and last t."""
        tokens, strength = self._names
        scale = strength_of(self.unit, path).to(model.device)
        with_prompt, without = (
            {tokens: read.to(model.device), strength: scale} for read in (self.tokens, self.negative_tokens)
        )
        return model.with_conditions(with_prompt, without)

    def network(self, network: Network) -> AdaptedNetwork:
        assert isinstance(network, UNetNetwork)  # as `attached` has looked after
        before = network.pictures if isinstance(network, AdaptedNetwork) else ()
        return AdaptedNetwork(network.unet, network.key, network.batch_rows, (*before, self._names))


@contextmanager
def attached(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[tuple[ReadPicture, ...]]:
    """The pictures that a request wants to be followed, each read, for the block's time. Raises BadRequest, NotFound,
    BadFile."""
    with ExitStack() as held:
        units = enumerate(request.used_references())
        yield tuple(_leased(unit, place, request, base, devices, held) for place, unit in units)


def _leased(
    unit: Reference, place: int, request: TextToImageRequest, base: Bundle, devices: DeviceManager, held: ExitStack
) -> ReadPicture:
    """The image encoder is leased only while it reads."""
    if base.info.architecture not in ("sd", "sdxl"):
        raise BadRequest(
            "IP-Adapters are for Stable Diffusion 1 and XL, not for {model}. Set ip_model to none or choose "
            "such a model.",
            model=base.info.name[:60],
        )
    picture = request.picture(unit.numbered("ip_image"))
    if picture is None:
        raise NotFound("the reference picture is not here. Choose it again.")
    path = files.find(files.IP_ADAPTER, unit.model)
    form = ip_files.form_of(path)
    if form.context != base.part("unet").config.cross_attention_dim:
        raise _unfit(unit.model, form, base)
    beside = ip_files.encoder_for(unit.model, form)
    with devices.lease(files.key(files.IMAGE_ENCODER, beside), lambda: clip_vision.load(beside, base.dtype)) as encoder:
        embeds, without = encoder.read(picture, form.reads)
    key = files.key(files.IP_ADAPTER, path)
    adapter = held.enter_context(devices.lease(key, lambda: ip_loading.load(path, base.dtype)))
    if not _fits(adapter, base.part("unet")):
        raise _unfit(unit.model, form, base)
    notes = tuple(_unseen(picture))
    return ReadPicture(unit, place, key, adapter, adapter.tokens(embeds), adapter.tokens(without), notes)


def _unseen(picture: NDArray[np.uint8]) -> Iterator[Sentence]:
    """What the encoder does not see of a picture (H, W, 3), where that is more than a tenth."""
    height, width = picture.shape[:2]
    lost = 1 - min(height, width) / max(height, width)
    if lost > 0.1:
        yield Sentence(
            "Of the reference picture {width} x {height} only the middle square was read; {lost} % of it lie outside. "
            "Cut it to a square to choose what is read.",
            width=width,
            height=height,
            lost=round(100 * lost),
        )


def _reads_words(name: str) -> bool:
    """Whether the processor of that name is of a cross-attention."""
    return not name.endswith("attn1.processor")


def _placed(processor: Any, **like: Any) -> Any:
    """Where the UNet works: a copy where the adapter lies elsewhere, as when the CPU works for want of memory."""
    weight = processor.to_k_ip[0].weight
    if (weight.device.type, weight.dtype) == (like["device"].type, like["dtype"]):
        return processor
    return copy.deepcopy(processor).to(**like)


def _fits(adapter: IPAdapter, unet: Any) -> bool:
    places = [name.removesuffix(".processor") for name in unet.attn_processors if _reads_words(name)]
    shapes = [tuple(unet.get_submodule(place).to_k.weight.shape) for place in places]
    return shapes == [tuple(processor.to_k_ip[0].weight.shape) for processor in adapter.processors]


def _unfit(name: str, form: ip_files.Form, bundle: Bundle) -> BadFile:
    return BadFile(
        "{name} does not fit {model}: it was made for {base}. Choose an IP-Adapter for this kind of "
        "model, or another model.",
        name=name[:60],
        model=bundle.info.name[:60],
        base=form.base,
    )
