"""The training data of the embedded text-to-image model: endless pairs of picture and caption, drawn on the fly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.data import captions, scenes, subjects
from pipelines.evaluation import prompts


@dataclass(frozen=True)
class Example:
    """A picture, uint8 (64, 64, 3), its caption, and which kind of example it is."""

    picture: NDArray[np.uint8]
    caption: str
    kind: str


KINDS = {"subject": 0.42, "one shape": 0.36, "two shapes": 0.22}
"""The share of each kind in what the model sees."""


def example(rng: np.random.Generator) -> Example:
    """One random example."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind == "subject":
        return _subject(rng)
    scene = scenes.random_scene(rng, things=1 if kind == "one shape" else 2)
    while prompts.look(scene) in prompts.held_out():
        scene = scenes.random_scene(rng, things=1)
    return Example(scenes.draw(scene), captions.of_scene(scene, rng), kind)


def caption(rng: np.random.Generator) -> str:
    """One random caption."""
    return example(rng).caption


def _subject(rng: np.random.Generator) -> Example:
    name = subjects.NAMES[int(rng.integers(len(subjects.NAMES)))]
    background = "white" if rng.random() < 0.5 else list(scenes.COLOURS)[int(rng.integers(len(scenes.COLOURS)))]
    size = "small" if rng.random() < 0.12 else ""
    picture = subjects.draw(name, background, size, rng)
    return Example(picture, captions.of_subject(name, background, size, rng), "subject")
