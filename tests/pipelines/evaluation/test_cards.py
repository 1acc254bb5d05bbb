"""The picture cards: prompt and seed still give what each card shows, as the judge sees it."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.evaluation import cards

DIFFERS = 12
"""Of 255, in the mean: what packing and another processor's rounding change."""
PROMPTS = {prompt.prompt: prompt for prompt in cards.PROMPTS}


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu")
    yield manager
    manager.close()


def on_the_sheet(place: int) -> np.ndarray:
    with Image.open(cards.FOLDER / cards.SHEET) as sheet:
        x, y = place % cards.COLUMNS * cards.SIDE, place // cards.COLUMNS * cards.SIDE
        return np.asarray(sheet.convert("RGB").crop((x, y, x + cards.SIDE, y + cards.SIDE)))


@pytest.mark.slow
@pytest.mark.parametrize("place", range(cards.MOST))
def test_prompt_and_seed_give_what_the_card_shows(place: int, devices: DeviceManager) -> None:
    card = cards.load()[place]
    picture = cards.paint(card, devices)
    assert cards.shows(PROMPTS[card.prompt], picture), f"make cards: the judge does not see {card.prompt!r} any more"
    small = Image.fromarray(picture).resize((cards.SIDE, cards.SIDE), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(small, float) - on_the_sheet(place)).mean() < DIFFERS


def test_the_judge_tells_a_card_from_another(devices: DeviceManager) -> None:
    first, second = (PROMPTS[card.prompt] for card in cards.load()[:2])
    assert not cards.shows(first, on_the_sheet(1))
    assert not cards.shows(second, on_the_sheet(0))


def test_there_are_a_dozen_each_once_and_the_sheet_is_small() -> None:
    prompts = [card.prompt for card in cards.load()]
    assert len(set(prompts)) == cards.MOST
    assert (cards.FOLDER / cards.SHEET).stat().st_size <= cards.MOST_BYTES
    with Image.open(cards.FOLDER / cards.SHEET) as sheet:
        assert sheet.size == (cards.COLUMNS * cards.SIDE, cards.MOST // cards.COLUMNS * cards.SIDE)
