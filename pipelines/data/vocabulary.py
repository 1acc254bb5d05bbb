"""The words of a model that learned from compositions, as a file beside it, and a sheet of small pictures.

`pipelines.prompts.vocabulary` reads it. Every word that a caption may hold is in it: names of things by kind, and small
words that only join them; `pipelines.evaluation.learned` leaves out what a trained model cannot paint all the same.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.data import composing, drawings, recolouring, scenes, sentences
from pipelines.data.captions import plural
from pipelines.data.places import words as places

FILE, SHEET = "vocabulary.json", "vocabulary.webp"
CELL, COLUMNS = 44, 32
SIGNS = {
    "circle": "●", "square": "■", "triangle": "▲", "star": "★", "heart": "♥", "diamond": "◆", "ring": "○", "cross": "✚",
}  # fmt: skip
DYED = "dyed"
THINGS = {
    "animal": ("animals", "动物"), "food": ("food", "食物"), "plant": ("plants", "植物"), "person": ("people", "人物"),
    "face": ("faces", "表情"), "body": ("hands and bodies", "手和身体"), "clothes": ("clothes", "服饰"),
    "vehicle": ("vehicles", "交通工具"), "building": ("buildings", "建筑"), "object": ("objects", "物品"),
    "sky": ("sky", "天空"), "symbol": ("signs", "符号"), "shape": ("shapes", "形状"),
}  # fmt: skip
OTHERS = {
    "place": ("places", "地点"), "look": ("times and weather", "时间和天气"), "season": ("seasons", "季节"),
    "colour": ("colours", "颜色"), "size": ("sizes", "大小"), "number": ("numbers", "数量"),
    "relation": ("positions", "位置"), "style": ("styles", "风格"), "background": ("backgrounds", "背景"),
    DYED: ("things that are drawn in any colour", "可以画成任何颜色的事物"),
}  # fmt: skip
SMALL = {
    "en": "a an and at background by in of on the to with against while it is".split(),
    "zh": "一 在 的 和 上 里 背景 风格 , ".split(),
}


def description(unlearned: Collection[str] = ()) -> dict[str, Any]:
    """All that the captions can say: words by kind with their names, and the small words between them; without the
    subjects that a model of these captions cannot paint all the same."""
    return {
        "version": 1,
        "pictures": {"file": SHEET, "cell": CELL, "columns": COLUMNS},
        "kinds": {
            kind: {"names": {"en": english, "zh": chinese}, "thing": kind in THINGS}
            for kind, (english, chinese) in (THINGS | OTHERS).items()
        },
        "words": [*_subjects(unlearned), *_shapes(), *_others()],
        "small": {"en": sorted({*SMALL["en"], *_english_rest()}), "zh": sorted({*SMALL["zh"], *_chinese_rest()})},
        "joining": ["and", "和", "的"],
        "unlearned": sorted(unlearned),
    }


def write(folder: Path, unlearned: Collection[str] = ()) -> None:
    """The file, a word a line, and the sheet."""
    text = json.dumps(description(unlearned), ensure_ascii=False, separators=(",", ":"))
    (folder / FILE).write_text(text.replace('{"kind"', '\n{"kind"') + "\n", encoding="utf-8")
    sheet(unlearned).save(folder / SHEET, quality=70, method=6)


def sheet(unlearned: Collection[str] = ()) -> Image.Image:
    """A small picture of every subject, by its first artist, RGBA; of those that are left out an empty cell."""
    nouns = composing.nouns()
    whole = Image.new("RGBA", (COLUMNS * CELL, -(-len(nouns) // COLUMNS) * CELL))
    for i, noun in enumerate(nouns):
        if noun in unlearned:
            continue
        small = drawings.cutout(noun, drawings.artists(noun)[0], size=CELL - 2).convert("RGBA")
        left, top = i % COLUMNS * CELL, i // COLUMNS * CELL
        whole.paste(small, (left + (CELL - small.width) // 2, top + (CELL - small.height) // 2))
    return whole


def _word(kind: str, english: Iterable[str], chinese: Iterable[str], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "names": {"en": _once(english), "zh": _once(chinese)}, **more}


def _once(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name]


def _subjects(unlearned: Collection[str]) -> Iterator[dict[str, Any]]:
    dyed = _dyed()
    for i, noun in enumerate(composing.nouns()):
        if noun in unlearned:
            continue
        drawing = drawings.table()[noun]
        kind = "body" if drawing.kind == "hand" else drawing.kind
        plurals = {"en": _once(map(plural, drawing.english))}
        emoji = drawing.emoji.removesuffix("\ufe0f")
        near = [emoji] if emoji.isprintable() else []  # joined and newer ones are nothing that Python would print
        also = {"also": [DYED]} if dyed.intersection(drawing.english) else {}
        yield _word(kind, drawing.english, drawing.chinese, plurals=plurals, near=near, picture=i, **also)


def _dyed() -> set[str]:
    """English names of what is drawn in any colour. A red heart is the shape, and blue houses may be more than one."""
    names = {
        name for noun in composing.nouns() if drawings.artists(noun, "red") for name in drawings.table()[noun].english
    }
    return names | set(map(plural, names)) | set(scenes.SHAPES)


def _shapes() -> Iterator[dict[str, Any]]:
    drawn = {name for noun in composing.nouns() for name in drawings.table()[noun].english}
    for name in scenes.SHAPES:
        names = [] if name in drawn else [name]  # a heart without a colour is the drawn one
        plurals = {"en": [plural(one) for one in names]}
        yield _word("shape", names, [sentences.CHINESE[name]], plurals=plurals, sign=SIGNS[name])


def _others() -> Iterator[dict[str, Any]]:
    for words in (_places, _looks, _colours, _counted, _relations, _styles):
        yield from words()


def _places() -> Iterator[dict[str, Any]]:
    for kind, names in places.KINDS.items():
        english = [_bare(name) for name in names.english]
        say = {"en": names.english[0].format(""), "zh": names.chinese[0]}
        if kind == "sky":
            english += [_bare(name) for skies in places.SKIES.values() for name in skies[0]]
        yield _word("place", english, names.chinese, say=say)


def _looks() -> Iterator[dict[str, Any]]:
    for english, chinese in [*places.TIMES.values(), *places.LOOKS.values(), *places.MOONS.values()]:
        yield _word("look", english, chinese, say={"en": english[0], "zh": f"，{chinese[0]}"})
    for adjectives, phrases, chinese in places.SEASONS.values():
        if adjectives:
            yield _word("season", (*adjectives, *phrases), chinese)


def _colours() -> Iterator[dict[str, Any]]:
    for name, rgb in recolouring.COLOURS.items():
        chinese = sentences.CHINESE[name]
        english = sentences.COLOUR_WORDS.get(name, (name,))
        sign = "#{:02x}{:02x}{:02x}".format(*rgb)
        yield _word(
            "colour", english, (chinese, chinese.removesuffix("色")), colour=sign, of=["shape", "background", DYED]
        )
    yield _word("background", ["background"], ["背景"], say={"en": "on a blue background", "zh": "，蓝色背景"})


def _counted() -> Iterator[dict[str, Any]]:
    for english, chinese in ((("small", "little", "tiny"), "小"), (("large", "big", "huge"), "大")):
        yield _word("size", english, [chinese], of=[*THINGS])
    for count, (english, chinese) in sentences.NUMBERS.items():
        names = (english, *sentences.OTHER_NUMBERS[count])
        yield _word("number", names, [chinese], say={"en": english, "zh": f"{chinese}个"})


def _relations() -> Iterator[dict[str, Any]]:
    for name, english in sentences.RELATION_WORDS.items():
        yield _word("relation", english, sentences.CHINESE_RELATIONS[name])
    for order in ("row", "column"):
        yield _word("relation", [f"in a {order}"], [sentences.CHINESE[order]])


def _styles() -> Iterator[dict[str, Any]]:
    for style, forms in sentences.STYLE_WORDS.items():
        english = [form.replace("{}", " ").strip(" ,").removesuffix(" of") for form in forms]
        chinese = sentences.CHINESE[style]
        say = {"en": f"in {style} style", "zh": f"，{chinese}风格"}
        yield _word("style", english, [f"{chinese}风格", chinese], say=say)


def _bare(phrase: str) -> str:
    """Without its article and without the blank for an adjective."""
    return re.sub(r"^(an?|the) ", "", phrase.replace("{}", ""))


def _english_rest() -> set[str]:
    """Every word of the templates."""
    ways = [at for names in places.KINDS.values() for some in names.at.values() for at in some]
    looks = [text for looks in (places.TIMES, places.LOOKS, places.MOONS, places.SKIES) for one in looks.values()
             for text in one[0]]  # fmt: skip
    seasons = [text for season in places.SEASONS.values() for some in season[:2] for text in some]
    adjectives = [word for some in places.WEATHER_ADJECTIVES.values() for word in some]
    doing = [verb for some in sentences.DOING.values() for verbs in some.values() for verb in verbs]
    nouns = [name for names in places.KINDS.values() for name in names.english]
    said = [*ways, *looks, *seasons, *adjectives, *doing, *nouns, *sentences.PRAISE, *sentences.FRAMES]
    return {word for text in said for word in re.findall(r"[a-z0-9'-]+", text.lower())} | {
        "cloudy",
        "sunrise",
        "sunset",
    }


def _chinese_rest() -> set[str]:
    """The templates' own parts, whole, and what counts and places things."""
    ways = [at for names in places.KINDS.values() for some in names.at_chinese.values() for at in some]
    looks = [text for looks in (places.TIMES, places.LOOKS, places.MOONS, places.SKIES) for one in looks.values()
             for text in one[1]]  # fmt: skip
    seasons = [text for season in places.SEASONS.values() for text in season[2]]
    doing = [verb for some in sentences.CHINESE_DOING.values() for verbs in some.values() for verb in verbs]
    frames = [part.strip("，") for frame in sentences.CHINESE_FRAMES for part in frame.split("{}")]
    measures = {drawing.measure for drawing in drawings.table().values()} | {"个"}
    counted = {f"{number}{measure}" for number in "一两三四五" for measure in measures}
    said = {
        *ways,
        *looks,
        *seasons,
        *doing,
        *frames,
        *sentences.CHINESE_PRAISE,
        *measures,
        *counted,
        "多云的",
        "日出",
        "日落",
    }
    return {one for one in said if one}
