"""A grid of pictures on one sheet, with what changes written at its edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipelines.generators import letters

LONGEST = 8192
"""Pixels a side; the pictures are made smaller to keep to it."""
GAP, INK, PAPER, FAINT = 8, (28, 25, 23), (255, 255, 255), (239, 236, 232)


@dataclass(frozen=True)
class Titles:
    """What is written at the edges: of columns, of rows, and of each block of them; [""] where an axis is missing."""

    columns: Sequence[str]
    rows: Sequence[str]
    blocks: Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Where everything stands on a sheet, in pixels: cells of width x height beside `left` for the titles of rows; in
    each block `head` for its own title, then `top` for those of columns."""

    columns: int
    rows: int
    blocks: int
    width: int
    height: int
    left: int
    top: int
    head: int
    letters: int
    """Height of the letters."""

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray | None], titles: Titles) -> Self:
        """As large as the largest picture needs, within LONGEST."""
        columns, rows, blocks = len(titles.columns), len(titles.rows), len(titles.blocks)
        known = [picture for picture in pictures if picture is not None]
        width, height = (max(picture.shape[axis] for picture in known) for axis in (1, 0))
        size = max(12, min(44, width // 11))
        left = _room(titles.rows, size, width)
        top, head = (size * 3 if any(names) else 0 for names in (titles.columns, titles.blocks))
        outer = (left + GAP * (columns + 1), blocks * (head + top + GAP * (rows + 1)))
        scale = min(1, (LONGEST - outer[0]) / (columns * width), (LONGEST - outer[1]) / (blocks * rows * height))
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
        return cls(columns, rows, blocks, width, height, left, top, head, size)

    @property
    def block(self) -> int:
        """Height of a block."""
        return self.head + self.top + self.rows * (self.height + GAP) + GAP

    @property
    def size(self) -> tuple[int, int]:
        return self.left + self.columns * (self.width + GAP) + GAP, self.blocks * self.block

    def cell(self, index: int) -> tuple[int, int, int, int]:
        """Left, top, width and height of the place of a picture."""
        row, column = divmod(index, self.columns)
        block, row = divmod(row, self.rows)
        x = self.left + GAP + column * (self.width + GAP)
        y = block * self.block + self.head + self.top + GAP + row * (self.height + GAP)
        return x, y, self.width, self.height


def draw(pictures: Sequence[np.ndarray | None], titles: Titles) -> np.ndarray:
    """The sheet, uint8 (H, W, 3). Pictures come block by block and row by row; None leaves its place empty."""
    layout = Layout.of(pictures, titles)
    sheet = Image.new("RGB", layout.size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, picture in enumerate(pictures):
        _place(sheet, pen, picture, layout.cell(index))
    per_block = layout.columns * layout.rows
    for block, name in enumerate(titles.blocks):
        y = block * layout.block
        _write(pen, name, layout.letters, (GAP, y, sheet.width - GAP, y + layout.head), number=block)
        below = y + layout.head
        for column, title in enumerate(titles.columns):
            x, _, width, _ = layout.cell(block * per_block + column)
            _write(pen, title, layout.letters, (x, below, x + width, below + layout.top), number=column)
        for row, title in enumerate(titles.rows):
            _, edge, _, height = layout.cell(block * per_block + row * layout.columns)
            _write(pen, title, layout.letters, (GAP, edge, layout.left, edge + height), number=row)
    return np.array(sheet)


def _place(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, picture: np.ndarray | None, place: tuple[int, int, int, int]
) -> None:
    """A picture in the middle of its place, smaller where it must be."""
    x, y, width, height = place
    if picture is None:
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=FAINT)
        return
    image = Image.fromarray(picture)
    image.thumbnail((width, height), Image.Resampling.LANCZOS)
    sheet.paste(image, (x + (width - image.width) // 2, y + (height - image.height) // 2))


def _room(titles: Sequence[str], size: int, width: int) -> int:
    """For the titles of rows, at most as wide as a picture."""
    widths = [_font(title, size).getlength(_legible(title, i)) for i, title in enumerate(titles) if title]
    return min(int(max(widths)) + 2 * GAP, max(width, 6 * size)) if widths else 0


def _write(pen: ImageDraw.ImageDraw, text: str, size: int, box: tuple[int, int, int, int], number: int) -> None:
    """In the middle of the box, on as many lines as there is room for."""
    if not text:
        return
    font = _font(text, size)
    lines = letters.wrapped(_legible(text, number), font, box[2] - box[0])
    shown = letters.shortened(lines, max(1, int((box[3] - box[1]) / (1.25 * size))))
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    pen.multiline_text(middle, "\n".join(shown), fill=INK, font=font, anchor="mm", align="center")


def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    return letters.font_for(text, size) or letters.plain(size)


def _legible(text: str, number: int) -> str:
    """The text on one line; or its number, where this machine has no font for it. The recipe says it in full."""
    text = " ".join(text.split())
    return text if letters.font_for(text, 12) else f"#{number + 1}"
