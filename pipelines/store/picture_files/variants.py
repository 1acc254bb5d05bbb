"""BMP and TIFF are families of formats: the members that are read, and what unpacking them takes besides the pixels."""

from typing import Literal

from PIL import BmpImagePlugin, Image, TiffImagePlugin
from PIL.TiffImagePlugin import BITSPERSAMPLE, ROWSPERSTRIP, TILELENGTH, TILEWIDTH

from pipelines.errors import BadFile
from pipelines.store.picture_files.bounds import DAMAGED

PACKED = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "group3", "group4", "tiff_ccitt")
"""How a TIFF's pixels may lie. Others hold a picture of another format, whose cost is not known beforehand."""
MOST_NUMBERS = 1 << 17  # in a TIFF's tags, which say of each piece of the picture where it lies and how long it is
ORIENTATION = 0x0112
_BYTES_AND_TEXTS = (1, 2, 6, 7)


def check_tags(data: bytes) -> None:
    """Raises BadFile for a TIFF whose tags hold more than the file, or numbers that would take minutes to read."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"

    def number(at: int, length: int) -> int:
        return int.from_bytes(data[at : at + length], order)

    start = number(4, 4)
    tags = range(start + 2, min(start + 2 + 12 * number(start, 2), len(data)), 12)
    counts = [(number(at + 2, 2), number(at + 4, 4)) for at in tags]
    if sum(count for kind, count in counts if kind not in _BYTES_AND_TEXTS) > MOST_NUMBERS:
        raise _unusual("many pieces")
    if sum(count for kind, count in counts if kind in _BYTES_AND_TEXTS) > len(data):
        raise BadFile(DAMAGED)


def check_variant(image: Image.Image) -> None:
    """Raises BadFile for one that is not read."""
    if isinstance(image, BmpImagePlugin.BmpImageFile) and any(tile[0] == "bmp_rle" for tile in image.tile):
        raise _unusual("run lengths")
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    packed = str(image.info.get("compression"))
    if packed not in PACKED:
        raise _unusual(packed.removeprefix("tiff_"))
    if image.mode == "F":
        raise _unusual("fractions")


def strip_bytes(image: Image.Image) -> int:
    """Of a packed TIFF the piece that is unpacked at a time; of one that is turned, the turned picture."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    width, height = image.size
    turned = 4 * width * height if image.tag_v2.get(ORIENTATION, 1) != 1 else 0
    if image.info.get("compression") == "raw":
        return turned
    bits = image.tag_v2.get(BITSPERSAMPLE, (1,))
    wide, high = image.tag_v2.get(TILEWIDTH, width), image.tag_v2.get(TILELENGTH, 0)
    rows = high or min(image.tag_v2.get(ROWSPERSTRIP, height), height)
    return max(turned, wide * rows * sum(bits) // 8)


def _unusual(what: str) -> BadFile:
    return BadFile("this kind of BMP or TIFF ({what}) is not read. Save the picture as PNG.", what=what[:40])
