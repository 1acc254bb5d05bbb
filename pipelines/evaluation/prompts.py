"""The fixed evaluation prompts and seeds of the embedded text-to-image model, written before it was trained.

`python -m pipelines.evaluation.prompts` writes the file again; the same code always writes the same file. The looks of
the one-shape prompts (shape, colour, size, background) are held out of the training data.
"""

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np

from pipelines.data import captions, scenes
from pipelines.data.subjects import NAMES

FILE = Path(__file__).parents[2] / "assets" / "evaluation" / "text-to-image.json"
ONE_SHAPE, TWO_SHAPES, SUBJECTS = 200, 60, 40
FIRST_SEED = 1000


def build() -> dict[str, list[dict]]:
    """200 one-shape and 60 two-shape prompts (every fourth in Chinese) and 40 subjects, each with its seed."""
    rng = np.random.default_rng(20261123)
    single, pairs = _scenes(rng, 1, ONE_SHAPE), _scenes(rng, 2, TWO_SHAPES)
    chosen = sorted(int(i) for i in rng.permutation(len(NAMES))[:SUBJECTS])
    subjects = [
        {"prompt": f"{captions.article(NAMES[i])} {NAMES[i]}", "subject": NAMES[i], "seed": FIRST_SEED + n}
        for n, i in enumerate(chosen)
    ]
    return {"one_shape": single, "two_shapes": pairs, "subjects": subjects}


def _scenes(rng: np.random.Generator, things: int, count: int) -> list[dict]:
    found: dict[tuple, dict] = {}
    while len(found) < count:
        scene = scenes.random_scene(rng, things)
        if look(scene) in found:
            continue
        prompt = captions.plain_chinese(scene) if len(found) % 4 == 3 else captions.plain_english(scene)
        found[look(scene)] = {"prompt": prompt, "scene": _plain(scene), "seed": FIRST_SEED + len(found)}
    return list(found.values())


def look(scene: scenes.Scene) -> tuple:
    """What a caption says of a scene: everything but the jitter."""
    return (scene.background, scene.relation, *((t.shape, t.colour, t.size) for t in scene.things))


@cache
def held_out() -> frozenset[tuple]:
    """The looks of the one-shape prompts, which training never draws."""
    return frozenset(look(scene(entry)) for entry in load()["one_shape"])


@cache
def load() -> dict[str, list[dict]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def scene(entry: dict) -> scenes.Scene:
    """The scene that an entry's prompt asks for."""
    told = entry["scene"]
    return scenes.Scene(told["background"], tuple(scenes.Thing(**t) for t in told["things"]), told["relation"])


def _plain(drawn: scenes.Scene) -> dict:
    told = dataclasses.asdict(drawn)
    for thing in told["things"]:
        thing.update({key: round(thing[key], 2) for key in ("x", "y", "radius")})
    return told


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(build(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {FILE.name}")
