"""Stable Diffusion XL (arXiv:2307.01952): two CLIP encoders side by side, and a UNet that is told the picture's size.

The refiner reads with the second encoder alone and is told how beautiful the picture shall be.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pipelines.diffusion.architectures.clip import POSITIONS, ClipReader
from pipelines.diffusion.architectures.unet import UNetModel
from pipelines.diffusion.bundle import Reading
from pipelines.diffusion.conditions import PictureContext, Words
from pipelines.errors import Sentence
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections, plain
from pipelines.prompts.embedding import MOST_CHUNKS

BEAUTY, NEGATIVE_BEAUTY = 6.0, 2.5
"""The aesthetic scores that the refiner is told for the prompt and for the negative prompt."""


class Model(UNetModel):
    def _assemble(self) -> None:
        pairs = ((self.words(ending), self.part("text_encoder" + ending)) for ending in ("", "_2"))
        self.readers = tuple(ClipReader(*pair, "penultimate") for pair in pairs if pair[1] is not None)
        self._check_parts_fit()

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        positions = info.configs["text_encoder_2"].get("max_position_embeddings", POSITIONS)
        return Reading("tokenizer_2", positions, MOST_CHUNKS)

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        read = [replace(reader, skip=skip)(sections, weighting) for reader in self.readers]
        hidden = torch.cat([one.embedding for one in read], dim=-1)
        return Words({"encoder_hidden_states": hidden, "text_embeds": read[-1].pooled}, read[-1].left_out)

    def _nothing(self, sections: Sections) -> Words | None:
        """No negative prompt is told as zeros, as the base model was trained with it."""
        if sections != plain("") or not self.info.configs["model_index"].get("force_zeros_for_empty_prompt", True):
            return None
        return Words(
            {name: torch.zeros_like(told) for name, told in self.read(plain(""), "original").condition.items()}
        )

    def _extra_conditions(self, drawn: PictureContext, negative: bool) -> dict[str, Tensor]:
        """The size that the picture is said to have had, where it is cut, and the size wanted: the picture's own."""
        sizes = [drawn.height, drawn.width, 0, 0]
        scored = self.info.configs["model_index"].get("requires_aesthetics_score", False)
        sizes += [NEGATIVE_BEAUTY if negative else BEAUTY] if scored else [drawn.height, drawn.width]
        told = {"time_ids": torch.tensor(sizes, dtype=torch.float32, device=self.device)}
        return told | super()._extra_conditions(drawn, negative)

    def _check_parts_fit(self) -> None:
        unet = self.unet.config
        self.check_unet(sum(reader.encoder.config.hidden_size for reader in self.readers))
        scored = self.info.configs["model_index"].get("requires_aesthetics_score", False)
        told = unet.addition_time_embed_dim * (5 if scored else 6) + self.readers[-1].encoder.config.projection_dim
        self.check_equal(
            Sentence("what the UNet is told of text and size"), unet.projection_class_embeddings_input_dim, told
        )
        for reader in self.readers:
            self.check_vocabulary(reader.tokenizer, reader.encoder)
