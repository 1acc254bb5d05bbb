"""A font of this machine that has every letter of a text, and lines that fit a width."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from PIL import ImageFont

FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "DejaVuSans.ttf",
)
"""That systems have; Pillow's own, which is always there, knows Latin letters only."""
NO_LETTER = "\uffff"
"""No font has it, so it looks like everything that a font does not have."""


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The first that can draw all of the text, Pillow's own before others; None where no font here can."""
    return _font_for("".join(sorted(set("".join(text.split())))), size, FONTS)


def plain(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own."""
    return ImageFont.load_default(size)  # type: ignore[return-value]  # a bitmap only where Pillow has no FreeType


@lru_cache(256)
def _font_for(letters: str, size: int, names: tuple[str, ...]) -> ImageFont.FreeTypeFont | None:
    opened = (_opened(name, size) for name in ("", *names))
    return next((font for font in opened if font and _draws(font, letters)), None)


@lru_cache(64)
def _opened(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size) if name else plain(size)
    except OSError:
        return None


def _draws(font: ImageFont.FreeTypeFont, letters: str) -> bool:
    missing = _shape(font, NO_LETTER)
    return all(_shape(font, letter) != missing for letter in letters)


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> tuple[bytes, tuple[int, int]]:
    mask: Any = font.getmask(letter)  # Pillow's own kind of picture, a sequence of levels
    return bytes(mask), mask.size


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Lines of at most that width, broken at spaces or, within a long word, anywhere."""
    lines, line = [], ""
    for letter in text:
        if line and font.getlength(line + letter) > width:
            kept, _, rest = line.rpartition(" ")
            lines.append(kept or line)
            line = rest if kept else ""
        line += letter
    return [*lines, line]


def shortened(lines: list[str], most: int) -> list[str]:
    """At most so many of them, the last one with an ellipsis where some are left out."""
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][:-1] + "…"]
