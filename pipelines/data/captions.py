"""Sentences, English and Chinese, for scenes: many ways to say the same picture, and one plain way."""

import numpy as np

from pipelines.data import subjects
from pipelines.data.scenes import Scene, Thing, is_shape

CHINESE = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "cyan": "青色", "blue": "蓝色",
    "purple": "紫色", "pink": "粉色", "brown": "棕色", "black": "黑色", "white": "白色", "gray": "灰色",
    "circle": "圆形", "square": "正方形", "triangle": "三角形", "star": "星形", "heart": "心形",
    "diamond": "菱形", "ring": "圆环", "cross": "十字形",
    "small": "小", "large": "大", "": "",
    "left of": "左边", "right of": "右边", "above": "上方", "below": "下方", "inside": "里面", "on": "上面",
    "row": "排成一行", "column": "排成一列",
    "outline": "线稿", "pixel": "像素", "pastel": "粉彩", "night": "夜晚",
}  # fmt: skip
COUNTERS = {"animal": "只", "vehicle": "辆", "plant": "棵"}
NUMBERS = {2: ("two", "两"), 3: ("three", "三")}
STYLE_PHRASES = {
    "outline": ("outline drawing of {}", "{}, outline", "{} in outline style"),
    "pixel": ("pixel art of {}", "{}, pixel art", "{} in pixel style"),
    "pastel": ("pastel drawing of {}", "{}, pastel", "{} in pastel style"),
    "night": ("{} at night", "{}, night", "{} in night style"),
}


def of_scene(scene: Scene, rng: np.random.Generator) -> str:
    """A sentence that says all of the scene; a white background may stay unsaid."""
    says_background = scene.background != "white" or rng.random() < 0.4
    if scene.style == "outline":  # a line drawing is on white, whatever the scene's background was
        says_background = False
    if rng.random() < 0.5:
        return _english(scene, says_background, rng)
    return _chinese(scene, says_background, rng)


def plain_english(scene: Scene) -> str:
    """The scene's one plain English sentence, everything said: the form of the fixed evaluation prompts."""
    phrase = _english_things(scene, [f"{article(_words(t))} {_words(t)}" for t in scene.things], scene.relation)
    if scene.style != "outline":
        phrase = f"{phrase} on {article(scene.background)} {scene.background} background"
    return f"{phrase} in {scene.style} style" if scene.style else phrase


def plain_chinese(scene: Scene) -> str:
    """The scene's one plain Chinese sentence, everything said."""
    phrase = _chinese_things(scene, [_chinese_thing(t, "一" + _counter(t)) for t in scene.things], "的")
    if scene.style != "outline":
        phrase = f"{phrase}，{CHINESE[scene.background]}背景"
    return f"{phrase}，{CHINESE[scene.style]}风格" if scene.style else phrase


def _english(scene: Scene, says_background: bool, rng: np.random.Generator) -> str:
    with_article = rng.random() < 0.7
    nouns = [_words(t, rng) for t in scene.things]
    relation = scene.relation
    if relation in ("left of", "right of") and rng.random() < 0.3:
        relation = f"to the {relation}"
    elif relation == "inside" and rng.random() < 0.3:
        relation = "in"
    elif relation == "below" and rng.random() < 0.3:
        relation = "under"
    phrase = _english_things(scene, [f"{article(n)} {n}" if with_article else n for n in nouns], relation)
    if says_background:
        colour = scene.background
        forms = (f"{phrase} on {article(colour)} {colour} background", f"{phrase}, {colour} background")
        phrase = _pick(rng, forms)
    return _pick(rng, STYLE_PHRASES[scene.style]).format(phrase) if scene.style else phrase


def _english_things(scene: Scene, nouns: list[str], relation: str) -> str:
    if scene.relation not in ("row", "column"):
        return f" {relation} ".join(nouns)
    if _alike(scene):
        return f"{NUMBERS[len(nouns)][0]} {plural(_words(scene.things[0]))}{_ordered(scene)}"
    return f"{', '.join(nouns[:-1])} and {nouns[-1]} in a {scene.relation}"


def _chinese(scene: Scene, says_background: bool, rng: np.random.Generator) -> str:
    counted = rng.random() < 0.6
    nouns = [_chinese_thing(t, "一" + _counter(t, rng) if counted else "", rng) for t in scene.things]
    phrase = _chinese_things(scene, nouns, "的" if rng.random() < 0.5 else "", rng)
    if says_background:
        colour = CHINESE[scene.background]
        phrase = _pick(rng, (f"{phrase}，{colour}背景", f"{colour}背景上的{phrase}"))
    if scene.style:
        style = CHINESE[scene.style]
        phrase = _pick(rng, (f"{phrase}，{style}风格", f"{style}风格的{phrase}"))
    return phrase


def _chinese_things(scene: Scene, nouns: list[str], of: str, rng: np.random.Generator | None = None) -> str:
    if len(nouns) == 1:
        return nouns[0]
    if scene.relation not in ("row", "column"):
        return f"{nouns[0]}在{nouns[1]}{of}{CHINESE[scene.relation]}"
    if _alike(scene):
        first = scene.things[0]
        number = NUMBERS[len(nouns)][1]
        return _chinese_thing(first, number + _counter(first, rng), rng) + _ordered(scene, chinese=True)
    return f"{'、'.join(nouns[:-1])}和{nouns[-1]}{CHINESE[scene.relation]}"


def _alike(scene: Scene) -> bool:
    return len({t.appearance for t in scene.things}) == 1


def _ordered(scene: Scene, chinese: bool = False) -> str:
    """A row is the usual order of things that are counted, and stays unsaid."""
    if scene.relation == "row":
        return ""
    return CHINESE["column"] if chinese else " in a column"


def _chinese_thing(thing: Thing, counter: str, rng: np.random.Generator | None = None) -> str:
    size = CHINESE[thing.size]
    of = "的" if size and counter and (rng is None or rng.random() < 0.5) else ""
    if is_shape(thing.noun):
        return f"{counter}{size}{of}{CHINESE[thing.colour]}{CHINESE[thing.noun]}"
    noun = subjects.table()[thing.noun].chinese
    return f"{counter}{size}{of}{noun[0] if rng is None else _pick(rng, noun)}"


def _counter(thing: Thing, rng: np.random.Generator | None = None) -> str:
    """The measure word, or the general one, 个."""
    kind = "" if is_shape(thing.noun) else subjects.table()[thing.noun].kind
    usual = rng is None or rng.random() < 0.6
    return COUNTERS.get(kind, "个") if usual else "个"


def _words(thing: Thing, rng: np.random.Generator | None = None) -> str:
    noun = thing.noun
    if rng is not None and not is_shape(noun) and rng.random() < 0.3:
        noun = _pick(rng, subjects.table()[noun].english)
    return " ".join(filter(None, (thing.size, thing.colour, noun)))


def article(words: str) -> str:
    """ "a" or "an"."""
    return "an" if words[0] in "aeiou" else "a"


def plural(words: str) -> str:
    """The regular English plural of the last word; what is already one stays as it is."""
    irregular = {"mouse": "mice", "sheep": "sheep", "fish": "fish", "deer": "deer", "die": "dice", "wolf": "wolves"}
    *before, last = words.split(" ")
    if last in irregular:
        last = irregular[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last = last if last.endswith("s") and not last.endswith("ss") else last + "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith("o") and last in ("mango", "tomato", "volcano"):
        last += "es"
    else:
        last += "s"
    return " ".join([*before, last])


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
