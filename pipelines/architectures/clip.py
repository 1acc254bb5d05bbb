"""A prompt through one CLIP text encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from pipelines.prompts import Sections
from pipelines.prompts.embedding import MOST_CHUNKS, embed

POSITIONS = 77
"""Of text encoders whose config does not say."""
Layer = Literal["last", "penultimate"]


@dataclass(frozen=True)
class Read:
    """Embedding (chunks * L, D), the summary (P,) of the first chunk, and how many tokens were left out."""

    embedding: Tensor
    pooled: Tensor
    left_out: int


@dataclass(frozen=True)
class ClipReader:
    """A tokenizer and its encoder. Prompts are padded to the encoder's length; longer ones are read in `chunks`."""

    tokenizer: Any
    encoder: Any
    layer: Layer
    chunks: int = MOST_CHUNKS

    @property
    def length(self) -> int:
        return min(self.tokenizer.model_max_length, self.encoder.config.max_position_embeddings)

    def __call__(self, sections: Sections, weighting: str, device: Any) -> Read:
        """The last layer under its norm, as Stable Diffusion 1 and 2 take it, or the one before it, as SDXL and SD3."""
        pooled: list[Tensor] = []

        def encode(ids: list[int], said: int) -> Tensor:
            embedding, summary = self._run(ids, said, device)
            pooled.append(summary)
            return embedding

        embedding, left_out = embed(sections, self.tokenizer, encode, self.length, weighting, self.chunks)
        return Read(embedding, pooled[0], left_out)

    def _run(self, ids: list[int], said: int, device: Any) -> tuple[Tensor, Tensor]:
        mask = None
        if getattr(self.encoder.config, "use_attention_mask", None):
            mask = (torch.arange(len(ids), device=device) < said).long()[None]
        deep = self.layer == "penultimate"
        output = self.encoder(torch.tensor([ids], device=device), attention_mask=mask, output_hidden_states=deep)
        summary = output.text_embeds if hasattr(output, "text_embeds") else output.pooler_output
        return (output.hidden_states[-2] if deep else output.last_hidden_state)[0], summary[0]
