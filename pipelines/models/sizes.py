"""The size of the pictures that a model was trained on."""

from pipelines.models.bridged import sizes as bridged
from pipelines.models.info import ModelInfo

UNSAID = 1024  # the side of the pictures of models whose config says none, as FLUX's


def native_shape(info: ModelInfo) -> tuple[int, int]:
    """Width and height in pixels of the pictures that the model was trained on."""
    if info.bridged:
        return bridged.native_shape(info)
    factor = latent_factor(info)
    size = info.configs[info.network].get("sample_size") or UNSAID // factor
    down, across = size if isinstance(size, list) else (size, size)
    return int(across) * factor, int(down) * factor


def native_size(info: ModelInfo) -> int:
    """The longer side of that."""
    return max(native_shape(info))


def latent_factor(info: ModelInfo) -> int:
    """Pixels along one side of a latent pixel, of a model whose loop is ours."""
    vae = info.configs["vae"]
    return 2 ** (len(vae.get("block_out_channels") or vae["decoder_block_out_channels"]) - 1)
