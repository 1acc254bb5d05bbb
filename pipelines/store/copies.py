"""A kept picture as JPEG or WebP for other programs, its settings where they look; the PNG is the truth."""

import io
import struct
from pathlib import Path

from PIL import Image

from pipelines import SOFTWARE
from pipelines.errors import BadFile, NotFound, Sentence
from pipelines.files.whole import storage_error
from pipelines.store import infotext, source_type
from pipelines.store import recipe as recipes

KINDS = {"jpg": "JPEG", "webp": "WEBP"}
MEDIA_TYPES = {"jpg": "image/jpeg", "webp": "image/webp"}
USER_COMMENT, SOFTWARE_TAG, EXIF_IFD = 0x9286, 0x0131, 0x8769
_AS_BYTES, _AS_UNDEFINED = (struct.pack(">HH", USER_COMMENT, kind) for kind in (1, 7))
"""The entry's tag and type: Pillow writes bytes as BYTE, EXIF wants UNDEFINED, and readers of others insist on it."""
MOST_EXIF = 65_000  # bytes that a JPEG has room for in one segment


def copy(png: Path, kind: str, quality: int) -> bytes:
    """The picture at `png` as "jpg" or "webp", its infotext in EXIF's UserComment, its source type as XMP, where it has
    them. Raises BadFile, StorageError."""
    if kind not in KINDS:
        raise NotFound("pictures come as png, {known}; got {got!r}.", known=", ".join(KINDS), got=kind[:20])
    texts = recipes.head(png).texts
    recipe, xmp = recipes.of_texts(texts), texts.get(source_type.PNG_CHUNK, "") if source_type.said(texts) else ""
    exif = user_comment(infotext.write(recipe)) if recipe else b""
    if kind == "jpg" and len(exif) > MOST_EXIF:
        raise BadFile("the settings of this picture are too long for a JPEG. Take the PNG or the WebP.")
    data = io.BytesIO()
    try:
        with Image.open(png, formats=("PNG",)) as image:
            image.convert("RGB").save(data, KINDS[kind], quality=quality, exif=exif, xmp=xmp.encode())
    except Image.DecompressionBombError:
        raise BadFile("this picture is too large for a copy. Take the PNG.") from None
    except OSError as error:
        raise storage_error(error, Sentence("opened")) from None
    return data.getvalue()


def user_comment(text: str) -> bytes:
    """EXIF with `text` as A1111 writes it: eight bytes that say UNICODE, then UTF-16 with the high byte first."""
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = SOFTWARE
    exif[EXIF_IFD] = {USER_COMMENT: b"UNICODE\0" + text.encode("utf-16-be", "replace")}
    return exif.tobytes().replace(_AS_BYTES, _AS_UNDEFINED, 1)  # the entry itself: texts come behind all entries
