"""The texts that a picture carries, by name: a PNG's chunks, EXIF of JPEG and WebP, comments. Pixels stay closed.

EXIF's UserComment goes under "parameters", where a PNG has the same text.
"""

import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

from pipelines.errors import BadFile
from pipelines.store import recipe

MOST_BYTES = recipe.MAX_TEXT  # of one text
MOST_SEGMENTS = 1000
MOST_EXIFS = 2  # of one file; a sound one has one
USER_COMMENT, MAKE, MODEL, SOFTWARE, EXIF_IFD = 0x9286, 0x010F, 0x0110, 0x0131, 0x8769
# What Pillow raises at damaged EXIF.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, OverflowError, struct.error)


def texts_of(data: bytes) -> dict[str, str]:
    """Raises BadFile for what is no PNG, JPEG or WebP."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return recipe.head(data).texts
    if data[:3] == b"\xff\xd8\xff":
        return _from_segments(_jpeg(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _from_segments(_webp(data))
    raise BadFile("this is not a picture whose settings can be read. Choose a PNG, JPEG or WebP.")


def user_comment(value: bytes) -> str:
    """The text of a UserComment: eight bytes that name its encoding, or none; UTF-16 in either order."""
    kind, rest = value[:8], value[8:]
    if kind == b"UNICODE\0":
        return _utf16(rest).strip("\0")
    if kind in (b"ASCII\0\0\0", bytes(8)):
        value = rest
    try:
        return value.decode("utf-8").strip("\0")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip("\0")


def _utf16(data: bytes) -> str:
    """Byte marks are rare; the order that gives more of the letters which every such text has is the right one."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    big, little = data.decode("utf-16-be", "replace"), data.decode("utf-16-le", "replace")
    return big if _ascii(big) >= _ascii(little) else little


def _ascii(text: str) -> int:
    return sum(" " <= letter <= "~" for letter in text)


def _from_segments(segments: Iterator[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    exifs = 0
    for kind, data in segments:
        if kind == "exif":
            exifs += 1
            for name, text in (_exif(data) if exifs <= MOST_EXIFS else {}).items():
                texts.setdefault(name, text)
        else:
            texts.setdefault("parameters", data.decode("utf-8", "replace"))
    return texts


def _jpeg(data: bytes) -> Iterator[tuple[str, bytes]]:
    """("exif" | "comment", bytes) of the segments before the pixels."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        marker, length = data[at : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] == 0xDA or length < 2:
            return
        body = data[at + 4 : at + 2 + length]
        if marker[1] == 0xE1 and body[:6] == b"Exif\0\0":
            yield "exif", body[6:]
        if marker[1] == 0xFE:
            yield "comment", body
        at += 2 + length


def _webp(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 12
    for _ in range(MOST_SEGMENTS):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if len(kind) < 4:
            return
        if kind == b"EXIF" and length <= 4 * MOST_BYTES:
            yield "exif", data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2


def _exif(data: bytes) -> dict[str, str]:
    """UserComment and Software by our names; ComfyUI's `prompt:{...}` in Make, Model and below them by theirs."""
    exif = Image.Exif()
    try:
        exif.load(data)
        tags: dict[int, Any] = dict(exif) | dict(exif.get_ifd(EXIF_IFD))
    except _DAMAGED:
        return {}
    texts: dict[str, str] = {}
    for tag, value in tags.items():
        text = _text(tag, value)
        if tag == USER_COMMENT:
            texts["parameters"] = text
        elif tag == SOFTWARE:
            texts["Software"] = text
        elif tag <= MODEL:
            name, colon, rest = text.partition(":")
            if colon and rest.lstrip().startswith("{"):
                texts.setdefault(name.strip().lower(), rest)
    return texts


def _text(tag: int, value: object) -> str:
    if isinstance(value, bytes):
        cut = value[: 2 * MOST_BYTES]
        return user_comment(cut) if tag == USER_COMMENT else cut.decode("utf-8", "replace").strip("\0")
    if not isinstance(value, str):
        return ""
    try:  # Pillow reads ASCII fields as Latin-1; other tools put UTF-8 there
        return value[: 2 * MOST_BYTES].encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value[: 2 * MOST_BYTES]
