"""FLUX.1: a rectified flow over 2 x 2 patches of latents; T5 reads the prompt, CLIP sums it up, and the guidance scale
is told to the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.diffusion.architectures.clip import ClipReader
from pipelines.diffusion.architectures.t5 import T5Reader
from pipelines.diffusion.bundle import Bundle, Reading
from pipelines.diffusion.conditions import PictureContext, Words
from pipelines.errors import Sentence
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections
from pipelines.theory.process import Process, flow_process

DEV_TOKENS, SCHNELL_TOKENS = 512, 256


@dataclass(frozen=True)
class Network:
    transformer: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        dtype, told = self.transformer.dtype, dict(context)
        tokens = told["encoder_hidden_states"].shape[1]
        guidance = told.pop("guidance", None)
        said = self.transformer(
            hidden_states=packed(x).to(dtype),
            timestep=timesteps.to(dtype) / 1000,
            guidance=guidance,
            txt_ids=x.new_zeros(tokens, 3).to(dtype),
            img_ids=places(x).to(dtype),
            return_dict=False,
            **{name: tensor.to(dtype) for name, tensor in told.items()},
        )[0]
        return unpacked(said, x.shape).float()


def packed(x: Tensor) -> Tensor:
    """(n, C, h, w) -> (n, h/2 * w/2, 4 C): each 2 x 2 patch is a token."""
    n, channels, h, w = x.shape
    patches = x.view(n, channels, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(n, (h // 2) * (w // 2), channels * 4)


def unpacked(tokens: Tensor, shape: torch.Size) -> Tensor:
    """What `packed` made, as (n, C, h, w) again."""
    n, channels, h, w = shape
    patches = tokens.view(n, h // 2, w // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return patches.reshape(n, channels, h, w)


def places(x: Tensor) -> Tensor:
    """(h/2 * w/2, 3): where each token lies; the first number is not used by pictures."""
    h, w = x.shape[2] // 2, x.shape[3] // 2
    rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).view(-1, 3).to(x.device)


class Model(Bundle):
    """The network is told the guidance scale (dev), or knows no guidance at all (schnell)."""

    network_part = "transformer"
    handle = Network
    patch = 2

    def _assemble(self) -> None:
        self.transformer = self.part("transformer")
        self.clip = ClipReader(self.words(""), self.part("text_encoder"), "last", chunks=1)
        self.t5 = T5Reader(self.words("_2"), self.part("text_encoder_2"), self.reading(self.info).length)
        self._check_parts_fit()

    def _process(self) -> Process:
        return flow_process(self.info.configs["scheduler"], to_the_end=False)

    @property
    def distilled(self) -> bool:
        return True

    @property
    def latent_channels(self) -> int:
        return self.part("transformer").config.in_channels // 4

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        dev = info.configs["transformer"].get("guidance_embeds")
        return Reading("tokenizer_2", DEV_TOKENS if dev else SCHNELL_TOKENS)

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        pooled = self.clip(sections, weighting).pooled
        hidden, _, left_out = self.t5(sections, weighting)
        return Words({"encoder_hidden_states": hidden, "pooled_projections": pooled}, left_out)

    def _extra_conditions(self, drawn: PictureContext, negative: bool) -> dict[str, Tensor]:
        if not self.transformer.config.guidance_embeds:
            return {}
        return {"guidance": torch.tensor(drawn.guidance_scale, dtype=torch.float32, device=self.device)}

    def _check_parts_fit(self) -> None:
        config, channels = self.transformer.config, 4 * self.vae.config.latent_channels
        clip, t5 = self.clip.encoder.config.hidden_size, self.t5.encoder.config.d_model
        self.check_equal(Sentence("a patch of latents and the transformer's in_channels"), channels, config.in_channels)
        self.check_equal(
            Sentence("T5's width and the transformer's joint_attention_dim"), t5, config.joint_attention_dim
        )
        self.check_equal(Sentence("CLIP's width and pooled_projection_dim"), clip, config.pooled_projection_dim)
        for reader in (self.clip, self.t5):
            self.check_vocabulary(reader.tokenizer, reader.encoder)
