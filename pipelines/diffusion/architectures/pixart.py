"""PixArt-alpha and -sigma (arXiv:2310.00426, 2403.04692): a diffusion transformer that reads with T5 alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pipelines.diffusion.architectures.t5 import T5Reader
from pipelines.diffusion.bundle import Bundle, Reading
from pipelines.diffusion.conditions import PictureContext, Words
from pipelines.errors import Sentence
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections
from pipelines.theory.process import Process, trained_process

ALPHA_TOKENS, SIGMA_TOKENS = 120, 300


@dataclass(frozen=True)
class Network:
    transformer: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor]) -> Tensor:
        dtype = self.transformer.dtype
        told = {name: tensor.to(dtype) for name, tensor in context.items()}
        sizes = {name: told.pop(name, None) for name in ("resolution", "aspect_ratio")}
        said = self.transformer(x.to(dtype), timestep=timesteps, added_cond_kwargs=sizes, return_dict=False, **told)[0]
        return said[:, : x.shape[1]].float()  # the other half, where it is there, is a variance


class Model(Bundle):
    network_part = "transformer"
    handle = Network
    patch = 2

    def _assemble(self) -> None:
        self.transformer = self.part("transformer")
        self.t5 = T5Reader(self.words(""), self.part("text_encoder"), self.reading(self.info).length, masked=True)
        self._check_parts_fit()

    def _process(self) -> Process:
        return trained_process(self.info.configs["scheduler"])

    @property
    def latent_channels(self) -> int:
        return self.part("transformer").config.in_channels

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        sigma = info.configs["model_index"].get("_class_name") == "PixArtSigmaPipeline"
        return Reading("tokenizer", SIGMA_TOKENS if sigma else ALPHA_TOKENS)

    @property
    def told_the_size(self) -> bool:
        """Whether the network is told the picture's size, as PixArt-alpha is at 1024 pixels."""
        config = self.transformer.config
        use = config.get("use_additional_conditions")
        return config.sample_size == 128 if use is None else bool(use)

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        """In small letters, as it was trained."""
        small = tuple(tuple(replace(span, text=span.text.lower()) for span in section) for section in sections)
        hidden, mask, left_out = self.t5(small, weighting)
        return Words({"encoder_hidden_states": hidden, "encoder_attention_mask": mask}, left_out)

    def _extra_conditions(self, drawn: PictureContext, negative: bool) -> dict[str, Tensor]:
        if not self.told_the_size:
            return {}
        told = {"resolution": [drawn.height, drawn.width], "aspect_ratio": [drawn.height / drawn.width]}
        return {name: torch.tensor(v, dtype=torch.float32, device=self.device) for name, v in told.items()}

    def _check_parts_fit(self) -> None:
        config, vae = self.transformer.config, self.vae.config
        self.check_equal(
            Sentence("the transformer's in_channels and the decoder's latent_channels"),
            config.in_channels,
            vae.latent_channels,
        )
        width = self.t5.encoder.config.d_model
        self.check_equal(Sentence("the transformer's caption_channels and T5's width"), config.caption_channels, width)
        self.check_vocabulary(self.t5.tokenizer, self.t5.encoder)
