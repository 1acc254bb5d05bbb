"""Sentences, English and Chinese, for scenes and subjects: many ways to say the same picture."""

import numpy as np

from pipelines.data import subjects
from pipelines.data.scenes import Scene, Thing

CHINESE = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "cyan": "青色", "blue": "蓝色",
    "purple": "紫色", "pink": "粉色", "brown": "棕色", "black": "黑色", "white": "白色", "gray": "灰色",
    "circle": "圆形", "square": "正方形", "triangle": "三角形", "star": "星形", "heart": "心形",
    "diamond": "菱形", "ring": "圆环", "cross": "十字形",
    "small": "小", "large": "大", "medium": "",
    "left of": "左边", "right of": "右边", "above": "上面", "below": "下面",
}  # fmt: skip


def of_scene(scene: Scene, rng: np.random.Generator) -> str:
    """A sentence that says all of the scene; what is usual (medium size, a white background) may stay unsaid."""
    says_background = scene.background != "white" or rng.random() < 0.5
    if rng.random() < 0.5:
        return _english_scene(scene, says_background, rng)
    return _chinese_scene(scene, says_background, rng)


def of_subject(name: str, background: str, size: str, rng: np.random.Generator) -> str:
    """A sentence for a subject; a white background may stay unsaid."""
    says_background = background != "white" or rng.random() < 0.4
    if rng.random() < 0.5:
        noun = _pick(rng, subjects.english(name)) if rng.random() < 0.3 else name
        noun = " ".join(filter(None, (size, noun)))
        phrase = f"{article(noun)} {noun}" if rng.random() < 0.7 else noun
        return _on_english(phrase, background, rng) if says_background else phrase
    noun = _pick(rng, subjects.chinese(name))
    counter = _pick(rng, ("一只", "一个", "", ""))
    phrase = counter + (_pick(rng, ("小", "小的")) if size else "") + noun
    return _on_chinese(phrase, background, rng) if says_background else phrase


def plain_english(scene: Scene) -> str:
    """The scene's one plain English sentence, everything said: the form of the fixed evaluation prompts."""
    things = [f"{article(_words(t))} {_words(t)}" for t in scene.things]
    return f" {scene.relation} ".join(things) + f" on {article(scene.background)} {scene.background} background"


def plain_chinese(scene: Scene) -> str:
    """The scene's one plain Chinese sentence, everything said."""
    things = [_chinese_thing(t, "一个") for t in scene.things]
    phrase = things[0] if len(things) == 1 else f"{things[0]}在{things[1]}的{CHINESE[scene.relation]}"
    return f"{phrase}，{CHINESE[scene.background]}背景"


def _english_scene(scene: Scene, says_background: bool, rng: np.random.Generator) -> str:
    with_article = rng.random() < 0.7
    things = [f"{article(_words(t))} {_words(t)}" if with_article else _words(t) for t in scene.things]
    relation = scene.relation
    if relation in ("left of", "right of") and rng.random() < 0.3:
        relation = f"to the {relation}"
    phrase = f" {relation} ".join(things)
    return _on_english(phrase, scene.background, rng) if says_background else phrase


def _chinese_scene(scene: Scene, says_background: bool, rng: np.random.Generator) -> str:
    counter = "一个" if rng.random() < 0.6 else ""
    things = [_chinese_thing(t, counter) for t in scene.things]
    of = "的" if rng.random() < 0.5 else ""
    phrase = things[0] if len(things) == 1 else f"{things[0]}在{things[1]}{of}{CHINESE[scene.relation]}"
    return _on_chinese(phrase, scene.background, rng) if says_background else phrase


def _chinese_thing(thing: Thing, counter: str) -> str:
    size = CHINESE[thing.size]
    return f"{counter}{size}{'的' if size and counter else ''}{CHINESE[thing.colour]}{CHINESE[thing.shape]}"


def _on_english(phrase: str, background: str, rng: np.random.Generator) -> str:
    forms = (f"{phrase} on {article(background)} {background} background", f"{phrase}, {background} background")
    return _pick(rng, forms)


def _on_chinese(phrase: str, background: str, rng: np.random.Generator) -> str:
    colour = CHINESE[background]
    return _pick(rng, (f"{phrase}，{colour}背景", f"{colour}背景上的{phrase}"))


def _words(thing: Thing) -> str:
    return " ".join(([] if thing.size == "medium" else [thing.size]) + [thing.colour, thing.shape])


def article(words: str) -> str:
    """ "a" or "an"."""
    return "an" if words[0] in "aeiou" else "a"


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
