"""The reader of places: what is drawn is read back, alone and with a thing in it, and what is wrong is found."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipelines.data import subjects
from pipelines.data.places import KINDS, Place, combinations, draw, places_parser, random_place
from pipelines.data.places.places_parser import PARTS, agrees, read


def as_wanted(place: Place) -> dict[str, str]:
    return {part: getattr(place, part) for part in PARTS}


def with_a_thing(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image, names = Image.fromarray(picture), subjects.names()
    subjects.paste(image, names[int(rng.integers(len(names)))], 64, 64 + rng.uniform(0, 20), rng.uniform(18, 30))
    return np.asarray(image)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_look_of_a_kind_is_read_back(kind: str) -> None:
    rng = np.random.default_rng(90)
    places = [random_place(rng, kind, *look) for look in combinations(kind)] + [
        random_place(rng, kind) for _ in range(12)
    ]
    right = np.mean([agrees(draw(place), as_wanted(place))["all"] for place in places])
    assert right >= 0.97


@pytest.mark.slow
def test_places_are_read_with_a_thing_before_them() -> None:
    rng = np.random.default_rng(91)
    places = [random_place(rng, kind) for kind in KINDS for _ in range(6)]
    right = np.mean([agrees(with_a_thing(draw(place), rng), as_wanted(place))["all"] for place in places])
    assert right >= 0.95


def test_large_and_blurred_pictures_are_read() -> None:
    rng = np.random.default_rng(92)
    places = [random_place(rng, kind) for kind in KINDS]
    assert np.mean([read(draw(place, 2))["kind"] == place.kind for place in places]) > 0.95
    blurred = [Image.fromarray(draw(place)).filter(ImageFilter.GaussianBlur(1.5)) for place in places]
    assert np.mean([read(np.asarray(b))["kind"] == p.kind for b, p in zip(blurred, places, strict=True)]) > 0.9


@pytest.mark.parametrize(
    ("part", "other"), [("kind", "forest"), ("time", "night"), ("weather", "fog"), ("season", "autumn")]
)
def test_each_kind_of_fault_is_found(part: str, other: str) -> None:
    place = random_place(np.random.default_rng(93), "hill", "day", "clear", "")
    found = agrees(draw(place), as_wanted(place) | {part: other})
    assert not found[part] and not found["all"]
    assert all(found[right] for right in PARTS if right != part)


def test_the_table_knows_every_look() -> None:
    """`python -m pipelines.data.places.places_parser` writes it again after a change to kinds or looks."""
    assert set(places_parser.looks().names) == {(kind, *look) for kind in KINDS for look in combinations(kind)}
