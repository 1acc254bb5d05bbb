"""What training never draws, so that the evaluation asks for something new: decided by name, before any training.

One shape: the exact looks of the evaluation's prompts. Two or three things: one in ten pairs of nouns never meet.
A subject alone: one in ten pairs of subject and background (white excepted) never meet.
"""

import json
import zlib
from functools import cache
from itertools import combinations
from pathlib import Path

from pipelines.data.scenes import Scene, is_shape

FILE = Path(__file__).parents[2] / "assets" / "evaluation" / "text-to-image.json"
ONE_IN = 10


def holds(scene: Scene) -> bool:
    """Whether the scene is kept for the evaluation."""
    match scene.things:
        case (thing,) if is_shape(thing.noun):
            return appearance(scene) in shape_looks()
        case (thing,):
            return on_background(thing.noun, scene.background)
        case things:
            return any(pair(a.noun, b.noun) for a, b in combinations(things, 2) if a.noun != b.noun)


def pair(first: str, second: str) -> bool:
    """Whether two nouns never stand in one training picture."""
    return _lot("|".join(sorted((first, second))))


def on_background(subject: str, background: str) -> bool:
    """Whether the subject never stands alone on this background in training."""
    return background != "white" and _lot(f"{subject} on {background}")


def appearance(scene: Scene) -> tuple[str, ...]:
    """What a caption says of a one-thing scene; its style aside."""
    return (scene.background, *scene.things[0].appearance)


@cache
def shape_looks() -> frozenset[tuple[str, ...]]:
    entries = json.loads(FILE.read_text(encoding="utf-8"))["one_shape"] if FILE.exists() else []
    looks = (
        (e["scene"]["background"], *(e["scene"]["things"][0][k] for k in ("noun", "colour", "size"))) for e in entries
    )
    return frozenset(looks)


def _lot(words: str) -> bool:
    return zlib.crc32(words.encode()) % ONE_IN == 0
