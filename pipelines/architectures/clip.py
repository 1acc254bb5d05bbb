"""A prompt through one CLIP text encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pipelines.errors import BadRequest


@dataclass(frozen=True)
class ClipReader:
    """A tokenizer and its encoder. Prompts are padded to the encoder's length and cut off there.

    `skip` says how many of the last layers are left out of what is read, beyond what the architecture leaves out.
    """

    tokenizer: Any
    encoder: Any
    skip: int = 0

    @property
    def length(self) -> int:
        return min(self.tokenizer.model_max_length, self.encoder.config.max_position_embeddings)

    def last(self, prompt: str) -> tuple[Tensor, bool]:
        """(L, D) after the last layer and its norm, as Stable Diffusion 1 and 2 take it; whether the end was cut."""
        if not self.skip:
            output, cut = self._run(prompt)
            return output[0][0], cut
        output, cut = self._run(prompt, output_hidden_states=True)
        return self._norm(self._layer(output, 1))[0], cut

    def penultimate(self, prompt: str) -> tuple[Tensor, Tensor, bool]:
        """(L, D) before the last layer, and the pooled projection (P,), as SDXL and SD3 take them."""
        output, cut = self._run(prompt, output_hidden_states=True)
        return self._layer(output, 2)[0], output[0][0], cut

    def pooled(self, prompt: str) -> tuple[Tensor, bool]:
        """(D,) at the end of the prompt, as FLUX takes it."""
        output, cut = self._run(prompt)
        return output.pooler_output[0], cut

    def _layer(self, output: Any, last: int) -> Tensor:
        """(1, L, D) after the layer that is `last` from the end, or `skip` layers before it."""
        states = output.hidden_states  # the embeddings, then one after each layer
        if last + self.skip > len(states) - 1:
            most = len(states) - last
            raise BadRequest(f"clip_skip must be 1 to {most} for this model's text encoder; got {self.skip + 1}.")
        return states[-(last + self.skip)]

    @property
    def _norm(self) -> Any:
        """The encoder's last norm, which the skipped layers would have led to."""
        return getattr(self.encoder, "text_model", self.encoder).final_layer_norm

    def _run(self, prompt: str, **more: Any) -> tuple[Any, bool]:
        whole = len(self.tokenizer(prompt, verbose=False).input_ids)
        told = {"padding": "max_length", "max_length": self.length, "truncation": True, "return_tensors": "pt"}
        batch = self.tokenizer(prompt, **told)
        mask = batch.attention_mask if getattr(self.encoder.config, "use_attention_mask", None) else None
        mask = mask.to(self.encoder.device) if mask is not None else None
        return self.encoder(batch.input_ids.to(self.encoder.device), attention_mask=mask, **more), whole > self.length
