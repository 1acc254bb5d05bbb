"""Drawings: words that name one thing, artists who may be shipped, and colours that are what they are called."""

import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from PIL import Image

from pipelines.data import drawing_cache, drawing_sources, drawing_table, drawings, recolouring, subjects
from pipelines.data.drawing_table import ARTISTS, FOLDER

LICENCES = {
    "noto": "LICENSE-Apache-2.0.txt",
    "fluent-flat": "LICENSE-MIT.txt",
    "fluent": "LICENSE-MIT.txt",
    "twemoji": "LICENSE-CC-BY-4.0.txt",
    "fxemoji": "LICENSE-CC-BY-4.0.txt",
}
SAMPLE = ("cat", "horse", "bird", "car", "rose", "dress", "house", "policeman")


@cache
def bodies(artist: str) -> tuple[float, dict[str, str]]:
    return drawing_cache.artist_bodies(artist)


def drawn(name: str, artist: str, size: int = 64) -> drawing_cache.Raster:
    box, found = bodies(artist)
    return drawing_cache.draw(found[name], box, drawing_table.part_of(name, artist), size)


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_no_word_names_two_subjects(language: str) -> None:
    words = [word for drawing in drawing_table.table().values() for word in getattr(drawing, language)]
    assert len(words) == len(set(words))
    assert all(word and word == word.strip() for word in words)


def test_every_field_of_the_table_is_one_of_its_values() -> None:
    for drawing in drawing_table.table().values():
        assert drawing.height in drawing_table.HEIGHTS and drawing.place in drawing_table.PLACES
        assert drawing.measure and drawing.kind and drawing.emoji
        assert {*drawing.unchanged, *drawing.without} <= {"", *ARTISTS}


def test_the_subjects_of_the_first_model_keep_their_names() -> None:
    assert set(subjects.names()) <= set(drawing_table.names())


def test_every_subject_is_drawn_and_nearly_all_by_three_artists() -> None:
    counts = {name: sum(name in bodies(artist)[1] for artist in ARTISTS) for name in drawing_table.names()}
    assert min(counts.values()) >= 1
    assert sum(count >= 3 for count in counts.values()) > 0.98 * len(counts)


def test_every_artist_comes_with_a_licence_and_a_source_and_all_stays_small() -> None:
    notice = (FOLDER / "NOTICE.txt").read_text("utf-8")
    for artist in ARTISTS:
        assert f"{artist}.json.xz" in notice and LICENCES[artist] in notice
        assert (FOLDER / LICENCES[artist]).stat().st_size > 1000
    assert "CC BY 4.0" in notice
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 8e6


def fault(raster: drawing_cache.Raster, colour: str) -> str:
    """What is wrong with the drawing in that colour; "" if nothing is."""
    pixels = recolouring.recolour(raster.rgba, raster.region, raster.shade, colour)
    if not np.array_equal(pixels[raster.region == 0], raster.rgba[raster.region == 0]):
        return "changed outside its part"
    if not np.array_equal(pixels[..., 3], raster.rgba[..., 3]):
        return "another outline"
    part = (raster.region >= recolouring.REGION) & (raster.rgba[..., 3] == 255)
    median = np.median(pixels[part][:, :3], axis=0)
    return "" if recolouring.nearest(median) == colour else f"looks {recolouring.nearest(median)}"


@pytest.mark.parametrize("artist", ARTISTS)
def test_a_part_has_the_colour_that_it_was_given_and_the_rest_stays(artist: str) -> None:
    for name in SAMPLE:
        raster = drawn(name, artist) if name in bodies(artist)[1] else None
        if raster and raster.recolourable:
            assert {colour: fault(raster, colour) for colour in recolouring.COLOURS} == dict.fromkeys(
                recolouring.COLOURS, ""
            ), name


@pytest.mark.slow
@pytest.mark.parametrize("artist", ARTISTS)
def test_every_part_has_the_colour_that_it_was_given_and_the_rest_stays(artist: str) -> None:
    colours = tuple(recolouring.COLOURS)
    wrong, count = {}, 0
    for index, name in enumerate(bodies(artist)[1]):
        if not drawing_table.part_of(name, artist):
            continue
        raster = drawn(name, artist, 80)
        if raster.recolourable:
            count += 1
            for colour in (colours[index % len(colours)], colours[(index + 5) % len(colours)]):
                if found := fault(raster, colour):
                    wrong[name, colour] = found
    assert not wrong
    assert count > 60


def test_a_colour_keeps_the_shading() -> None:
    shades = np.array([[1, recolouring.MIDDLE, 255]], np.uint8)
    opaque, whole = np.full((1, 3, 4), 255, np.uint8), np.full((1, 3), 255, np.uint8)
    for colour in recolouring.COLOURS:
        dark, middle, light = recolouring.luminance(recolouring.recolour(opaque, whole, shades, colour))[0]
        assert dark < middle < light


def test_an_outline_is_dark_lies_around_the_drawing_and_leaves_it_alone() -> None:
    raster = drawn("cat", "noto")
    height, width = raster.rgba.shape[:2]
    lined = np.asarray(drawings.outlined(Image.fromarray(raster.rgba, "RGBa"), 2))
    inside = lined[2 : 2 + height, 2 : 2 + width]
    opaque = raster.rgba[..., 3] == 255
    assert lined.shape[:2] == (height + 4, width + 4)
    assert np.array_equal(inside[opaque], raster.rgba[opaque])
    around = (inside[..., 3] == 255) & (raster.rgba[..., 3] == 0)
    assert around.any() and inside[around][:, :3].max() < 60


def test_minified_paths_keep_their_numbers_apart() -> None:
    assert (
        drawing_sources.minify_path("M5.999.25a1.5 1.5 0 011.126-.501L-.001 3z", 2)
        == "M6 .25a1.5 1.5 0 0 1 1.13-.5L0 3z"
    )


def test_the_app_runs_without_what_draws_the_pictures() -> None:
    code = "import sys, pipelines.data.drawings, pipelines.data.mixture; print('resvg_py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "False", done.stderr
