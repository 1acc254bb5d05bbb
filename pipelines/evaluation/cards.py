"""The picture cards of the Create page: prompts that the embedded model paints well, each with a seed that the judge
found right, and one sheet of their pictures.

`make cards` makes them anew, as is needed after the model has changed: of each prompt below the first seed whose
picture shows all that is asked for; a prompt without one is left out, and the first MOST that are left are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import composing
from pipelines.data.compositions import Composition
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.evaluation import composed_judge, ordinary_sentences
from pipelines.evaluation.ordinary_sentences import UserPrompt
from pipelines.evaluation.text_to_image import at_judged_size
from pipelines.events import Result

FOLDER = Path(__file__).parents[2] / "assets" / "cards"
LIST, SHEET = "cards.json", "cards.webp"
MODEL = "aigc-mini"
MOST, COLUMNS, SIDE, QUALITY = 12, 4, 192, 84
SEEDS = range(1, 13)
MOST_BYTES = 150_000
_PLACE, _SUBJECT, _COLOUR, _COUNT = ("kind", "time"), ("subject",), ("subject", "colour"), ("subject", "count")
_ALL = ("all",)
"""Of shapes, which are read back exactly."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Card:
    prompt: str
    seed: int


PROMPTS: tuple[UserPrompt, ...] = (
    UserPrompt("beach with blue sky", _PLACE, kind="beach"),
    UserPrompt("a panda", _SUBJECT, ("panda",)),
    UserPrompt("sea at sunset", _PLACE, kind="sea", time="sunset"),
    UserPrompt("五个苹果", _COUNT, ("apple",), count=5),
    UserPrompt("a sunflower", _SUBJECT, ("sunflower",)),
    UserPrompt("日出时的沙漠", _PLACE, kind="desert", time="sunrise"),
    UserPrompt("three red roses", _COUNT, ("rose",), count=3),
    UserPrompt("a laughing face", _SUBJECT, ("laughing face",), also=("laughing smiley", "smiley")),
    UserPrompt("星空下的湖", _PLACE, kind="lake", time="night"),
    UserPrompt("a red heart above a blue square", _ALL),
    UserPrompt("a mushroom", _SUBJECT, ("mushroom",)),
    UserPrompt("a yellow umbrella", _COLOUR, ("umbrella",), "yellow"),
    UserPrompt("a house", _SUBJECT, ("house",)),
    UserPrompt("a meadow in the morning", ("kind",), kind="meadow"),
    UserPrompt("four pumpkins", _COUNT, ("pumpkin",), count=4),
    UserPrompt("a penguin", _SUBJECT, ("penguin",)),
    UserPrompt("a blue car", _COLOUR, ("car",), "blue"),
    UserPrompt("sunset over mountains", _PLACE, kind="mountains", time="sunset"),
)
"""In the order in which they are taken; those below are for prompts that a later model may miss."""


def wanted(prompt: UserPrompt) -> Composition:
    """One picture of what a card's prompt says."""
    rng = np.random.default_rng(0)
    if prompt.checks == _ALL:
        return composing.on_plain(rng, "white", [("heart", "red", ""), ("square", "blue", "")], "above")
    return ordinary_sentences.composition(prompt, rng)


def shows(prompt: UserPrompt, picture: Picture) -> bool:
    """Whether the judge finds in the picture all that the prompt asks for."""
    judged = at_judged_size(picture)
    if prompt.checks == _ALL:
        return composed_judge.right(judged, wanted(prompt))
    return composed_judge.checked(judged, wanted(prompt), prompt.checks, prompt.also)["all"]


def paint(card: Card, devices: DeviceManager) -> Picture:
    """As the studio paints it where nothing is changed, not enlarged."""
    generator = registry.get("text-to-image")
    values = {"model": MODEL, "prompt": card.prompt, "seed": card.seed, "upscale": "none"}
    *_, last = generator.stream(generator.request_type.parse(values), devices)
    assert isinstance(last, Result)
    return last.images[0]


def choose(devices: DeviceManager) -> Iterator[tuple[Card, Picture]]:
    """The cards with their pictures, as soon as each is found."""
    found = 0
    for prompt in PROMPTS:
        for seed in SEEDS:
            card = Card(prompt.prompt, seed)
            picture = paint(card, devices)
            if shows(prompt, picture):
                yield card, picture
                found += 1
                break
        if found == MOST:
            return


def write(made: Sequence[tuple[Card, Picture]], folder: Path = FOLDER) -> None:
    """The list and the sheet, which takes MOST_BYTES at most."""
    rows = -(-len(made) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE), "white")
    for i, (_, picture) in enumerate(made):
        small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    cards: list[dict[str, Any]] = [{"prompt": card.prompt, "seed": card.seed} for card, _ in made]
    folder.mkdir(parents=True, exist_ok=True)
    listed = {"model": MODEL, "columns": COLUMNS, "cards": cards}
    (folder / LIST).write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sheet.save(folder / SHEET, quality=QUALITY, method=6)
    assert (folder / SHEET).stat().st_size <= MOST_BYTES


def load(folder: Path = FOLDER) -> list[Card]:
    return [Card(**one) for one in json.loads((folder / LIST).read_text(encoding="utf-8"))["cards"]]


def main() -> None:
    devices = DeviceManager()
    try:
        made = list(choose(devices))
    finally:
        devices.close()
    write(made)
    for card, _ in made:
        print(f"{card.prompt}, seed {card.seed}")


if __name__ == "__main__":
    main()
