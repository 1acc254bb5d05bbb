"""Phrases for places, English and Chinese: what is seen, and where a thing is; in many ways or in one plain way."""

import re

import numpy as np

from pipelines.data.places import words
from pipelines.data.places.place import INDOORS, KINDS, Place

Rng = np.random.Generator | None

COVERED = ("白雪覆盖", "积雪", "樱花盛开", "满是红叶")
"""What is said of the ground and the trees, next to the noun; other seasons stand before the time."""
UNSAID = 0.5
"""How often the usual, a sunny day, is left unsaid."""


def english(place: Place, rng: Rng = None) -> str:
    """What is seen, as "a rainy street at night"; without random numbers the one plain phrase that says everything."""
    if place.kind == "sky":
        return _moonlit(_pick(rng, words.SKIES[place.time, place.weather][0]), place, rng)
    noun = _pick(rng, words.KINDS[place.kind].english)
    if place.kind in ("space", "underwater"):
        return noun
    if rng is not None and place.kind not in INDOORS:
        if place.time in ("sunrise", "sunset") and rng.random() < 0.3:
            cloudy = "a cloudy " if place.weather == "cloudy" else ""
            return f"{cloudy}{place.time} over {_filled(noun, _adjective(place, rng))}"
        if place.weather in words.WEATHER_ADJECTIVES and rng.random() < 0.35:
            adjective = _pick(rng, words.WEATHER_ADJECTIVES[place.weather])
            time = "" if place.time == "day" else _pick(rng, words.TIMES[place.time][0])
            return _joined(_filled(noun, adjective), time)
    return _with_look(noun, place, rng)


def chinese(place: Place, rng: Rng = None) -> str:
    """What is seen, as 日落时的群山."""
    if place.kind == "sky":
        return _pick(rng, words.SKIES[place.time, place.weather][1])
    noun = _pick(rng, words.KINDS[place.kind].chinese)
    if place.kind in ("space", "underwater"):
        return noun
    look, season = _look(place, rng, 1), _season(place, rng)
    if rng is not None and place.kind not in INDOORS and place.time in ("sunrise", "sunset") and rng.random() < 0.25:
        name = {"sunrise": "日出", "sunset": "日落"}[place.time]
        sky = f"多云的{name}" if place.weather == "cloudy" else name
        return f"{_of(season, noun)}和{sky}" if rng.random() < 0.5 else f"{_of(season, noun)}，{sky}"
    return _attributed(noun, look, season, rng)


def english_at(place: Place, where: str, rng: Rng = None) -> str:
    """Where a thing is, as "on a beach at sunset"; `where` is a spot's."""
    phrase = _pick(rng, words.KINDS[place.kind].at[where])
    if place.kind in ("space", "underwater"):
        return phrase
    return _with_look(phrase, place, rng)


def chinese_at(place: Place, where: str, rng: Rng = None) -> str:
    """Where a thing is, with 在, as 在日落时的沙滩上, or 在沙滩上，日落; it follows the thing."""
    phrase = _pick(rng, words.KINDS[place.kind].at_chinese[where])
    if place.kind in ("space", "underwater"):
        return f"在{phrase}"
    look, season = _look(place, rng, 1), _season(place, rng)
    return "在" + _attributed(phrase, look, season, rng)


def _with_look(phrase: str, place: Place, rng: Rng) -> str:
    """The phrase with its season and its look, each once."""
    look, adjective = _look(place, rng, 0), _adjective(place, rng)
    if adjective and (("{}" not in phrase) or (rng is not None and rng.random() < 0.3)):
        season = _pick(rng, words.SEASONS[place.season][1])
        return _joined(_joined(_filled(phrase, ""), season), look)
    return _joined(_filled(phrase, adjective), look)


def _look(place: Place, rng: Rng, language: int) -> str:
    """The phrase of time and weather; a sunny day may stay unsaid, and indoors the weather does."""
    usual = place.time == "day" and place.weather == "clear"
    if usual and ((rng is not None and rng.random() < UNSAID) or (place.season and _says_season(place))):
        return ""
    if place.kind in INDOORS:
        return _pick(rng, words.TIMES[place.time][language])
    if place.moon and rng is not None and rng.random() < 0.4:
        return _pick(rng, words.MOONS[place.moon][language])
    return _pick(rng, words.LOOKS[place.time, place.weather][language])


def _moonlit(phrase: str, place: Place, rng: Rng) -> str:
    if place.moon and rng is not None and rng.random() < 0.4:
        return f"{phrase} with {'a full moon' if place.moon == 'full' else 'a crescent moon'}"
    return phrase


def _says_season(place: Place) -> bool:
    """A kind's only season is in its name, and where snow falls it is winter."""
    return bool(place.season) and len(KINDS[place.kind].seasons) > 1 and place.weather != "snow"


def _adjective(place: Place, rng: Rng) -> str:
    return _pick(rng, words.SEASONS[place.season][0]) if _says_season(place) else ""


def _season(place: Place, rng: Rng) -> str:
    return _pick(rng, words.SEASONS[place.season][2]) if _says_season(place) else ""


def _filled(phrase: str, adjective: str) -> str:
    """The phrase with the adjective in its place, and "a" or "an" as the next word asks."""
    phrase = phrase.format(f"{adjective} " if adjective else "")
    return re.sub(r"\ban? (?=(\w))", lambda m: "an " if m.group(1) in "aeiou" else "a ", phrase)


def _joined(phrase: str, more: str) -> str:
    return f"{phrase} {more}" if more else phrase


def _attributed(noun: str, look: str, season: str, rng: Rng) -> str:
    """The noun after its season and its look, joined by one 的; where one is there, the look follows a comma."""
    if season and "的" in noun:
        season = ""  # two attributes with 的 before one noun are no Chinese that anybody writes
    apart = look and ("的" in look + noun or (rng is not None and rng.random() < 0.25))
    if apart:
        return f"{_of(season, noun)}，{look}"
    if season in COVERED:
        return _of(look + season, noun)
    return _of(season + look, noun)


def _of(before: str, noun: str) -> str:
    """The attribute, 的 and the noun."""
    return f"{before}的{noun}" if before else noun


def _pick(rng: Rng, options: words.Words) -> str:
    return options[0] if rng is None else options[int(rng.integers(len(options)))]
