"""Endless pairs of picture and caption, drawn on the fly, without what is held out for the evaluation.

Held out by name, before any training: one in ten pairs of nouns never meet, one in ten pairs of subject and colour (its
own or its plain ground's, white excepted) and of subject and kind of place are never drawn.
"""

import zlib
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipelines.data import composing, compositions, drawings, sentences, subjects
from pipelines.data.compositions import Composition, Figure

ONE_IN = 10
COMMON = 0.9
"""The share of compositions that hold nothing but shapes, what the first model knew and OFTEN."""
OFTEN = frozenset(
    "cat; dog; horse; penguin; sailboat; house; castle; dragon; bluebird; child; boy; girl; person; man; woman; "
    "blonde woman; woman with red hair; woman with curly hair; man with a beard; old man; old woman; policeman; "
    "doctor; cook; farmer; teacher; astronaut; firefighter; artist; singer; prince; princess; bride; superhero; "
    "superheroine; wizard; witch; fairy; vampire; mermaid; elf; zombie; ninja; surfer; cyclist; cat face; dog "
    "face; rabbit face; horse face; goat; seal; jellyfish; fish; bird; dove; crow; turkey; sandwich; spaghetti; "
    "potato; onion; cucumber; melon; mango; tea; milk; pie; salad; bouquet; potted plant; full moon; star; "
    "fireworks; shooting star; tornado; motorcycle; train; high-speed train; bridge; church; school; hospital; "
    "houses; hut; japanese castle; ferris wheel; fountain; heart; book; open book; bed; window; sunglasses; sun "
    "hat; cap; ring; watch; eye; crossed swords; telescope; vase; spoon; microphone".split("; ")
)
"""What people name first, besides what the first model knows well."""
OFTEN_SHARE = 0.4
"""The share of compositions with things of which at least one is among OFTEN."""
FIRST_ARTIST = 0.92
"""The share of compositions in which all is drawn by its first artist: with five drawings of everything equally often,
a run of a few hundred thousand pictures ends in blots (docs/LOG.md)."""


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
    common = rng.random() < COMMON
    often = kind not in ("one shape", "place") and rng.random() < OFTEN_SHARE
    made = make(rng)
    while holds(made) or (common and not _is_common(made)) or (often and not _names_often(made)):
        made = make(rng)
    return _by_first_artists(made, rng), kind


def _is_common(made: Composition) -> bool:
    """Whether it is made of shapes, of what the first model knew and of OFTEN."""
    return all(figure.is_shape or figure.noun in OFTEN or figure.noun in subjects.names() for figure in made.figures)


def _names_often(made: Composition) -> bool:
    return any(figure.noun in OFTEN for figure in made.figures)


def _by_first_artists(made: Composition, rng: np.random.Generator) -> Composition:
    """The same by each thing's first artist, most times. What stands on another stays: drawings differ in height."""
    if rng.random() >= FIRST_ARTIST or made.relation == "on":
        return made
    figures = [
        figure if figure.is_shape else replace(figure, artist=drawings.artists(figure.noun, figure.colour)[0])
        for figure in made.figures
    ]
    return replace(made, figures=tuple(figures))


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
