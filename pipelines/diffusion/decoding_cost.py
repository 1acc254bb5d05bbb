"""What decoding one picture needs of the memory."""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import Sentence
from pipelines.models.faults import as_bad_file

DECODER = {"AutoencoderKL": 6.0, "AutoencoderTiny": 3.0, "AutoencoderDC": 6.0}
"""Elements alive at the peak of decoding, a pixel of the picture and a channel of the last block; of DC as of KL."""
SLACK = 1.1
"""On top of what is counted: the libraries' own workspaces, and what a driver keeps."""

COUNTLESS = Sentence("a config.json of this model has values by which its memory cannot be counted. Copy it again.")


def decoding_bytes(kind: str, config: Mapping[str, Any], width: int, height: int, item: int) -> int:
    """Alive at the peak of decoding one picture of that size. Raises BadFile."""
    with as_bad_file(COUNTLESS, "vae/config.json", config):
        channels = config.get("block_out_channels") or config.get("decoder_block_out_channels") or [64]
        return int(SLACK * DECODER[kind] * width * height * channels[0] * item)
