"""A prompt through one CLIP text encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from pipelines.errors import BadRequest
from pipelines.prompts import Sections
from pipelines.prompts.embedding import MOST_CHUNKS, embed

POSITIONS = 77
"""Of text encoders whose config does not say."""
Layer = Literal["last", "penultimate"]
PLACE = {"last": 1, "penultimate": 2}
"""Of the layer, counted from the end."""


@dataclass(frozen=True)
class Read:
    """Embedding (chunks * L, D), the summary (P,) of the first chunk, and how many tokens were left out."""

    embedding: Tensor
    pooled: Tensor
    left_out: int


@dataclass(frozen=True)
class ClipReader:
    """A tokenizer and its encoder. Prompts are padded to the encoder's length; longer ones are read in `chunks`.

    `skip` says how many of the last layers are left out of what is read, beyond what the architecture leaves out.
    """

    tokenizer: Any
    encoder: Any
    layer: Layer
    chunks: int = MOST_CHUNKS
    skip: int = 0

    @property
    def length(self) -> int:
        return min(self.tokenizer.model_max_length, self.encoder.config.max_position_embeddings)

    def __call__(self, sections: Sections, weighting: str) -> Read:
        """The last layer under its norm, as Stable Diffusion 1 and 2 take it, or the one before it, as SDXL and SD3."""
        pooled: list[Tensor] = []

        def encode(ids: list[int], said: int) -> Tensor:
            embedding, summary = self._run(ids, said)
            pooled.append(summary)
            return embedding

        embedding, left_out = embed(sections, self.tokenizer, encode, self.length, weighting, self.chunks)
        return Read(embedding, pooled[0], left_out)

    def _run(self, ids: list[int], said: int) -> tuple[Tensor, Tensor]:
        device, mask = self.encoder.device, None
        if getattr(self.encoder.config, "use_attention_mask", None):
            mask = (torch.arange(len(ids), device=device) < said).long()[None]
        deep = self.layer == "penultimate" or self.skip > 0
        output = self.encoder(torch.tensor([ids], device=device), attention_mask=mask, output_hidden_states=deep)
        summary = output.text_embeds if hasattr(output, "text_embeds") else output.pooler_output
        embedding = self._layer(output.hidden_states) if deep else output.last_hidden_state
        return embedding[0], summary[0]

    def _layer(self, states: tuple[Tensor, ...]) -> Tensor:
        """(1, L, D) of the layer that is read; `states` are the embeddings, then one after each layer."""
        place = PLACE[self.layer] + self.skip
        if place > len(states) - 1:
            most = len(states) - PLACE[self.layer]
            raise BadRequest(
                "clip_skip must be 1 to {most} for this model's text encoder; got {got}.", most=most, got=self.skip + 1
            )
        if self.layer == "penultimate":
            return states[-place]
        # the encoder's last norm, which the skipped layers would have led to
        return getattr(self.encoder, "text_model", self.encoder).final_layer_norm(states[-place])
