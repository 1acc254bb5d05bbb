"""The size of the pictures that a model was trained on."""

from pipelines.models.info import ModelInfo

UNSAID = 1024  # the side of the pictures of models whose config says none, as FLUX's


def native_shape(info: ModelInfo) -> tuple[int, int]:
    """Width and height in pixels of the pictures that the model was trained on."""
    if info.bridged:
        from pipelines.models.bridged import sizes

        return sizes.native_shape(info)
    vae = info.configs["vae"]
    blocks = vae.get("block_out_channels") or vae["decoder_block_out_channels"]
    size = info.configs[info.network].get("sample_size") or UNSAID // 2 ** (len(blocks) - 1)
    down, across = size if isinstance(size, list) else (size, size)
    return int(across) * 2 ** (len(blocks) - 1), int(down) * 2 ** (len(blocks) - 1)


def native_size(info: ModelInfo) -> int:
    """The longer side of that."""
    return max(native_shape(info))
