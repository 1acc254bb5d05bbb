"""The training data of the embedded text-to-image model: endless pairs of picture and caption, drawn on the fly."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.data import captions, held_out, scenes, styles, subjects
from pipelines.data.scenes import Scene

Look = tuple[str, str, str]


@dataclass(frozen=True)
class Example:
    """A picture, uint8 (SIZE, SIZE, 3), its caption, which kind of example it is, and the scene that it shows."""

    picture: NDArray[np.uint8]
    caption: str
    kind: str
    scene: Scene


JITTER = 0.6
"""Of what `scenes.arrange` allows: where a thing stands to the pixel is the slowest to learn and the least to see."""
STYLED = 0.15
"""The share of scenes that are drawn in a style other than flat."""


def example(rng: np.random.Generator) -> Example:
    """One random example that nothing holds out."""
    drawn, kind = scene(rng)
    return Example(scenes.draw(drawn), captions.of_scene(drawn, rng), kind, drawn)


def caption(rng: np.random.Generator) -> str:
    """One random caption."""
    return captions.of_scene(scene(rng)[0], rng)


def scene(rng: np.random.Generator) -> tuple[Scene, str]:
    """One random scene that nothing holds out, and its kind."""
    kind = str(rng.choice(list(KINDS), p=[share for share, _ in KINDS.values()]))
    make = KINDS[kind][1]
    drawn = make(rng, jitter=JITTER)
    while held_out.holds(drawn):
        drawn = make(rng, jitter=JITTER)
    return drawn, kind


def one_shape(rng: np.random.Generator, jitter: float = 1.0) -> Scene:
    background = _background(rng)
    return scenes.arrange(background, [_shape(rng, background, 1)], "", rng, _style(rng), jitter)


def one_subject(rng: np.random.Generator, jitter: float = 1.0) -> Scene:
    return scenes.arrange(_background(rng), [_subject(rng, 1)], "", rng, _style(rng), jitter)


def two_things(rng: np.random.Generator, shapes: float = 0.5, jitter: float = 1.0) -> Scene:
    """One thing placed to another; each is a shape with probability `shapes`."""
    background, relation = _background(rng), _pick(rng, scenes.RELATIONS)
    first = _thing(rng, background, 2, shapes)
    second = _thing(rng, background, 2, shapes)
    if relation == "inside":
        second = (_pick(rng, scenes.CONTAINERS), _colour(rng, background, first[1]), "")
    if relation == "on":
        second = (_pick(rng, scenes.PEDESTALS), _colour(rng, background, first[1]), "")
    if relation in ("inside", "on"):
        first = (first[0] if first[0] != "ring" else "star", first[1], "")
    style = _style(rng) if rng.random() < 0.3 else ""
    return scenes.arrange(background, [first, second], relation, rng, style, jitter)


def several_things(rng: np.random.Generator, shapes: float = 0.5, jitter: float = 1.0) -> Scene:
    """Two or three of the same, or three different ones, in a row or a column."""
    background, order = _background(rng), "column" if rng.random() < 0.3 else "row"
    if rng.random() < 0.6:
        count = int(rng.integers(2, 4))
        looks = [_thing(rng, background, count, shapes)] * count
    else:
        looks = [_thing(rng, background, 3, shapes) for _ in range(3)]
    return scenes.arrange(background, looks, order, rng, jitter=jitter)


KINDS: dict[str, tuple[float, Callable[..., Scene]]] = {
    "one subject": (0.38, one_subject),
    "one shape": (0.14, one_shape),
    "two things": (0.34, two_things),
    "several things": (0.14, several_things),
}
"""The share of each kind in what the model sees."""


def _thing(rng: np.random.Generator, background: str, count: int, shapes: float) -> Look:
    return _shape(rng, background, count) if rng.random() < shapes else _subject(rng, count)


def _shape(rng: np.random.Generator, background: str, count: int) -> Look:
    return _pick(rng, scenes.SHAPES), _colour(rng, background), _pick(rng, tuple(scenes.SHAPE_RADII[count]))


def _subject(rng: np.random.Generator, count: int) -> Look:
    small = rng.random() < 0.2
    return _pick(rng, subjects.names()), "", "small" if small and "small" in scenes.SUBJECT_RADII[count] else ""


def _colour(rng: np.random.Generator, *others: str) -> str:
    return _pick(rng, tuple(c for c in scenes.COLOURS if c not in others))


def _background(rng: np.random.Generator) -> str:
    return "white" if rng.random() < 0.4 else _pick(rng, tuple(scenes.COLOURS))


def _style(rng: np.random.Generator) -> str:
    return _pick(rng, styles.STYLES) if rng.random() < STYLED else ""


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
