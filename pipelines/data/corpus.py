"""Endless pairs of picture and caption, drawn on the fly, without what is held out for the evaluation.

Held out by name, before any training: one in ten pairs of nouns never meet, one in ten pairs of subject and colour (its
own or its plain ground's, white excepted) and of subject and kind of place are never drawn.
"""

import zlib
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipelines.data import composing, compositions, sentences
from pipelines.data.compositions import Composition, Figure

ONE_IN = 10


@dataclass(frozen=True)
class Example:
    """A picture, uint8 (SIZE, SIZE, 3), its caption, which kind of example it is, and what it shows."""

    picture: NDArray[np.uint8]
    caption: str
    kind: str
    composition: Composition


def example(rng: np.random.Generator) -> Example:
    made, kind = composition(rng)
    return Example(compositions.draw(made), sentences.of_composition(made, rng), kind, made)


def caption(rng: np.random.Generator) -> str:
    return sentences.of_composition(composition(rng)[0], rng)


def composition(rng: np.random.Generator) -> tuple[Composition, str]:
    """One random composition that nothing holds out, and its kind."""
    kind = str(rng.choice(list(composing.KINDS), p=[share for share, _ in composing.KINDS.values()]))
    make = composing.KINDS[kind][1]
    made = make(rng)
    while holds(made):
        made = make(rng)
    return made, kind


def holds(made: Composition) -> bool:
    """Whether the composition is kept for the evaluation."""
    nouns = {figure.noun for figure in made.figures}
    return any(pair(a, b) for a, b in combinations(sorted(nouns), 2)) or any(
        new_for(figure, made) for figure in made.figures
    )


def new_for(figure: Figure, made: Composition) -> bool:
    """Whether training never shows the figure in its colour, on this ground, or in this kind of place."""
    if figure.colour and coloured(figure.noun, figure.colour):
        return True
    if made.place is not None:
        return in_place(figure.noun, made.place.kind)
    return len(made.figures) == 1 and not figure.is_shape and on_ground(figure.noun, str(made.ground))


def pair(first: str, second: str) -> bool:
    """Whether two nouns never stand in one training picture."""
    return _lot("|".join(sorted((first, second))))


def coloured(noun: str, colour: str) -> bool:
    """Whether training never shows this in that colour."""
    return _lot(f"{colour} {noun}")


def on_ground(noun: str, ground: str) -> bool:
    """Whether the subject never stands alone on this ground in training."""
    return ground != "white" and _lot(f"{noun} on {ground}")


def in_place(noun: str, kind: str) -> bool:
    """Whether the subject is never in this kind of place in training."""
    return _lot(f"{noun} in {kind}")


def _lot(words: str) -> bool:
    return zlib.crc32(words.encode()) % ONE_IN == 0
