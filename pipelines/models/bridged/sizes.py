"""The sizes of pictures that a pipeline behind the bridge was trained on, from its configs alone."""

from __future__ import annotations

from typing import Any

from pipelines.models.bridged import classes
from pipelines.models.bridged.classes import REQUIRED
from pipelines.models.info import ModelInfo

DEFAULT_SIDE = 1024


def native_shape(info: ModelInfo) -> tuple[int, int]:
    """Width and height in pixels: of the network's own latents, where it says, else as the call's defaults."""
    size = info.configs[info.network].get("sample_size")
    if isinstance(size, int) and not isinstance(size, bool):
        side = size * factor(info)
        return side, side
    call = classes.text_to_image(info.pipeline).call
    width, height = (call[name] if is_number(call[name]) else DEFAULT_SIDE for name in ("width", "height"))
    return int(width), int(height)


def factor(info: ModelInfo) -> int:
    """Pixels along one side of a latent pixel, as the decoder's config lets one know; 1 for pipelines of pixels."""
    vae = next((info.configs[part] for part in ("vae", "movq", "vqgan") if part in info.configs), None)
    if vae is None:
        return 1
    for name in ("block_out_channels", "decoder_block_out_channels", "encoder_block_out_channels"):
        if isinstance(vae.get(name), list):
            return 2 ** (len(vae[name]) - 1)
    mult = vae.get("dim_mult")
    return 2 ** (len(mult) - 1) if isinstance(mult, list) else 8


def is_number(value: Any) -> bool:
    """Whether a default of a call is one; not every parameter has a default."""
    return value is not REQUIRED and isinstance(value, int | float) and not isinstance(value, bool)
