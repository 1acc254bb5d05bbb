"""What a picture's file says without its pixels being read: size, texts, whether it is whole.

Only the parts that say something are read, wherever they lie in the file: the head of a PNG or JPEG, and the EXIF that
a WebP has behind its pixels. Runs in the confined child.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import BadFile
from pipelines.files import plain
from pipelines.store import foreign, pictures
from pipelines.store import recipe as recipes
from pipelines.store.foreign import carrier

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
LONGEST_TEXT = 20_000  # characters of a prompt
SEARCHED = ("prompt", "negative_prompt", "model", "sampler", "loras", "image", "mask_image")
"""What of a recipe the gallery is asked by."""
_JPEG_HEAD = 1 << 18
_MOST_SEGMENTS = 1000
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # of JPEG: markers that say the size
_VERSION = re.compile(r"\s+\S*\d\S*$")


@dataclass(frozen=True)
class Head:
    width: int
    height: int
    texts: dict[str, str]


def read(path: Path) -> Head | None:
    """None where the file is cut off, far too large to be shown, or no PNG, JPEG or WebP. Raises OSError."""
    with plain.open_regular(path, no_link=True) as file:
        start = file.read(12)
        file.seek(0)
        if start[:8] == b"\x89PNG\r\n\x1a\n":
            found = _png(file)
        elif start[:3] == b"\xff\xd8\xff":
            found = _jpeg(file)
        elif start[:4] == b"RIFF" and start[8:] == b"WEBP":
            found = _webp(file)
        else:
            return None
    return found if found and 0 < found.width * found.height <= pictures.MAX_PIXELS else None


def said(head: Head) -> dict[str, Any]:
    """What the gallery keeps of it: {"width", "height", "tool", "request"}."""
    settings = foreign.unchecked(head.texts)
    values = settings.values if settings else {}
    request = {name: values[name][:LONGEST_TEXT] for name in SEARCHED if isinstance(values.get(name), str)}
    tool = _VERSION.sub("", settings.tool.strip())[:60] if settings else ""
    return {"width": head.width, "height": head.height, "tool": tool, "request": request}


def _png(file: BinaryIO) -> Head | None:
    head = recipes.head_of(file)
    return Head(head.width, head.height, head.texts) if head.complete else None


def _jpeg(file: BinaryIO) -> Head | None:
    data, at = file.read(_JPEG_HEAD), 2
    file.seek(-2, 2)
    if b"\xff\xd9" not in file.read(2) and not _ends_later(file):
        return None
    for _ in range(_MOST_SEGMENTS):
        if len(data) < at + 9 or data[at] != 0xFF:
            return None
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] in _FRAMES:
            height, width = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (5, 7))
            return Head(width, height, carrier.texts_of(data))
        at += 2 + length
    return None


def _ends_later(file: BinaryIO) -> bool:
    """Some programs write more behind the end of the picture."""
    file.seek(max(file.tell() - 4096, 0))
    return b"\xff\xd9" in file.read(4096)


def _webp(file: BinaryIO) -> Head | None:
    riff = file.read(12)
    end = 8 + int.from_bytes(riff[4:8], "little")
    if file.seek(0, 2) < end:
        return None
    at, size, exif = 12, (0, 0), b""
    for _ in range(_MOST_SEGMENTS):
        file.seek(at)
        kind_and_length, body = file.read(8), b""
        if len(kind_and_length) < 8 or at >= end:
            break
        kind, length = kind_and_length[:4], int.from_bytes(kind_and_length[4:], "little")
        if kind in (b"VP8X", b"VP8 ", b"VP8L") and size == (0, 0):
            size = _webp_size(kind, file.read(10))
        if kind == b"EXIF" and length <= 4 * carrier.MOST_BYTES:
            body = file.read(length)
            exif = riff + kind_and_length + body
        at += 8 + length + length % 2
    return Head(*size, carrier.texts_of(exif or riff))


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def read_all(folder: Path, names: list[Path]) -> list[dict[str, Any] | None]:
    """`said` of each; None for those that cannot be shown."""
    return [_read_one(folder / name) for name in names]


def _read_one(path: Path) -> dict[str, Any] | None:
    try:
        head = read(path)
        return said(head) if head else None
    except (OSError, BadFile, ValueError, RecursionError, IndexError):
        return None
