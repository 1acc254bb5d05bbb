"""The curated picture subjects: forty-eight Noto emoji with the words people use for them, as one sheet in assets/.

`python -m pipelines.data.subjects` draws the sheet again from the font "Noto Color Emoji".
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipelines.data.scenes import COLOURS, SIZE

SHEET = Path(__file__).parents[2] / "assets" / "data" / "subjects" / "sheet.png"
FONTS = ("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "NotoColorEmoji.ttf")
FONT_SIZE = 109
"""The only size at which the font's bitmaps open."""
CELL = 128
COLUMNS = 8

SUBJECTS: dict[str, tuple[str, str, str]] = {
    # name: (emoji, other English words, Chinese; the first of each list is the usual one)
    "apple": ("🍎", "red apple", "苹果"),
    "banana": ("🍌", "", "香蕉"),
    "strawberry": ("🍓", "", "草莓"),
    "watermelon": ("🍉", "slice of watermelon", "西瓜"),
    "carrot": ("🥕", "", "胡萝卜"),
    "mushroom": ("🍄", "toadstool", "蘑菇"),
    "pizza": ("🍕", "slice of pizza", "披萨"),
    "hamburger": ("🍔", "burger", "汉堡"),
    "donut": ("🍩", "doughnut", "甜甜圈"),
    "ice cream": ("🍦", "", "冰淇淋"),
    "cat": ("🐱", "kitten", "猫,小猫"),
    "dog": ("🐶", "puppy", "狗,小狗"),
    "panda": ("🐼", "", "熊猫"),
    "fox": ("🦊", "", "狐狸,小狐狸"),
    "lion": ("🦁", "", "狮子"),
    "tiger": ("🐯", "", "老虎"),
    "pig": ("🐷", "", "猪,小猪"),
    "frog": ("🐸", "", "青蛙"),
    "bear": ("🐻", "", "熊"),
    "rabbit": ("🐰", "bunny", "兔子"),
    "penguin": ("🐧", "", "企鹅"),
    "chick": ("🐥", "baby bird", "小鸡"),
    "owl": ("🦉", "", "猫头鹰"),
    "fish": ("🐠", "tropical fish", "鱼,热带鱼"),
    "octopus": ("🐙", "", "章鱼"),
    "whale": ("🐳", "", "鲸鱼"),
    "turtle": ("🐢", "tortoise", "乌龟"),
    "butterfly": ("🦋", "", "蝴蝶"),
    "ladybug": ("🐞", "ladybird", "瓢虫"),
    "sunflower": ("🌻", "", "向日葵"),
    "rose": ("🌹", "", "玫瑰"),
    "cactus": ("🌵", "", "仙人掌"),
    "tree": ("🌲", "fir tree", "树,松树"),
    "rainbow": ("🌈", "", "彩虹"),
    "sun": ("🌞", "", "太阳"),
    "snowman": ("⛄", "", "雪人"),
    "fire": ("🔥", "flame", "火,火焰"),
    "rocket": ("🚀", "", "火箭"),
    "car": ("🚗", "", "汽车"),
    "sailboat": ("⛵", "boat", "帆船"),
    "house": ("🏠", "", "房子"),
    "balloon": ("🎈", "", "气球"),
    "ghost": ("👻", "", "幽灵"),
    "robot": ("🤖", "", "机器人"),
    "smiley": ("😀", "smiley face", "笑脸"),
    "crown": ("👑", "", "皇冠"),
    "guitar": ("🎸", "", "吉他"),
    "soccer ball": ("⚽", "football", "足球"),
}
NAMES = tuple(SUBJECTS)

WIDTHS = {"small": 34.0, "": 56.0}
"""The longer side of a subject in pixels of a 64-pixel picture, by the size word of its caption."""


def english(name: str) -> tuple[str, ...]:
    return (name, *filter(None, SUBJECTS[name][1].split(",")))


def chinese(name: str) -> tuple[str, ...]:
    return tuple(SUBJECTS[name][2].split(","))


@cache
def cutout(name: str) -> Image.Image:
    """The subject alone, RGBA, cut to its outline."""
    index = NAMES.index(name)
    left, top = index % COLUMNS * CELL, index // COLUMNS * CELL
    with Image.open(SHEET) as sheet:
        cell = sheet.crop((left, top, left + CELL, top + CELL))
    return cell.crop(cell.getchannel("A").getbbox())


def draw(
    name: str, background: str = "white", size: str = "", rng: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """The subject on a plain background, uint8 (64, 64, 3); `rng` jitters its place and size a little."""
    dx, dy, zoom = (0.0, 0.0, 1.0) if rng is None else (*rng.uniform(-2.5, 2.5, 2), rng.uniform(0.94, 1.04))
    subject = cutout(name)
    width = WIDTHS[size] * zoom
    scale = width / max(subject.size)
    extent = (max(1, round(subject.width * scale)), max(1, round(subject.height * scale)))
    small = subject.convert("RGBa").resize(extent, Image.Resampling.LANCZOS).convert("RGBA")
    picture = Image.new("RGB", (SIZE, SIZE), COLOURS[background])
    room = [(SIZE - side) / 2 for side in extent]
    place = [round(min(max(half + shift, 0), 2 * half)) for half, shift in zip(room, (dx, dy), strict=True)]
    picture.paste(small, (place[0], place[1]), small)
    return np.asarray(picture)


def draw_sheet() -> Image.Image:
    """All subjects from the font, each centred in its cell of CELL x CELL pixels, RGBA."""
    font = next(ImageFont.truetype(path, FONT_SIZE) for path in FONTS if Path(path).exists() or "/" not in path)
    sheet = Image.new("RGBA", (COLUMNS * CELL, -(-len(NAMES) // COLUMNS) * CELL))
    for index, name in enumerate(NAMES):
        glyph = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(glyph).text((10, 10), SUBJECTS[name][0], font=font, embedded_color=True)
        glyph = glyph.crop(glyph.getchannel("A").getbbox())
        glyph.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
        corner = (index % COLUMNS * CELL, index // COLUMNS * CELL)
        sheet.paste(glyph, (corner[0] + (CELL - glyph.width) // 2, corner[1] + (CELL - glyph.height) // 2))
    return sheet


if __name__ == "__main__":
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet().save(SHEET, optimize=True)
    print(f"{len(NAMES)} subjects in {SHEET.name}")
