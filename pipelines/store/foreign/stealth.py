"""Text hidden in the lowest bits of a PNG's alpha, column by column, as Forge and NovelAI do: it survives a lost chunk.

A signature of 15 letters, the length in bits as 32 bits, then UTF-8, packed with gzip or not.
"""

import io
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import BadFile
from pipelines.store.foreign.json_text import json_object
from pipelines.store.picture_files.trimming import trimmed
from pipelines.store.recipe import MAX_TEXT

MOST_PIXELS = 20_000_000
SIGNATURES = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}
_HEAD = 15 * 8
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def texts_of(data: bytes) -> dict[str, str]:
    """The hidden texts by name: an infotext as "parameters", or the names that NovelAI's JSON has; {} without any."""
    text = _hidden(data)
    if not text:
        return {}
    named = json_object(text)
    if named is None or not isinstance(named.get("Comment"), str):
        return {"parameters": text}
    return {str(name): value for name, value in named.items() if isinstance(value, str)}


def _hidden(data: bytes) -> str:
    alpha = _alpha(data)
    if alpha is None or alpha.size < _HEAD + 32:
        return ""
    head = _bits(alpha, _HEAD + 32)
    packed = SIGNATURES.get(np.packbits(head[:_HEAD]).tobytes())
    length = int.from_bytes(np.packbits(head[_HEAD:]).tobytes(), "big")
    if packed is None or not 0 < length <= min(8 * MAX_TEXT, alpha.size - _HEAD - 32):
        return ""
    body = np.packbits(_bits(alpha, _HEAD + 32 + length)[_HEAD + 32 :]).tobytes()
    unpacking = zlib.decompressobj(31)  # 31: gzip
    try:
        text = unpacking.decompress(body, MAX_TEXT) if packed else body
        return text.decode("utf-8") if unpacking.eof or not packed else ""
    except (zlib.error, UnicodeDecodeError):
        return ""


def _bits(alpha: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The first `count` of the lowest bits of alpha, column by column."""
    columns = -(-count // alpha.shape[0])
    return (alpha[:, :columns].T & np.uint8(1)).reshape(-1)[:count]


def _alpha(data: bytes) -> NDArray[np.uint8] | None:
    """(H, W); None for what is no RGBA PNG of a bounded size."""
    eight_bits, rgba = data[24:25] == b"\x08", data[25:26] == b"\x06"
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[1:4] != b"PNG" or not eight_bits or not rgba or not 0 < width * height <= MOST_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(trimmed(data)), formats=("PNG",)) as image:
            if image.size != (width, height):  # a second head
                return None
            return np.asarray(image.getchannel("A"))
    except (BadFile, *_DAMAGED):
        return None
