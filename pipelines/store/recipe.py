"""What a picture was made with, carried in the PNG itself: as our JSON ("aigc") and as infotext ("parameters").

Reading looks at the chunks only, never at the pixels, and takes no more than a bounded part of a stranger's file.
"""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from PIL.PngImagePlugin import PngInfo

from pipelines import SOFTWARE
from pipelines.errors import BadFile, BadRequest
from pipelines.store import infotext

VERSION = 1
MAX_TEXT = 1 << 20  # bytes of one text, also after inflating
MAX_CHUNKS = 1 << 16
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")


@dataclass(frozen=True)
class PngHead:
    """What a PNG says besides its pixels. `complete` means that the file reaches to its end mark."""

    width: int
    height: int
    texts: dict[str, str]
    complete: bool


def new(generator: str, request: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The recipe of a picture that was made just now; `more` is what else is worth keeping."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    common = {"version": VERSION, "generator": generator, "request": dict(request)}
    return common | {"software": SOFTWARE, "created": created} | more


def embed(recipe: Mapping[str, Any]) -> PngInfo:
    """The chunks to save with a picture: `Image.save(..., pnginfo=embed(recipe))`."""
    ours = json.dumps({"version": VERSION, **recipe}, allow_nan=False)
    if len(ours) > MAX_TEXT:
        raise BadRequest(
            "the recipe is too large to save: {number} characters of at most {most}.", number=len(ours), most=MAX_TEXT
        )
    chunks = PngInfo()
    chunks.add_text("aigc", ours)
    chunks.add_text("parameters", _sayable(infotext.write(recipe)))
    return chunks


def read(source: Path | bytes) -> dict[str, Any]:
    """The recipe of a PNG, ours if it has one, else what its infotext says; {} where there is none.

    It is a stranger's word: let the request's own `parse` check it. Raises BadFile where this is no PNG.
    """
    return of_texts(head(source).texts)


def of_texts(texts: Mapping[str, str]) -> dict[str, Any]:
    """The recipe among the texts of a picture; {} where there is none."""
    ours = infotext.json_object(texts.get("aigc", ""))
    if ours is not None:
        return ours
    return infotext.parse(texts["parameters"]) if texts.get("parameters") else {}


def head(source: Path | bytes) -> PngHead:
    """Size and texts of a PNG, without decoding it. Raises BadFile where it is none or cannot be opened."""
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            return head_of(file)
    except OSError as error:
        raise BadFile("the picture cannot be opened: {problem}.", problem=error.strerror) from None


def head_of(file: BinaryIO) -> PngHead:
    """The same of an open file. Raises BadFile, OSError."""
    start = file.read(33)  # signature, then length, type, data and checksum of IHDR
    if len(start) < 33 or start[:8] != _SIGNATURE or start[12:16] != b"IHDR":
        raise BadFile("this is not a PNG picture. Choose a PNG that was saved by an image generator.")
    width, height = struct.unpack(">II", start[16:24])
    texts: dict[str, str] = {}
    room = 4 * MAX_TEXT  # of all texts, also after inflating
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            break
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        if kind == b"IEND":
            return PngHead(width, height, texts, complete=len(file.read(4)) == 4)
        if kind not in _TEXT_KINDS or length > min(MAX_TEXT, room):
            file.seek(length + 4, io.SEEK_CUR)
            continue
        room -= length
        data, checksum = file.read(length), file.read(4)
        if zlib.crc32(kind + data).to_bytes(4, "big") == checksum:
            room -= _add_text(texts, kind, data)
    return PngHead(width, height, texts, complete=False)


def _add_text(texts: dict[str, str], kind: bytes, data: bytes) -> int:
    """Adds the text of one chunk; the first of a name counts, and one that cannot be decoded is passed over.

    Returns what unpacking it has taken, in bytes.
    """
    name, _, rest = data.partition(b"\0")
    if kind == b"tEXt":
        value, packed, encoding = rest, False, "latin-1"
    elif kind == b"zTXt":
        value, packed, encoding = rest[1:], True, "latin-1"
    else:  # iTXt: compressed?, method, language, translated name, text
        value, packed, encoding = rest[2:].split(b"\0", 2)[-1], rest[:1] == b"\1", "utf-8"
    try:
        text = _inflate(value) if packed else value
        texts.setdefault(name.decode("latin-1"), text.decode(encoding))
    except zlib.error:
        return MAX_TEXT
    except UnicodeDecodeError:
        pass
    return len(text) if packed else 0


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, MAX_TEXT)
    if not inflater.eof:
        raise zlib.error("longer than a text may be, or cut off")
    return text


def _sayable(text: str) -> str:
    """`text` without what a PNG text cannot hold: NUL, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
