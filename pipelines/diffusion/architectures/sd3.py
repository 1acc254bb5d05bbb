"""Stable Diffusion 3 (arXiv:2403.03206): a transformer over patches that learned a rectified flow; two CLIP encoders
and, where it is there, T5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from pipelines.diffusion.architectures.clip import POSITIONS, ClipReader
from pipelines.diffusion.architectures.t5 import T5Reader
from pipelines.diffusion.bundle import Bundle, Reading
from pipelines.diffusion.conditions import Words
from pipelines.errors import Sentence
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections
from pipelines.theory.process import Process, flow_process

T5_TOKENS = 256


@dataclass(frozen=True)
class Network:
    transformer: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        dtype = self.transformer.dtype
        told = {name: tensor.to(dtype) for name, tensor in context.items()}
        return self.transformer(x.to(dtype), timestep=timesteps, return_dict=False, **told)[0].float()


class Model(Bundle):
    skips_layers = True
    network_part = "transformer"
    handle = Network
    patch = 2

    def _assemble(self) -> None:
        self.transformer = self.part("transformer")
        self.readers = tuple(self._clip(ending) for ending in ("", "_2"))
        large = self.part("text_encoder_3")
        self.large = T5Reader(self.words("_3"), large, T5_TOKENS) if large is not None else None
        self._check_parts_fit()

    def _clip(self, ending: str) -> ClipReader:
        """It reads one chunk: T5 is there for what is longer."""
        return ClipReader(self.words(ending), self.part(f"text_encoder{ending}"), "penultimate", chunks=1)

    def _process(self) -> Process:
        return flow_process(self.info.configs["scheduler"], to_the_end=True)

    @property
    def latent_channels(self) -> int:
        return self.part("transformer").config.in_channels

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        if "text_encoder_3" in info.classes:
            return Reading("tokenizer_3", T5_TOKENS)
        return Reading("tokenizer", info.configs["text_encoder"].get("max_position_embeddings", POSITIONS))

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        """CLIP's two embeddings side by side, widened to T5's, then T5's tokens after them."""
        width = self.transformer.config.joint_attention_dim
        read = [replace(reader, skip=skip)(sections, weighting) for reader in self.readers]
        clip = torch.cat([one.embedding for one in read], dim=-1)
        left_out = read[0].left_out
        if self.large is None:
            t5 = clip.new_zeros(T5_TOKENS, width)
        else:
            t5, _, left_out = self.large(sections, weighting)
        hidden = torch.cat([pad(clip, (0, width - clip.shape[-1])), t5.to(clip)])
        pooled = torch.cat([one.pooled for one in read])
        return Words({"encoder_hidden_states": hidden, "pooled_projections": pooled}, left_out)

    def _check_parts_fit(self) -> None:
        config = self.transformer.config
        pooled = sum(reader.encoder.config.projection_dim for reader in self.readers)
        self.check_equal(
            Sentence("the transformer's in_channels and the decoder's latent_channels"),
            config.in_channels,
            self.vae.config.latent_channels,
        )
        self.check_equal(
            Sentence("the transformer's pooled_projection_dim and the text encoders' together"),
            config.pooled_projection_dim,
            pooled,
        )
        if self.large is not None:
            width = self.large.encoder.config.d_model
            self.check_equal(
                Sentence("the transformer's joint_attention_dim and T5's width"), config.joint_attention_dim, width
            )
            self.check_vocabulary(self.large.tokenizer, self.large.encoder)
        for reader in self.readers:
            self.check_vocabulary(reader.tokenizer, reader.encoder)
