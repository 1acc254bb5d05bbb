"""Text whose encoding nobody says: UTF-8, UTF-16 and UTF-32, Chinese of Windows, else Western European of Windows."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")


def decoded(raw: bytes) -> str:
    """The text of a file. Raises ValueError for what is none."""
    text = raw.decode(_encoding(raw))
    if "\0" in text:
        raise ValueError("binary")
    return text


def _encoding(raw: bytes) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if b"\0" in raw:  # of Latin letters in UTF-16 every second byte is 0
        return "utf-16-le" if raw[1::2].count(0) >= raw[::2].count(0) else "utf-16-be"
    for name in ("utf-8", *(("gb18030",) if _in_pairs(raw) else ()), "cp1252"):
        try:
            raw.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def _in_pairs(raw: bytes) -> bool:
    """Whether the bytes beyond ASCII stand in even runs, as in Chinese; in Western words they mostly stand alone."""
    return all(len(run) % 2 == 0 for run in _HIGH.findall(raw))
