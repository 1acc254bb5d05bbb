"""A picture file cut down to what its first picture's pixels need, so that no attachment costs anything to read.

Only files with much beside their pixels are cut: notes, profiles, comments, filler, the later frames of an animation.
"""

import re
from collections.abc import Callable, Iterator

from pipelines.errors import BadFile
from pipelines.store.picture_files.bounds import DAMAGED, HEIC, UNKNOWN
from pipelines.store.picture_files.variants import check_tags

MOST_BESIDE = 1 << 16  # bytes that are left with the pixels
MOST_NOTE = 1 << 20  # bytes of EXIF or XMP, which say how the picture is turned
MOST_PIECES = 1 << 16
MOST_BLOCKS = 1 << 20
MOST_BRANDS = 256  # bytes of what a container says of itself
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}

Span = tuple[int, int]
_ORIENTATION = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")  # PNG texts that Pillow reads it from
_FILLER = re.compile(rb"\xff+")
_WITHOUT_LENGTH = (0x00, 0x01, *range(0xD0, 0xDA))


def format_of(data: bytes) -> str:
    """Pillow's name of the format. Raises BadFile for any but those that are read."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    if data[4:8] == b"ftyp":
        return _coded(data)
    raise BadFile(UNKNOWN)


def _coded(data: bytes) -> str:
    """Of a container that names what its pictures are coded by, first the one and then all that fit."""
    length = min(int.from_bytes(data[:4], "big"), MOST_BRANDS)
    brands = {data[at : at + 4] for at in (8, *range(16, length, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIC:
        raise BadFile(HEIC)
    raise BadFile(UNKNOWN)


def trimmed(data: bytes) -> bytes:
    """The same picture with little beside its pixels; the file as it is where it has little. Raises BadFile."""
    kind = format_of(data)
    spans = list(_SPANS[kind](data))
    length = sum(end - start for start, end in spans)
    if len(data) - length <= MOST_BESIDE:
        return data
    whole = memoryview(data)
    if kind == "WEBP":  # its head says how long the rest is
        head = data[:4] + (length - 8).to_bytes(4, "little") + data[8:12]
        return b"".join([head, *(whole[start:end] for start, end in spans[1:])])
    return b"".join(whole[start:end] for start, end in spans)


def _png(data: bytes) -> Iterator[Span]:
    yield 0, 8
    at = 8
    for _ in range(MOST_PIECES):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if len(kind) < 4:
            return
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND") or _turns(kind, data, at, end):
            yield at, min(end, len(data))
        if kind == b"IEND":
            return
        at = end
    raise BadFile(DAMAGED)


def _turns(kind: bytes, data: bytes, at: int, end: int) -> bool:
    """Whether this chunk may say how the picture is turned."""
    texts = kind in (b"tEXt", b"zTXt", b"iTXt") and data.startswith(_ORIENTATION, at + 8)
    return (texts or kind == b"eXIf") and end - at <= MOST_NOTE


def _jpeg(data: bytes) -> Iterator[Span]:
    """What stands before the pixels without filler, comments and attachments; of EXIF and XMP the first."""
    yield 0, 2
    noted: set[bytes] = set()
    at = 2
    for _ in range(MOST_PIECES):
        filler = _FILLER.search(data, at)
        if not filler or filler.end() >= len(data):
            return
        marker = filler.end()
        kind, end = data[marker], marker + 1 + int.from_bytes(data[marker + 1 : marker + 3], "big")
        if kind == 0xDA:  # pixels
            yield marker - 1, len(data)
            return
        if kind in _WITHOUT_LENGTH:
            at = marker + 1
            continue
        name = data[marker + 3 : marker + 7]
        note = kind == 0xE1 and name in (b"Exif", b"http") and name not in noted
        if note:
            noted.add(name)
        if note or kind in (0xE0, 0xEE) and end - marker < 1024 or not (0xE0 <= kind <= 0xEF or kind == 0xFE):
            yield marker - 1, min(end, len(data))
        at = max(end, marker + 1)
    raise BadFile(DAMAGED)


def _gif(data: bytes) -> Iterator[Span]:
    """The head, what says how the first picture is shown, and from that picture on everything."""
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    yield 0, at
    for _ in range(MOST_PIECES):
        kind = data[at : at + 1]
        if kind == b"!":
            end = _after_blocks(data, at + 2)
            if data[at + 1 : at + 2] == b"\xf9" and end - at < 64:
                yield at, min(end, len(data))
            at = end
        elif kind in (b",", b";", b""):
            yield min(at, len(data)), len(data)
            return
        else:
            at += 1
    raise BadFile(DAMAGED)


def _after_blocks(data: bytes, at: int) -> int:
    for _ in range(MOST_BLOCKS):
        length = data[at] if at < len(data) else 0
        at += 1 + length
        if not length:
            return at
    raise BadFile(DAMAGED)


def _webp(data: bytes) -> Iterator[Span]:
    """Of an animation the first frame."""
    yield 0, 12
    at, frames = 12, 0
    for _ in range(MOST_PIECES):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        if len(kind) < 4:
            return
        frames += kind == b"ANMF"
        note = kind in (b"EXIF", b"XMP ") and length <= MOST_NOTE
        if kind in (b"VP8X", b"ANIM", b"ALPH", b"VP8 ", b"VP8L") or kind == b"ANMF" and frames == 1 or note:
            yield at, min(end, len(data))
        at = end
    raise BadFile(DAMAGED)


def _tiff(data: bytes) -> Iterator[Span]:
    check_tags(data)
    yield 0, len(data)


def _whole(data: bytes) -> Iterator[Span]:
    """Of formats whose readers jump to the pixels, so that what lies beside them costs nothing."""
    yield 0, len(data)


_SPANS: dict[str, Callable[[bytes], Iterator[Span]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "WEBP": _webp,
    "BMP": _whole,
    "TIFF": _tiff,
    "AVIF": _whole,
}
