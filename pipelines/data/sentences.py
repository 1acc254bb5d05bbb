"""Sentences, English and Chinese, for compositions: as people type them, in many ways, and one plain way for each."""

import numpy as np

from pipelines.data import drawings
from pipelines.data.captions import CHINESE as SCENE_WORDS
from pipelines.data.captions import article, plural
from pipelines.data.compositions import Composition, Figure
from pipelines.data.places import phrases

Rng = np.random.Generator

UNKNOWN = "<unk>"
"""Stands for a word that the network does not know; some training captions hold one that changes nothing."""
HAS_UNKNOWN, HAS_PRAISE, IS_LIST = 0.08, 0.15, 0.07
"""Shares of captions: with an unknown word, with words of praise that change nothing, as a list of tags."""

CHINESE = SCENE_WORDS | {
    "beige": "米色", "navy": "深蓝色", "beside": "旁边", "group": "",
}  # fmt: skip
NUMBERS = {2: ("two", "两"), 3: ("three", "三"), 4: ("four", "四"), 5: ("five", "五")}
OTHER_NUMBERS = {2: ("2", "a pair of", "a couple of"), 3: ("3",), 4: ("4",), 5: ("5",)}
COLOUR_WORDS = {"gray": ("gray", "grey"), "cyan": ("cyan", "turquoise"), "navy": ("navy", "dark blue", "navy blue")}
RELATION_WORDS = {
    "left of": ("left of", "to the left of", "on the left of"),
    "right of": ("right of", "to the right of", "on the right of"),
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
    "inside": ("inside", "in"),
    "on": ("on", "on top of", "standing on", "sitting on"),
    "beside": ("beside", "next to", "and", "with", "by"),
}
CHINESE_RELATIONS = {
    "left of": ("左边", "左侧"), "right of": ("右边", "右侧"), "above": ("上方", "上空"), "below": ("下方", "下面"),
    "inside": ("里面", "里", "中"), "on": ("上面", "上"), "beside": ("旁边", "边上"),
}  # fmt: skip
PRAISE = (
    "beautiful", "cute", "lovely", "pretty", "nice", "adorable", "funny", "happy", "simple", "colorful", "cool",
    "amazing", "gorgeous",
)  # fmt: skip
FRAMES = (
    "a picture of {}", "an image of {}", "a photo of {}", "a beautiful picture of {}", "an illustration of {}",
    "{}, masterpiece", "{}, best quality", "masterpiece, best quality, {}", "{}, 4k", "{}, highly detailed",
    "{}, masterpiece, 4k", "an emoji of {}", "an icon of {}", "{} please", "draw {}", "show me {}", "i want {}",
    "a painting of {}", "{}, digital art", "{}, high quality", "a nice drawing of {}", "{} illustration",
)  # fmt: skip
CHINESE_PRAISE = ("可爱的", "漂亮的", "美丽的", "好看的", "有趣的", "开心的")
CHINESE_FRAMES = (
    "一张{}的图片", "{}的图画", "画{}", "一幅{}", "{}，高清", "{}，杰作", "{}，最好的质量", "请画{}", "我想要{}",
    "一张{}", "{}，插画", "{}的照片", "给我画{}", "{}，精美",
)  # fmt: skip
STYLE_WORDS = {
    "outline": ("outline drawing of {}", "{}, outline", "{} in outline style", "line art of {}", "{}, line drawing"),
    "pixel": ("pixel art of {}", "{}, pixel art", "{} in pixel style", "{} as pixel art", "8-bit {}"),
    "pastel": ("pastel drawing of {}", "{}, pastel", "{} in pastel style", "{} in pastel colors"),
    "night": ("{} in night style", "{}, night style", "{} at night"),
}
DOING = {
    "animal": {"ground": ("standing", "sitting", "walking", "running", "playing"), "water": ("swimming",),
               "sky": ("flying",), "within": ("floating",), "top": ("standing",)},
    "person": {"ground": ("standing", "walking", "running"), "top": ("standing",), "within": ("floating",)},
    "vehicle": {"ground": ("parked", "driving"), "water": ("sailing", "floating"), "sky": ("flying",)},
    "plant": {"ground": ("growing",)},
}  # fmt: skip
CHINESE_DOING = {
    "animal": {"ground": ("站", "坐", "走", "跑", "玩"), "water": ("游",), "sky": ("飞",), "top": ("站",)},
    "person": {"ground": ("站", "走"), "top": ("站",)},
    "vehicle": {"ground": ("停",), "water": ("航行", "漂"), "sky": ("飞",)},
    "plant": {"ground": ("长",)},
}


def of_composition(composition: Composition, rng: Rng) -> str:
    """A sentence that says all of it; a white ground may stay unsaid."""
    if rng.random() < 0.5:
        return _with_unknown(_english(composition, rng), " ", rng)
    return _with_unknown(_chinese(composition, rng), "", rng)


def plain_english(composition: Composition) -> str:
    """The one plain English sentence, everything said: the form of the fixed evaluation prompts."""
    return _english(composition, None)


def plain_chinese(composition: Composition) -> str:
    """The one plain Chinese sentence, everything said."""
    return _chinese(composition, None)


def _english(composition: Composition, rng: Rng | None) -> str:
    place, figures = composition.place, composition.figures
    if place is None:
        phrase = _english_plain(composition, rng)
    elif not figures:
        phrase = phrases.english(place, rng)
    else:
        where = figures[0].spot.where if figures[0].spot else "ground"
        at, things = phrases.english_at(place, where, rng), _english_counted(figures, rng)
        doing = _pick(rng, DOING.get(_kind(figures[0]), {}).get(where, ("",))) if _often(rng, 0.4) else ""
        if doing and not at.startswith(("flying", "floating")):
            things = f"{things} {doing}"
        phrase = f"{at}, {things}" if _often(rng, 0.08) else f"{things} {at}"
    if composition.style:
        phrase = _pick(rng, STYLE_WORDS[composition.style]).format(phrase)
    return _pick(rng, FRAMES).format(phrase) if _often(rng, HAS_PRAISE) else phrase


def _english_plain(composition: Composition, rng: Rng | None) -> str:
    figures, relation = composition.figures, composition.relation
    if _often(rng, IS_LIST) and (len(figures) == 1 or relation in ("row", "beside")):
        tags = [_english_words(figure, rng) for figure in figures]
        return ", ".join([*tags, f"{composition.ground} background"] if _says_ground(composition, rng) else tags)
    with_article = _often(rng, 0.7, plainly=True)
    nouns = [_with_article(_english_words(f, rng)) if with_article else _english_words(f, rng) for f in figures]
    if relation in RELATION_WORDS:
        phrase = f" {_pick(rng, RELATION_WORDS[relation])} ".join(nouns)
    elif len({figure.appearance for figure in figures}) == 1 and len(figures) > 1:
        ordered = {"column": " in a column", "row": " in a row"}.get(relation, "")
        phrase = f"{_english_counted(figures, rng)}{ordered}"
    elif len(figures) > 1:
        phrase = f"{', '.join(nouns[:-1])} and {nouns[-1]} in a {relation}"
    else:
        phrase = nouns[0]
    if not _says_ground(composition, rng):
        return phrase
    colour = _pick(rng, COLOUR_WORDS.get(str(composition.ground), (str(composition.ground),)))
    form = _pick(rng, ("{} on {} background", "{} on {}", "{} against {} background", "{} with {} background"))
    if form == "{} on {}":
        return f"{phrase} on {colour}" if rng is not None else phrase
    if _often(rng, 0.3):
        return f"{phrase}, {colour} background"
    return form.format(phrase, _with_article(colour))


def _english_counted(figures: tuple[Figure, ...], rng: Rng | None) -> str:
    if len(figures) == 1:
        words = _english_words(figures[0], rng)
        return _with_article(words) if _often(rng, 0.8, plainly=True) else words
    if len({figure.appearance for figure in figures}) == 1:
        number = NUMBERS[len(figures)][0]
        if _often(rng, 0.25):
            number = _pick(rng, OTHER_NUMBERS[len(figures)])
        return f"{number} {plural(_english_words(figures[0], rng))}"
    nouns = [_with_article(_english_words(figure, rng)) for figure in figures]
    return f"{', '.join(nouns[:-1])} and {nouns[-1]}"


def _english_words(figure: Figure, rng: Rng | None) -> str:
    noun = figure.noun
    if rng is not None and not figure.is_shape and rng.random() < 0.35:
        noun = _pick(rng, drawings.table()[noun].english)
    size = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}.get(figure.size, ("",))
    colour = COLOUR_WORDS.get(figure.colour, (figure.colour,))
    praise = _pick(rng, PRAISE) if _often(rng, 0.06) else ""
    return " ".join(filter(None, (praise, _pick(rng, size), _pick(rng, colour), noun)))


def _chinese(composition: Composition, rng: Rng | None) -> str:
    place, figures = composition.place, composition.figures
    if place is None:
        phrase = _chinese_plain(composition, rng)
    elif not figures:
        phrase = phrases.chinese(place, rng)
    else:
        where = figures[0].spot.where if figures[0].spot else "ground"
        at = phrases.chinese_at(place, where, rng)
        doing = _pick(rng, CHINESE_DOING.get(_kind(figures[0]), {}).get(where, ("",))) if _often(rng, 0.4) else ""
        phrase = f"{_chinese_counted(figures, rng)}{doing}{at}"
    if composition.style:
        style = CHINESE[composition.style]
        phrase = _pick(rng, (f"{phrase}，{style}风格", f"{style}风格的{phrase}"))
    return _pick(rng, CHINESE_FRAMES).format(phrase) if _often(rng, HAS_PRAISE) else phrase


def _chinese_plain(composition: Composition, rng: Rng | None) -> str:
    figures, relation = composition.figures, composition.relation
    counted = _often(rng, 0.6, plainly=True)
    nouns = [_chinese_thing(f, "一" + _measure(f, rng) if counted else "", rng) for f in figures]
    if relation in CHINESE_RELATIONS:
        of = "的" if relation != "on" and _often(rng, 0.5, plainly=True) else ""
        phrase = f"{nouns[0]}在{nouns[1]}{of}{_pick(rng, CHINESE_RELATIONS[relation])}"
        if relation == "beside" and _often(rng, 0.5):
            phrase = f"{nouns[0]}和{nouns[1]}"
    elif len({figure.appearance for figure in figures}) == 1 and len(figures) > 1:
        ordered = {"column": "排成一列", "row": "排成一行"}.get(relation, "")
        phrase = _chinese_counted(figures, rng) + ordered
    elif len(figures) > 1:
        phrase = f"{'、'.join(nouns[:-1])}和{nouns[-1]}{CHINESE[relation]}"
    else:
        phrase = nouns[0]
    if not _says_ground(composition, rng):
        return phrase
    colour = CHINESE[str(composition.ground)]
    return _pick(rng, (f"{phrase}，{colour}背景", f"{colour}背景上的{phrase}", f"{colour}背景，{phrase}"))


def _chinese_counted(figures: tuple[Figure, ...], rng: Rng | None) -> str:
    first = figures[0]
    if len(figures) == 1:
        return _chinese_thing(first, "一" + _measure(first, rng) if _often(rng, 0.7, plainly=True) else "", rng)
    if len({figure.appearance for figure in figures}) == 1:
        return _chinese_thing(first, NUMBERS[len(figures)][1] + _measure(first, rng), rng)
    nouns = [_chinese_thing(figure, "一" + _measure(figure, rng), rng) for figure in figures]
    return f"{'、'.join(nouns[:-1])}和{nouns[-1]}"


def _chinese_thing(figure: Figure, counter: str, rng: Rng | None) -> str:
    size, colour = CHINESE[figure.size], CHINESE[figure.colour]
    if colour and _often(rng, 0.3):
        colour = colour.removesuffix("色")
    of = "的" if (size or colour) and _often(rng, 0.5, plainly=True) else ""
    praise = _pick(rng, CHINESE_PRAISE) if _often(rng, 0.06) else ""
    if figure.is_shape:
        return f"{counter}{praise}{size}{'的' if size and of else ''}{colour}{CHINESE[figure.noun]}"
    words = drawings.table()[figure.noun].chinese
    noun = _pick(rng, words) if _often(rng, 0.35) else words[0]
    return f"{counter}{praise}{size}{colour}{of}{noun}"


def _measure(figure: Figure, rng: Rng | None) -> str:
    """The measure word, or the general one, 个."""
    if figure.is_shape or _often(rng, 0.3):
        return "个"
    return drawings.table()[figure.noun].measure


def _kind(figure: Figure) -> str:
    return "" if figure.is_shape else drawings.table()[figure.noun].kind


def _says_ground(composition: Composition, rng: Rng | None) -> bool:
    """A line drawing is on white, whatever the ground was, and white may stay unsaid."""
    if composition.style == "outline":
        return False
    return composition.ground != "white" or _often(rng, 0.3, plainly=True)


def _with_article(words: str) -> str:
    return f"{article(words)} {words}"


def _with_unknown(sentence: str, between: str, rng: Rng) -> str:
    """Sometimes with a word that says nothing: before one of its words, or after them all."""
    if rng.random() >= HAS_UNKNOWN:
        return sentence
    parts = sentence.split(" ") if between else list(sentence)
    for _ in range(int(rng.integers(1, 4))):
        parts.insert(int(rng.integers(len(parts) + 1)), f" {UNKNOWN} " if not between else UNKNOWN)
    return between.join(parts)


def _often(rng: Rng | None, share: float, plainly: bool = False) -> bool:
    """By chance; without random numbers `plainly`."""
    return plainly if rng is None else bool(rng.random() < share)


def _pick(rng: Rng | None, options: tuple[str, ...]) -> str:
    return options[0] if rng is None else options[int(rng.integers(len(options)))]
