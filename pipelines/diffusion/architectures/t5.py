"""A prompt through a T5 encoder, which reads hundreds of tokens at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.prompts import Sections
from pipelines.prompts.embedding import embed, joined


@dataclass(frozen=True)
class T5Reader:
    """`masked` says that padding is hidden from the encoder (PixArt) and not read along with the prompt (SD3, FLUX)."""

    tokenizer: Any
    encoder: Any
    length: int
    masked: bool = False

    def __call__(self, sections: Sections, weighting: str) -> tuple[Tensor, Tensor, int]:
        """(L, D), the mask (L,) of what is no padding, and how many tokens were left out."""
        masks: list[Tensor] = []

        def encode(ids: list[int], said: int) -> Tensor:
            device = self.encoder.device
            masks.append((torch.arange(len(ids), device=device) < said).long())
            mask = masks[-1][None] if self.masked else None
            return self.encoder(torch.tensor([ids], device=device), attention_mask=mask)[0][0]

        embedding, left_out = embed(joined(sections), self.tokenizer, encode, self.length, weighting, most=1)
        return embedding, masks[0], left_out
