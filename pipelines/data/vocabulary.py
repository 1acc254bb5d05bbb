"""The words of the embedded model as a file beside it, which `pipelines.prompts.vocabulary` reads; their pictures are
the sheet of subjects.

`python -m pipelines.data.vocabulary assets/models/aigc-mini` writes it again.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.data import captions, scenes, styles, subjects

FILE = "vocabulary.json"
SIGNS = {
    "circle": "●", "square": "■", "triangle": "▲", "star": "★", "heart": "♥", "diamond": "◆", "ring": "○", "cross": "✚",
}  # fmt: skip
KINDS = {
    "animal": ("animals", "动物"), "food": ("food", "食物"), "plant": ("plants", "植物"), "sky": ("sky", "天空"),
    "vehicle": ("vehicles", "交通工具"), "face": ("faces", "脸和人物"), "object": ("objects", "物品"),
    "shape": ("shapes", "形状"), "colour": ("colours", "颜色"), "size": ("sizes", "大小"),
    "number": ("numbers", "数量"), "relation": ("places", "位置"), "style": ("styles", "风格"),
    "background": ("backgrounds", "背景"),
}  # fmt: skip
"""In the order in which they are shown."""
THINGS = ("animal", "food", "plant", "sky", "vehicle", "face", "object", "shape")

SIZES_OF = {"small": list(THINGS), "large": ["shape"]}
ENGLISH = {
    "relations": {
        "left of": "left of", "right of": "right of", "above": "above", "below": "below;under", "inside": "inside;in",
        "on": "on", "row": "in a row", "column": "in a column",
    },
    "styles": {
        "outline": "outline;outline drawing;outline style", "pixel": "pixel;pixel art;pixel style",
        "pastel": "pastel;pastel drawing;pastel style", "night": "night;night style",
    },
}  # fmt: skip
SMALL = {
    "en": ["a", "an", "and", "at", "in", "of", "the", "to"],
    "zh": ["一", "个", "只", "和", "在", "棵", "的", "辆", "上"],
}
JOINING = ["and", "和", "的"]
"""What may stand between a colour and the thing that it is said of."""


def description() -> dict[str, Any]:
    """All that the captions can say: words by kind, each with its names, and what they can be said of."""
    return {
        "version": 1,
        "pictures": {"data": "subjects", "cell": subjects.CELL, "columns": subjects.COLUMNS},
        "kinds": {
            kind: {"names": {"en": english, "zh": chinese}, "thing": kind in THINGS}
            for kind, (english, chinese) in KINDS.items()
        },
        "words": [*_subjects(), *_shapes(), *_colours(), *_sizes(), *_numbers(), *_relations(), *_styles()],
        "small": SMALL,
        "joining": JOINING,
    }


def write(folder: Path) -> None:
    """The file, beside a model's own, a word a line."""
    text = json.dumps(description(), ensure_ascii=False, separators=(",", ":"))
    (folder / FILE).write_text(text.replace('{"kind"', '\n{"kind"') + "\n", encoding="utf-8")


def _word(kind: str, english: list[str], chinese: list[str], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "names": {"en": english, "zh": chinese}, **more}


def _subjects() -> Iterator[dict[str, Any]]:
    for index, (name, subject) in enumerate(subjects.table().items()):
        plurals = {"en": [captions.plural(name)]}  # captions count by the usual name alone
        emoji = [subject.emoji.removesuffix("\ufe0f")]
        names = list(subject.english), list(subject.chinese)
        yield _word(subject.kind, *names, plurals=plurals, near=emoji, picture=index)


def _shapes() -> Iterator[dict[str, Any]]:
    for name in scenes.SHAPES:
        plurals = {"en": [captions.plural(name)]}
        yield _word("shape", [name], [captions.CHINESE[name]], plurals=plurals, sign=SIGNS[name])


def _colours() -> Iterator[dict[str, Any]]:
    for name, rgb in scenes.COLOURS.items():
        colour = "#{:02x}{:02x}{:02x}".format(*rgb)
        yield _word("colour", [name], [captions.CHINESE[name]], colour=colour, of=["shape", "background"])
    yield _word("background", ["background"], ["背景"], say={"en": "on a blue background", "zh": "，蓝色背景"})


def _sizes() -> Iterator[dict[str, Any]]:
    for name, kinds in SIZES_OF.items():
        yield _word("size", [name], [captions.CHINESE[name]], of=kinds)


def _numbers() -> Iterator[dict[str, Any]]:
    for english, chinese in captions.NUMBERS.values():
        yield _word("number", [english], [chinese], say={"en": english, "zh": f"{chinese}个"})


def _relations() -> Iterator[dict[str, Any]]:
    for name, english in ENGLISH["relations"].items():
        yield _word("relation", english.split(";"), [captions.CHINESE[name]])


def _styles() -> Iterator[dict[str, Any]]:
    for name in styles.STYLES:
        english, chinese = ENGLISH["styles"][name].split(";"), captions.CHINESE[name]
        say = {"en": "at night" if name == "night" else f"in {name} style", "zh": f"，{chinese}风格"}
        yield _word("style", english, [f"{chinese}风格", chinese], say=say)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
