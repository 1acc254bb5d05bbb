"""A prompt through a T5 encoder, which reads hundreds of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class T5Reader:
    """`masked` says that padding is hidden from the encoder (PixArt) and not read along with the prompt (SD3, FLUX)."""

    tokenizer: Any
    encoder: Any
    length: int
    masked: bool = False

    def __call__(self, prompt: str) -> tuple[Tensor, Tensor, bool]:
        """(L, D), the mask (L,) of what is no padding, and whether the prompt's end was cut off."""
        whole = len(self.tokenizer(prompt, verbose=False).input_ids)
        told = {"padding": "max_length", "max_length": self.length, "truncation": True, "return_tensors": "pt"}
        batch = self.tokenizer(prompt, add_special_tokens=True, **told).to(self.encoder.device)
        mask = batch.attention_mask if self.masked else None
        embedding = self.encoder(batch.input_ids, attention_mask=mask)[0][0]
        return embedding, batch.attention_mask[0], whole > self.length
