"""Stable Diffusion 1 and 2 and what has their shape: one CLIP text encoder, a UNet, an autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pipelines.architectures.clip import POSITIONS, ClipReader
from pipelines.diffusion.bundle import Bundle, Reading, Words, rows_of_a_batch
from pipelines.diffusion.conditions import Drawn
from pipelines.diffusion.inpainting import beside
from pipelines.diffusion.process import Process, trained_process
from pipelines.errors import BadFile
from pipelines.models import ModelInfo
from pipelines.prompts import Sections
from pipelines.prompts.embedding import MOST_CHUNKS


@dataclass(frozen=True)
class UNetNetwork:
    """One UNet at one size of latents. Every call has exactly `batch_rows` rows, so company cannot change pixels."""

    unet: Any
    key: str
    batch_rows: int

    def __call__(self, x: Tensor, timesteps: Tensor, context: Mapping[str, Tensor], **more: Any) -> Tensor:
        x = beside(x.to(self.unet.dtype), context.get("inpaint"))
        return self.unet(x, timesteps, return_dict=False, **self.told(context), **more)[0].float()

    def told(self, context: Mapping[str, Tensor]) -> dict[str, Any]:
        """The context by the names of the UNet's own arguments."""
        words = {name: tensor for name, tensor in context.items() if name != "inpaint"}
        told: dict[str, Any] = {name: tensor.to(self.unet.dtype) for name, tensor in words.items()}
        added = {name: told.pop(name) for name in ("text_embeds", "time_ids") if name in told}
        return told | {"added_cond_kwargs": added} if added else told


class Model(Bundle):
    """One text encoder, one UNet. A UNet distilled for guidance (LCM) is told the scale instead of asked twice."""

    skips_layers = True
    network_part = "unet"

    def _assemble(self) -> None:
        self.unet, self.text_encoder, self.tokenizer = self.part("unet"), self.part("text_encoder"), self.words("")
        self._check_parts_fit()

    def _process(self) -> Process:
        return trained_process(self.info.configs["scheduler"])

    @property
    def latent_channels(self) -> int:
        return self.part("unet").config.out_channels

    @property
    def distilled(self) -> bool:
        return bool(self.unet.config.time_cond_proj_dim)

    @classmethod
    def reading(cls, info: ModelInfo) -> Reading:
        positions = info.configs["text_encoder"].get("max_position_embeddings", POSITIONS)
        return Reading("tokenizer", positions, MOST_CHUNKS)

    def network(self, shape: tuple[int, int, int]) -> UNetNetwork:
        rows = rows_of_a_batch(self.device.type, shape[1] * shape[2])
        return UNetNetwork(self.unet, f"{self.key}:{shape[1]}x{shape[2]}", rows)

    def _read(self, sections: Sections, weighting: str, skip: int) -> Words:
        read = ClipReader(self.tokenizer, self.text_encoder, "last", skip=skip)(sections, weighting)
        return Words({"encoder_hidden_states": read.embedding}, read.left_out)

    def _told(self, drawn: Drawn, negative: bool) -> dict[str, Tensor]:
        if not self.distilled:
            return {}
        from pipelines.architectures.guidance_embedding import guidance_embedding

        return {
            "timestep_cond": guidance_embedding(drawn.guidance_scale, self.unet.config.time_cond_proj_dim, self.device)
        }

    def _check_parts_fit(self) -> None:
        unet, text, vae = self.unet.config, self.text_encoder.config, self.vae.config
        self.check_equal(
            "the UNet's out_channels and the decoder's latent_channels", unet.out_channels, vae.latent_channels
        )
        self.check_equal(
            "the UNet's cross_attention_dim and the text encoder's width", unet.cross_attention_dim, text.hidden_size
        )
        if unet.in_channels not in (unet.out_channels, 2 * unet.out_channels + 1):
            raise BadFile(
                f"the UNet takes {unet.in_channels} channels and gives {unet.out_channels}; only models that paint "
                "from noise or into a mask can be used. Choose another model."
            )
        self.check_vocabulary(self.tokenizer, self.text_encoder)
