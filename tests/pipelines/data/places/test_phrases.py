"""Phrases: whatever can be drawn has words in both languages, whole and plain."""

import re

import numpy as np
import pytest

from pipelines.data.places import KINDS, Place, combinations, phrases, random_place, words
from pipelines.data.places.place import INDOORS, MOONS
from pipelines.data.places.spots import where

HAN = re.compile(r"[\u4e00-\u9fff]")
EVERY = [(kind, *look) for kind in KINDS for look in combinations(kind)]


def all_phrases(place: Place, rng: np.random.Generator | None) -> tuple[list[str], list[str]]:
    english = [phrases.english(place, rng), *(phrases.english_at(place, at, rng) for at in where(place))]
    chinese = [phrases.chinese(place, rng), *(phrases.chinese_at(place, at, rng) for at in where(place))]
    return english, chinese


@pytest.mark.parametrize("kind", KINDS)
def test_every_look_has_whole_phrases_in_both_languages(kind: str) -> None:
    rng = np.random.default_rng(0)
    for look in combinations(kind):
        for numbers in (None, *[rng] * 8):
            english, chinese = all_phrases(random_place(rng, kind, *look), numbers)
            for phrase in english:
                assert not HAN.search(phrase) and not re.search(r"[{}]|  |^ | $|\ban? [^a-z]", phrase), phrase
                assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", phrase), phrase
            for phrase in chinese:
                assert HAN.search(phrase) and not re.search(r"[{}a-zA-Z ]|的的|在在|，的|的，|，$", phrase), phrase


def test_the_plain_phrase_says_everything_that_differs() -> None:
    """Two looks of a kind never have the same plain phrase."""
    rng = np.random.default_rng(1)
    for language in (phrases.english, phrases.chinese):
        said = {}
        for name in EVERY:
            phrase = language(random_place(rng, *name))
            assert said.setdefault(phrase, name) == name, phrase


def test_some_plain_phrases_are_what_people_type() -> None:
    def place(kind: str, time: str, weather: str = "clear", season: str = "") -> Place:
        return Place(kind, time, weather, season, "", 80.0, 64.0, 64.0, 0)

    street = place("street", "night", season="winter")
    assert phrases.english(place("mountains", "sunset")) == "mountains at sunset"
    assert phrases.chinese(place("mountains", "sunset")) == "日落时的群山"
    assert phrases.english(place("beach", "day")) == "a beach on a sunny day"
    assert phrases.english(place("city", "night")) == "a city skyline at night"
    assert phrases.chinese(place("city", "night")) == "夜晚的城市天际线"
    assert phrases.english(place("street", "day", "rain")) == "a street in the rain"
    assert phrases.english(street) == "a snowy street at night"
    assert phrases.chinese(street) == "冬天夜晚的街道"
    assert phrases.english_at(place("beach", "sunset"), "ground") == "on a beach at sunset"
    assert phrases.chinese_at(place("snow", "day", season="winter"), "ground") == "在晴天的雪地里"
    assert phrases.english_at(place("forest", "day", season="autumn"), "ground") == "in an autumn forest"


def test_phrases_differ() -> None:
    rng = np.random.default_rng(2)
    place = random_place(rng, "beach", "sunset", "clear")
    assert len({phrases.english(place, rng) for _ in range(80)}) > 12
    assert len({phrases.chinese(place, rng) for _ in range(80)}) > 12


def test_a_phrase_never_says_another_time_or_weather() -> None:
    rng = np.random.default_rng(3)
    for kind in KINDS:
        for _ in range(40):
            place = random_place(rng, kind)
            english, chinese = all_phrases(place, rng)
            night = any(re.search(r"\bnight|starry|stars$|moon", phrase) for phrase in english)
            assert not night or place.time == "night", english
            assert not any("日落" in phrase or "傍晚" in phrase for phrase in chinese) or place.time == "sunset"
            rain = any(re.search(r"\brain\b|rainy|雨", phrase.replace("雨后彩虹", "")) for phrase in english + chinese)
            assert not rain or place.weather in ("rain", "storm", "rainbow"), english + chinese


def test_the_words_cover_every_kind_look_moon_and_season() -> None:
    assert set(words.KINDS) == set(KINDS)
    assert set(words.MOONS) == set(MOONS) - {""}
    for kind, time, weather, season in EVERY:
        if kind == "sky":
            assert all(words.SKIES[time, weather])
        if kind not in INDOORS:
            assert all(words.LOOKS[time, weather])
        assert not season or all(words.SEASONS[season])


def test_a_thing_can_be_said_to_be_wherever_it_can_stand() -> None:
    rng = np.random.default_rng(4)
    for kind in KINDS:
        for _ in range(8):
            for at in where(random_place(rng, kind)):
                assert words.KINDS[kind].at[at] and words.KINDS[kind].at_chinese[at]
