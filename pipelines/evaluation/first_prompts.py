"""The fixed prompts by which the first embedded model was judged, so that its successors can be compared with it."""

import json
from functools import cache

from pipelines.data import held_out, scenes
from pipelines.data.scenes import Scene

FILE = held_out.FILE


@cache
def load() -> dict[str, list[dict]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def scene(entry: dict) -> Scene:
    """The scene that an entry's prompt asks for."""
    told = entry["scene"]
    things = tuple(scenes.Thing(**thing) for thing in told["things"])
    return Scene(told["background"], things, told["relation"], told["style"])
