"""What decoding one picture needs of the memory."""

from collections.abc import Mapping
from typing import Any

DECODER = {"AutoencoderKL": 6.0, "AutoencoderTiny": 3.0, "AutoencoderDC": 6.0}
"""Elements alive at the peak of decoding, a pixel of the picture and a channel of the last block; of DC as of KL."""
SLACK = 1.1
"""On top of what is counted: the libraries' own workspaces, and what a driver keeps."""


def decoding_bytes(kind: str, config: Mapping[str, Any], width: int, height: int, item: int) -> int:
    """Alive at the peak of decoding one picture of that size."""
    channels = config.get("block_out_channels") or config.get("decoder_block_out_channels") or [64]
    return int(SLACK * DECODER[kind] * width * height * channels[0] * item)
