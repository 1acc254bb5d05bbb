"""Stable Diffusion 1 and 2 and what has their shape: one CLIP text encoder, a UNet, an autoencoder."""

from __future__ import annotations

from pipelines.diffusion.architectures.clip import POSITIONS, ClipReader
from pipelines.diffusion.architectures.unet import UNetModel
from pipelines.diffusion.bundle import Reading
from pipelines.diffusion.conditions import Words
from pipelines.models.info import ModelInfo
from pipelines.prompts import Sections
from pipelines.prompts.embedding import MOST_CHUNKS


class Model(UNetModel):
    def _assemble(self) -> None:
        self.text_encoder, self.tokenizer = self.part("text_encoder"), self.words("")
        self.check_unet(self.text_encoder.config.hidden_size)
        self.check_vocabulary(self.tokenizer, self.text_encoder)

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        positions = info.configs["text_encoder"].get("max_position_embeddings", POSITIONS)
        return Reading("tokenizer", positions, MOST_CHUNKS)

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        read = ClipReader(self.tokenizer, self.text_encoder, "last", skip=skip)(sections, weighting)
        return Words({"encoder_hidden_states": read.embedding}, read.left_out)
