"""IP-Adapter (arXiv:2308.06721): the UNet reads a picture beside the prompt, with keys and values of the picture's own
in every cross-attention. Each row of a batch brings its own picture, strength and part of the steps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import clip_vision, ip_loading
from pipelines.diffusion.addons.ip_loading import IPAdapter
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile, BadRequest, NotFound
from pipelines.models.addons import files, ip_files
from pipelines.requests.addons import referenced
from pipelines.theory.path import NoisePath

TOKENS, STRENGTH = "reference_tokens", "reference_strength"


class AdaptedNetwork(UNetNetwork):
    """A UNet whose cross-attentions read the picture's tokens as well."""

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor], **more: Any) -> Tensor:
        scale, first, last = context[STRENGTH].unbind(1)  # each (n,)
        scale = torch.where((timesteps <= first) & (timesteps >= last), scale, 0)
        tokens = context[TOKENS]  # (n, T, D)
        column = scale.to(tokens.dtype)[:, None, None].expand(-1, tokens.shape[1], 1)
        return super().__call__(x, timesteps, {**context, TOKENS: torch.cat([tokens, column], dim=-1)}, **more)

    def network_inputs(self, context: Mapping[str, Tensor]) -> dict[str, Any]:
        told = super().network_inputs(
            {name: tensor for name, tensor in context.items() if name not in (TOKENS, STRENGTH)}
        )
        one_picture = [context[TOKENS].to(self.unet.dtype)[:, None]]  # an adapter's pictures: (n, 1, T, D + 1)
        return told | {"added_cond_kwargs": {**told.get("added_cond_kwargs", {}), "image_embeds": one_picture}}


@dataclass(frozen=True)
class Reference:
    """An IP-Adapter on the device, and the picture as it reads it: tokens (T, D) with a prompt and without one."""

    key: str
    adapter: IPAdapter
    tokens: Tensor
    negative_tokens: Tensor
    scale: float
    start: float
    end: float

    def adapted(self, model: Bundle) -> Bundle:
        """The same model with cross-attentions that read the picture. Its own UNet stays as it is."""
        unet = sharing(model.part("unet"))
        like = {"device": model.device, "dtype": unet.dtype}
        processors = iter(self.adapter.processors)
        unet.set_attn_processor(
            {
                name: _placed(next(processors), **like) if _reads_words(name) else processor
                for name, processor in unet.attn_processors.items()
            }
        )
        unet.encoder_hid_proj = nn.Identity()  # the tokens are made once and not in every step
        unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
        return model.with_parts({"unet": unet}, f"{self.key}+{model.key}")

    def telling(self, model: Bundle, path: NoisePath) -> Bundle:
        """The model, told the tokens, and the strength with its first and last t."""
        strength = torch.tensor([self.scale, *path.within(self.start, self.end)])
        both = ({TOKENS: tokens, STRENGTH: strength} for tokens in (self.tokens, self.negative_tokens))
        return model.telling(*({name: told.to(model.device) for name, told in one.items()} for one in both))

    @staticmethod
    def network(unet: Any) -> AdaptedNetwork:
        return AdaptedNetwork(unet.unet, unet.key, unet.batch_rows)


@contextmanager
def leased(request: Any, bundle: Bundle, devices: DeviceManager) -> Iterator[Reference | None]:
    """The IP-Adapter that a request asks for, for the block's time, with its picture read; None without one.

    The image encoder is leased only while it reads.
    """
    if not referenced(request):
        yield None
        return
    if bundle.info.architecture not in ("sd", "sdxl"):
        raise BadRequest(
            "IP-Adapters are for Stable Diffusion 1 and XL, not for {model}. Set ip_model to none or choose "
            "such a model.",
            model=bundle.info.name[:60],
        )
    picture = request.picture("ip_image")
    if picture is None:
        raise NotFound("the reference picture is not here. Choose it again.")
    path = files.find(files.IP_ADAPTER, request.ip_model)
    form = ip_files.form_of(path)
    if form.context != bundle.part("unet").config.cross_attention_dim:
        raise _unfit(request.ip_model, form, bundle)
    beside = ip_files.encoder_for(request.ip_model, form)
    with devices.lease(files.key(beside), lambda: clip_vision.load(beside, bundle.dtype)) as encoder:
        embeds, without = encoder.read(picture, form.reads)
    key = files.key(path)
    with devices.lease(key, lambda: ip_loading.load(path, bundle.dtype)) as adapter:
        if not _fits(adapter, bundle.part("unet")):
            raise _unfit(request.ip_model, form, bundle)
        tokens = adapter.tokens(embeds), adapter.tokens(without)
        yield Reference(key, adapter, *tokens, request.ip_scale, request.ip_start, request.ip_end)


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
