"""The picture subjects: 250 Noto emoji with the words people use for them, as one table and one sheet in assets/.

`python -m pipelines.data.subjects` draws the sheet again from the font "Noto Color Emoji".
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parents[2] / "assets" / "data" / "subjects"
TABLE, SHEET = FOLDER / "subjects.csv", FOLDER / "sheet.webp"
FONTS = ("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "NotoColorEmoji.ttf")
FONT_SIZE = 109
"""The only size at which the font's bitmaps open."""
CELL = 128
COLUMNS = 16


@dataclass(frozen=True)
class Subject:
    """One subject; the first word of each language is the usual one."""

    kind: str
    emoji: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]


@cache
def table() -> dict[str, Subject]:
    """Every subject by its usual English name, in the order of the sheet."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [
        Subject(r["kind"], r["emoji"], tuple(r["english"].split(";")), tuple(r["chinese"].split(";"))) for r in rows
    ]
    return {subject.english[0]: subject for subject in found}


@cache
def names() -> tuple[str, ...]:
    return tuple(table())


@cache
def cutout(name: str) -> Image.Image:
    """The subject alone, RGBA with premultiplied alpha ("RGBa"), cut to its outline."""
    index = names().index(name)
    left, top = index % COLUMNS * CELL, index // COLUMNS * CELL
    cell = _sheet().crop((left, top, left + CELL, top + CELL))
    return cell.crop(cell.getchannel("A").getbbox()).convert("RGBa")


@cache
def _sheet() -> Image.Image:
    with Image.open(SHEET) as sheet:
        return sheet.convert("RGBA")


@cache
def aspect(name: str) -> tuple[float, float]:
    """Width and height where the longer of the two is 1."""
    width, height = cutout(name).size
    return width / max(width, height), height / max(width, height)


def paste(picture: Image.Image, name: str, x: float, y: float, radius: float) -> None:
    """Draw the subject into `picture`, centred at (x, y), its longer side 2 * radius, all in pixels."""
    across, down = (max(1, round(2 * radius * side)) for side in aspect(name))
    small = cutout(name).resize((across, down), Image.Resampling.BICUBIC, reducing_gap=2.0).convert("RGBA")
    picture.paste(small, (round(x - across / 2), round(y - down / 2)), small)


def draw_sheet() -> Image.Image:
    """All subjects from the font, each centred in its cell of CELL x CELL pixels, RGBA."""
    font = next(ImageFont.truetype(path, FONT_SIZE) for path in FONTS if Path(path).exists() or "/" not in path)
    sheet = Image.new("RGBA", (COLUMNS * CELL, -(-len(names()) // COLUMNS) * CELL))
    for index, subject in enumerate(table().values()):
        glyph = Image.new("RGBA", (170, 160))
        ImageDraw.Draw(glyph).text((10, 10), subject.emoji, font=font, embedded_color=True)
        glyph = glyph.crop(glyph.getchannel("A").getbbox())
        glyph.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
        corner = (index % COLUMNS * CELL, index // COLUMNS * CELL)
        sheet.paste(glyph, (corner[0] + (CELL - glyph.width) // 2, corner[1] + (CELL - glyph.height) // 2))
    return sheet


if __name__ == "__main__":
    draw_sheet().save(SHEET, lossless=True, quality=100, method=6, exact=True)
    print(f"{len(names())} subjects in {SHEET.name}")
