"""The fixed evaluation prompts and seeds of the embedded text-to-image model, written before it was trained.

`python -m pipelines.evaluation.prompts` writes the file again; the same code always writes the same file. What the
prompts of the "new" groups ask for is held out of the training data (`pipelines.data.held_out`). A scene that the
judges misread even as it is drawn is not asked for.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations

import numpy as np

from pipelines.data import captions, held_out, mixture, scenes, subjects
from pipelines.data.scenes import Scene
from pipelines.evaluation import judges

FILE = held_out.FILE
FIRST_SEED = 1000
Maker = Callable[[np.random.Generator], Scene]


def build() -> dict[str, list[dict]]:
    """All groups of prompts, each prompt with the scene it asks for and its seed."""
    return dict(groups())


def groups() -> Iterator[tuple[str, list[dict]]]:
    """Each group by name (every fourth prompt in Chinese), one after another from one source of random numbers."""
    rng = np.random.default_rng(20261124)

    def flat_two(shapes: float) -> Maker:
        return lambda rng: dataclasses.replace(mixture.two_things(rng, shapes), style="")

    def on_new_background(rng: np.random.Generator) -> Scene:
        return dataclasses.replace(mixture.one_subject(rng), style="")

    def one_shape(rng: np.random.Generator) -> Scene:
        return dataclasses.replace(mixture.one_shape(rng), style="")

    def new_background(scene: Scene) -> bool:
        return held_out.on_background(scene.things[0].noun, scene.background)

    def several(rng: np.random.Generator) -> Scene:
        return mixture.several_things(rng, 1.0)

    yield "one_shape", _entries(rng, 200, one_shape, lambda s: True)
    yield "two_shapes", _entries(rng, 120, flat_two(1.0), lambda s: not new_pair(s))
    yield "two_shapes_new", _entries(rng, 80, flat_two(1.0), new_pair)
    yield "several_shapes", _entries(rng, 80, several, lambda s: not new_pair(s) and s.relation == "row")
    yield "subjects", [_entry(_every_subject(rng, name), i) for i, name in enumerate(subjects.names())]
    yield "subjects_new_background", _entries(rng, 100, on_new_background, new_background)
    yield "two_things", _entries(rng, 80, flat_two(0.3), lambda s: _mixed(s) and not new_pair(s))
    yield "two_things_new", _entries(rng, 40, flat_two(0.3), lambda s: _mixed(s) and new_pair(s))
    yield "styles", _entries(rng, 60, mixture.one_subject, lambda s: bool(s.style) and not held_out.holds(s))


def _mixed(scene: Scene) -> bool:
    return any(not scenes.is_shape(t.noun) for t in scene.things)


def new_pair(scene: Scene) -> bool:
    """Whether two things of the scene never meet in training."""
    return any(held_out.pair(a.noun, b.noun) for a, b in combinations(scene.things, 2) if a.noun != b.noun)


def _every_subject(rng: np.random.Generator, name: str) -> Scene:
    return scenes.arrange("white", [(name, "", "")], "", rng)


def _entries(rng: np.random.Generator, count: int, make: Maker, wanted: Callable[[Scene], bool]) -> list[dict]:
    found: dict[str, Scene] = {}
    while len(found) < count:
        scene = make(rng)
        if wanted(scene) and judges.right(scenes.draw(scene), scene):  # never ask what the judge cannot read
            found.setdefault(captions.plain_english(scene), scene)
    return [_entry(scene, i) for i, scene in enumerate(found.values())]


def _entry(scene: Scene, index: int) -> dict:
    prompt = captions.plain_chinese(scene) if index % 4 == 3 else captions.plain_english(scene)
    return {"prompt": prompt, "scene": _plain(scene), "seed": FIRST_SEED + index}


@cache
def load() -> dict[str, list[dict]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def scene(entry: dict) -> Scene:
    """The scene that an entry's prompt asks for."""
    told = entry["scene"]
    things = tuple(scenes.Thing(**thing) for thing in told["things"])
    return Scene(told["background"], things, told["relation"], told["style"])


def _plain(drawn: Scene) -> dict:
    told = dataclasses.asdict(drawn)
    for thing in told["things"]:
        thing.update({key: round(thing[key], 2) for key in ("x", "y", "radius")})
    return told


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(build(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {FILE.name}")
