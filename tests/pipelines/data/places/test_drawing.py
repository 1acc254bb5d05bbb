"""Places: the same place is the same picture at every scale, and everything that may be asked for can be drawn."""

import dataclasses

import numpy as np
import pytest

from pipelines.data.places import KINDS, TIMES, WEATHERS, combinations, draw, random_place
from pipelines.data.places.drawing import PAINTERS
from pipelines.data.places.paint import SIZE
from pipelines.data.places.place import SEASONS


def some(kind: str, count: int = 3) -> list:
    rng = np.random.default_rng(len(kind))
    return [random_place(rng, kind) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_place_is_the_same_picture(kind: str) -> None:
    for place in some(kind):
        first = draw(place)
        assert first.shape == (SIZE, SIZE, 3) and first.dtype == np.uint8
        assert (draw(dataclasses.replace(place)) == first).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_drawn_large_shows_the_same_as_drawn_small(kind: str) -> None:
    for place in some(kind):
        large = draw(place, 2)
        assert large.shape == (2 * SIZE, 2 * SIZE, 3)
        again = large.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
        assert np.abs(again - draw(place)).mean() < 2.5


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_places_are_the_same_picture(kind: str) -> None:
    rng = np.random.default_rng(0)
    time, weather, season = combinations(kind)[0]
    first, second = (draw(random_place(rng, kind, time, weather, season)).astype(int) for _ in range(2))
    assert np.abs(first - second).mean() > 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_look_of_a_kind_can_be_drawn_and_differs_from_the_others(kind: str) -> None:
    rng = np.random.default_rng(1)
    place = random_place(rng, kind)
    drawn = []
    for time, weather, season in combinations(kind):
        looks = random_place(rng, kind, time, weather, season)
        assert (looks.kind, looks.time, looks.weather, looks.season) == (kind, time, weather, season)
        same = dataclasses.replace(place, time=time, weather=weather, season=season, moon="")
        drawn.append(draw(same).tobytes())
    assert len(set(drawn)) == len(drawn)


def test_places_name_only_what_is_known() -> None:
    assert set(PAINTERS) == set(KINDS)
    for kind in KINDS:
        for time, weather, season in combinations(kind):
            assert time in TIMES and weather in WEATHERS and season in SEASONS


def test_what_is_asked_for_is_drawn_and_what_cannot_be_is_refused() -> None:
    rng = np.random.default_rng(2)
    places = [random_place(rng, weather="snow") for _ in range(20)]
    assert all(place.weather == "snow" and place.season == "winter" for place in places)
    with pytest.raises(ValueError, match="desert"):
        random_place(rng, "desert", weather="snow")


@pytest.mark.parametrize("kind", KINDS)
def test_night_is_darker_than_day(kind: str) -> None:
    known = {time for time, *_ in combinations(kind)}
    if not {"day", "night"} <= known:
        return
    rng = np.random.default_rng(3)
    levels = {
        t: np.mean([draw(random_place(rng, kind, t, "clear")).mean() for _ in range(4)]) for t in ("day", "night")
    }
    assert levels["night"] < levels["day"] - 40
