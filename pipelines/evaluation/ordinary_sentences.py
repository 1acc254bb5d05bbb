"""Forty sentences as ordinary people type them, each with what must be seen for it to be obeyed.

Written by hand before the training. A sentence names the composition that is its truth and which checks it asks for;
what it leaves open may be anything.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.data import composing
from pipelines.data.compositions import Composition
from pipelines.data.places import random_place, spots

WOMEN = (
    "woman", "blonde woman", "woman with red hair", "woman with curly hair", "woman with white hair", "pregnant woman",
    "bride", "princess", "woman with a headscarf", "old woman", "girl", "person",
)  # fmt: skip


@dataclass(frozen=True)
class UserPrompt:
    """`checks` are among subject, second, colour, count, kind, time and weather; `also` are other names that do."""

    prompt: str
    checks: tuple[str, ...]
    nouns: tuple[str, ...] = ()
    colour: str = ""
    count: int = 1
    kind: str = ""
    time: str = "day"
    weather: str = "clear"
    at: str = "ground"
    also: tuple[str, ...] = ()


def _alone(prompt: str, noun: str, *also: str) -> UserPrompt:
    return UserPrompt(prompt, ("subject",), (noun,), also=also)


def _coloured(prompt: str, noun: str, colour: str) -> UserPrompt:
    return UserPrompt(prompt, ("subject", "colour"), (noun,), colour)


def _several(prompt: str, noun: str, count: int) -> UserPrompt:
    return UserPrompt(prompt, ("subject", "count"), (noun,), count=count)


def _together(prompt: str, first: str, second: str) -> UserPrompt:
    return UserPrompt(prompt, ("subject", "second"), (first, second))


def _place(prompt: str, kind: str, time: str = "", weather: str = "") -> UserPrompt:
    checks = ("kind", *(["time"] if time else []), *(["weather"] if weather else []))
    return UserPrompt(prompt, checks, kind=kind, time=time or "day", weather=weather or "clear")


def _there(prompt: str, noun: str, kind: str, time: str = "", at: str = "ground") -> UserPrompt:
    checks = ("subject", "kind", *(["time"] if time else []))
    return UserPrompt(prompt, checks, (noun,), kind=kind, time=time or "day", at=at)


SENTENCES = (
    _place("sunset over mountains", "mountains", "sunset"),
    _coloured("a black cat", "cat", "black"),
    _alone("portrait of a woman", "woman", *WOMEN),
    _place("a city skyline at night", "city", "night"),
    _several("four apples", "apple", 4),
    _together("a dog playing with a ball", "dog", "soccer ball"),
    _there("a beautiful photo of a castle on a hill at sunset, masterpiece, 4k", "castle", "hill", "sunset", "top"),
    _there("一只企鹅站在雪地里", "penguin", "snow"),
    _alone("a cute robot", "robot"),
    _place("beach with blue sky", "beach", "day", "clear"),
    _coloured("red sports car", "car", "red"),
    _alone("pizza", "pizza"),
    _place("a snowy village at night", "village", "night"),
    _alone("an astronaut", "astronaut"),
    _there("astronaut in space", "astronaut", "space", at="within"),
    _alone("可爱的熊猫", "panda"),
    _coloured("一辆蓝色的汽车", "car", "blue"),
    _place("下雨的街道", "street", "", "rain"),
    _place("星空下的湖", "lake", "night"),
    _several("两只猫", "cat", 2),
    _there("a horse running in a field of flowers", "horse", "meadow"),
    _there("a boat on the sea at sunset", "sailboat", "sea", "sunset", "water"),
    _alone("a big green dragon", "dragon", "dragon face"),
    _alone("laughing emoji", "laughing face", "laughing smiley", "rolling on the floor laughing", "smiley"),
    _together("cat and dog", "cat", "dog"),
    _place("cozy bedroom at night", "bedroom", "night"),
    _there("a whale under the sea", "whale", "underwater", at="within"),
    _coloured("purple butterfly", "butterfly", "purple"),
    _several("three red roses", "rose", 3),
    _place("a rainbow over a farm", "farm", "day", "rainbow"),
    _alone("生日蛋糕", "birthday cake", "cake"),
    _there("a deer in the forest", "deer", "forest"),
    _coloured("yellow umbrella, best quality", "umbrella", "yellow"),
    _place("日出时的沙漠", "desert", "sunrise"),
    _alone("king", "prince"),
    _there("an owl in the woods at night", "owl", "forest", "night"),
    _alone("a wizard with a hat", "wizard"),
    _place("northern lights over snowy mountains", "mountains", "night", "aurora"),
    _there("an airplane flying in the sky", "airplane", "sky", at="sky"),
    _alone("a cup of coffee, highly detailed", "coffee"),
)


def composition(sentence: UserPrompt, rng: np.random.Generator) -> Composition:
    """One picture of what the sentence says."""
    looks = [(noun, sentence.colour, "") for noun in sentence.nouns]
    if not sentence.kind:
        relation = "beside" if len(looks) == 2 else "group" if sentence.count > 1 else ""
        return composing.on_plain(rng, "white", looks * sentence.count, relation)
    asked: dict[str, Any] = {"time": sentence.time, "weather": sentence.weather}
    place = random_place(rng, sentence.kind, **asked) if sentence.kind != "space" else random_place(rng, "space")
    if not looks:
        return Composition(place, ())
    assert sentence.at in spots.where(place), sentence.prompt
    return composing.standing(rng, place, sentence.at, looks)
