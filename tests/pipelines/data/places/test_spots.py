"""Spots: things stand on the ground, swim on water, fly in the sky, and stay inside the picture."""

import numpy as np
import pytest
from PIL import Image

from pipelines.data import subjects
from pipelines.data.places import KINDS, draw, random_place
from pipelines.data.places.paint import SIZE
from pipelines.data.places.place import INDOORS
from pipelines.data.places.spots import SIZES, put, shade, shaded, spots, where

CASES = [(kind, count) for kind in KINDS for count in (1, 2, 3)]


@pytest.mark.parametrize(("kind", "count"), CASES)
def test_spots_lie_inside_the_picture_and_on_the_right_sort_of_ground(kind: str, count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(12):
        place = random_place(rng, kind)
        for at in where(place):
            found = spots(place, count, rng, at)
            assert len(found) == count
            assert [s.foot for s in found] == sorted(s.foot for s in found)
            for spot in found:
                assert spot.where == at
                assert 0 < spot.x < SIZE and 0 < spot.foot < SIZE
                assert all(0 < spot.high(size) <= spot.foot for size in SIZES)
                if at in ("ground", "floor", "water"):
                    assert spot.foot > place.horizon
                if at == "sky":
                    assert spot.foot <= place.horizon


def test_the_nearer_the_larger() -> None:
    rng = np.random.default_rng(0)
    place = random_place(rng, "meadow")
    found = [spots(place, 1, rng)[0] for _ in range(60)]
    assert np.corrcoef([s.foot for s in found], [s.height for s in found])[0, 1] > 0.95


def test_on_a_river_things_stand_beside_the_water_and_swim_on_it() -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        place = random_place(rng, "river", "day", "clear", "")
        picture = draw(place).astype(int)
        for at, blue in (("ground", False), ("water", True)):
            spot = spots(place, 1, rng, at)[0]
            red, _, last = picture[min(SIZE - 1, int(spot.foot)), int(spot.x)]
            assert (last > red + 20) == blue


def test_a_spot_that_a_place_lacks_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="desert has no water"):
        spots(random_place(rng, "desert"), 1, rng, "water")


@pytest.mark.parametrize("kind", KINDS)
def test_the_light_of_a_place_is_weak_enough_to_know_things_by_their_colours(kind: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        assert all(0.6 <= share <= 1 for share in shade(random_place(rng, kind)))


@pytest.mark.parametrize("scale", [1, 2])
def test_a_thing_is_put_with_its_feet_on_the_spot(scale: int) -> None:
    rng = np.random.default_rng(6)
    place = random_place(rng, "snow", "day", "clear")
    before = draw(place, scale)
    picture, spot = Image.fromarray(before), spots(place, 1, rng)[0]
    put(picture, subjects.cutout("penguin").convert("RGBA"), place, spot, scale=scale)
    rows = np.flatnonzero((np.asarray(picture) != before).any(axis=(1, 2)))
    assert abs(rows.max() - spot.foot * scale) < 6 * scale
    assert abs(rows.max() - rows.min() - spot.height * scale) < 8 * scale


def test_a_drawing_keeps_its_outline_in_any_light() -> None:
    rng = np.random.default_rng(7)
    fox = subjects.cutout("fox").convert("RGBA")
    night = shaded(fox, random_place(rng, "forest", "night"))
    assert night.getchannel("A").tobytes() == fox.getchannel("A").tobytes()
    assert np.asarray(night)[..., :3].mean() < np.asarray(fox)[..., :3].mean()


def test_rooms_have_no_sky_to_fly_in() -> None:
    rng = np.random.default_rng(8)
    assert not any("sky" in where(random_place(rng, kind)) for kind in INDOORS)
