"""CLIP's image encoder (arXiv:2103.00020): a picture to its embedding, or to the states of its patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.models import strangers
from pipelines.models.addons import files
from pipelines.models.addons.ip_files import PATCHES, PROJECTED

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the colours that all published CLIP models were trained with."""
POSITIONS = "vision_model.embeddings.position_embedding.weight"
HEADS = {768: 12, 1024: 16, 1280: 16, 1664: 16}
"""Width -> attention heads: ViT-B, L, H and bigG. Shapes do not tell them."""
LARGEST_SIDE = 1024
"""Of what an encoder sees, in pixels; the published ones see 224 and 336."""
QUICK = (768, 1024)
"""Widths of OpenAI's own models, which have the quicker form of GELU."""


@dataclass(frozen=True)
class ImageEncoder:
    """The encoder on a device, for the device manager."""

    module: Any

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self.module.parameters())

    def to(self, device: Any) -> ImageEncoder:
        self.module.to(device)
        return self

    def read(self, picture: NDArray[np.uint8], what: str) -> tuple[Tensor, Tensor]:
        """uint8 (H, W, 3) -> what is told of it with a prompt and without one: the "summary" (1, P) and zeros, or the
        "patches" (1, N, D) of the picture and those of a mean-grey one."""
        pixels = seen(picture, self.module.config.image_size).to(self.module.device, self.module.dtype)[None]
        with torch.inference_mode():
            if what == "summary":
                embeds = self.module(pixels).image_embeds
                return embeds, torch.zeros_like(embeds)
            return self._patches(pixels), self._patches(torch.zeros_like(pixels))

    def _patches(self, pixels: Tensor) -> Tensor:
        return self.module(pixels, output_hidden_states=True).hidden_states[-2]


def seen(picture: NDArray[np.uint8], side: int) -> Tensor:
    """uint8 (H, W, 3) -> (3, side, side) as CLIP sees it: its middle square, bicubic, with the colours evened out."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    size = (side, int(height * scale)) if width <= height else (int(width * scale), side)
    resized = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    top, left = (size[1] - side) // 2, (size[0] - side) // 2
    square = torch.from_numpy(resized[top : top + side, left : left + side].copy()).permute(2, 0, 1) / 255
    return (square - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def load(path: Path, dtype: Any) -> ImageEncoder:
    """The encoder of a safetensors file with transformers' names. Raises BadFile where the tensors do not fill it."""
    shapes = strangers.check_safetensors(path)
    name = files.name_of(path)[:60]
    try:
        config = libs.named("transformers", "CLIPVisionConfig")(**_config(shapes, _folder_config(path)))
        with libs.door, libs.function("accelerate", "init_empty_weights")(include_buffers=False):
            module = libs.named("transformers", "CLIPVisionModelWithProjection")(config)
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
        raise BadFile("{name} is no image encoder that can be read. Get the file again.", name=name) from error
    given = files.tensors(path)
    wanted = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    wrong = [key for key, shape in wanted.items() if key not in given or tuple(given[key].shape) != shape]
    if wrong:
        raise BadFile(
            "{name} lacks {number} weights of an image encoder ({first}, ...). Get the file again.",
            name=name,
            number=len(wrong),
            first=wrong[0][:70],
        )
    module.load_state_dict({key: given[key].to(dtype) for key in wanted}, assign=True)
    return ImageEncoder(module.to(dtype).eval().requires_grad_(False))


def _folder_config(path: Path) -> Mapping[str, Any]:
    """What a config beside the file says."""
    beside = path.parent / "config.json"
    return strangers.read_json(beside) if beside.is_file() else {}


def _config(shapes: Mapping[str, tuple[int, ...]], said: Mapping[str, Any]) -> dict[str, Any]:
    """All sizes from the weights, so that no config can ask for more; what they cannot tell from the config."""
    width, channels, patch, _ = shapes[PATCHES]
    layers = {key.split(".")[3] for key in shapes if key.startswith("vision_model.encoder.layers.")}
    heads = int(said.get("num_attention_heads") or HEADS.get(width, max(1, width // 64)))
    activation = str(said.get("hidden_act") or ("quick_gelu" if width in QUICK else "gelu"))
    side = patch * math.isqrt(shapes[POSITIONS][0] - 1)
    if heads < 1 or width % heads or activation not in ("gelu", "quick_gelu") or channels != 3 or side > LARGEST_SIDE:
        raise ValueError("a config that is not its own")
    return {
        "hidden_size": width,
        "num_channels": channels,
        "patch_size": patch,
        "image_size": side,
        "num_hidden_layers": len(layers),
        "intermediate_size": shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0],
        "projection_dim": shapes[PROJECTED][0],
        "num_attention_heads": heads,
        "hidden_act": activation,
    }
