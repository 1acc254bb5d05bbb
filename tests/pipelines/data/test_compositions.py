"""Compositions: the same at every size, held out by name, said in full, and read off cell by cell."""

import re
from collections import Counter

import numpy as np
import pytest

from pipelines.data import (
    composing,
    composition_layout,
    compositions,
    corpus,
    drawings,
    recolouring,
    sentences,
    subjects,
)
from pipelines.data.captions import plural
from pipelines.data.compositions import Composition

RANDOM = np.random.default_rng


def some(count: int, seed: int = 0) -> list[Composition]:
    rng = RANDOM(seed)
    return [corpus.composition(rng)[0] for _ in range(count)]


def islands(filled: np.ndarray) -> int:
    """How many connected parts there are."""
    left, count = set(zip(*np.nonzero(filled), strict=True)), 0
    while left:
        count, waiting = count + 1, [left.pop()]
        while waiting:
            y, x = waiting.pop()
            near = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
    return count


@pytest.mark.slow
def test_a_composition_is_the_same_picture_each_time_and_at_twice_the_size() -> None:
    for made in some(40):
        picture = compositions.draw(made)
        assert picture.shape == (128, 128, 3) and np.array_equal(picture, compositions.draw(made))
        if made.style in ("outline", "pixel"):
            continue  # a line or a block is as many pixels wide at each size
        large = compositions.draw(made, 2).astype(float)
        halved = large.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
        assert np.abs(halved - picture).mean() < 6


@pytest.mark.slow
def test_every_kind_is_drawn_and_nothing_that_is_held_out() -> None:
    rng = RANDOM(1)
    seen = [corpus.composition(rng) for _ in range(1500)]
    shares = Counter(kind for _, kind in seen)
    for kind, (share, _) in composing.KINDS.items():
        assert abs(shares[kind] / len(seen) - share) < 0.05, kind
    assert not any(corpus.holds(made) for made, _ in seen)
    assert any(f.colour and not f.is_shape for made, _ in seen for f in made.figures)
    assert {f.artist for made, _ in seen for f in made.figures} == {"", *drawings.ARTISTS}


def test_common_things_and_first_artists_come_most_often() -> None:
    rng = np.random.default_rng(5)
    drawn = [figure for _ in range(600) for figure in corpus.composition(rng)[0].figures if not figure.is_shape]
    first = np.mean([figure.artist == drawings.artists(figure.noun, figure.colour)[0] for figure in drawn])
    common = np.mean([figure.noun in corpus.OFTEN or figure.noun in subjects.names() for figure in drawn])
    often = np.mean([figure.noun in corpus.OFTEN for figure in drawn])
    assert 0.85 < first < 0.99 and 0.85 < common < 0.99 and 0.35 < often < 0.75
    assert set(composing.nouns()) >= corpus.OFTEN
    assert len({figure.artist for figure in drawn}) == 5


def test_a_tenth_of_the_colours_of_a_subject_is_held_out() -> None:
    looks = [(noun, colour) for noun in composing.nouns() for colour in composing.COLOURS]
    assert 0.08 < np.mean([corpus.coloured(*look) for look in looks]) < 0.12
    assert corpus.pair("cat", "dog") == corpus.pair("dog", "cat")


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_so_many_of_a_group_stand_apart(count: int) -> None:
    rng = RANDOM(count)
    for look in [("circle", "red", ""), ("star", "navy", ""), ("heart", "green", "")]:
        made = composing.on_plain(rng, "white", [look] * count, "group")
        filled = np.abs(compositions.draw(made).astype(int) - recolouring.COLOURS["white"]).max(axis=-1) > 40
        assert islands(filled) == count


@pytest.mark.slow
def test_captions_are_whole_sentences_that_name_all_there_is() -> None:
    rng = RANDOM(3)
    for made in some(300, seed=2):
        for caption in (
            sentences.plain_english(made),
            sentences.plain_chinese(made),
            sentences.of_composition(made, rng),
        ):
            assert caption == caption.strip() or sentences.UNKNOWN in caption
            assert not re.search(r"[{}]|, ,|,,|，，|^,|,$", caption), caption
            assert "  " not in caption.replace(f" {sentences.UNKNOWN} ", ""), caption
        english, chinese = sentences.plain_english(made), sentences.plain_chinese(made)
        for figure in made.figures:
            noun = figure.noun
            assert noun in english or plural(noun) in english
            assert figure.colour in english
            if not figure.is_shape:
                assert drawings.table()[noun].chinese[0] in chinese
        if made.place is None and made.style != "outline":
            assert f"{made.ground} background" in english
            assert f"{sentences.CHINESE[str(made.ground)]}背景" in chinese


@pytest.mark.slow
def test_one_composition_is_said_in_many_ways_and_in_both_languages() -> None:
    rng, made = RANDOM(4), some(1, seed=9)[0]
    said = [sentences.of_composition(made, rng) for _ in range(200)]
    chinese = [caption for caption in said if re.search("[\u4e00-\u9fff]", caption)]
    assert len(set(said)) > 60 and 60 < len(chinese) < 140
    assert 0.03 < np.mean([sentences.UNKNOWN in caption for caption in said]) < 0.16


@pytest.mark.slow
def test_the_layout_names_the_figures_where_they_are_and_the_ground_elsewhere() -> None:
    nouns = {i: name for name, i in composition_layout.nouns().items()}
    colours = {i: name for name, i in composition_layout.colours().items()}
    for made in some(200, seed=5):
        cells = composition_layout.of_composition(made)
        seen = {nouns[int(i)] for i in cells[0].ravel()}
        wanted = {f"shape {f.noun}" if f.is_shape else f.noun for f in made.figures}
        assert seen - wanted <= {"", f"place {made.place.kind}" if made.place else ""}
        top = made.figures[-1:] if made.place else made.figures[:1]
        assert wanted >= {name for name in seen if name and not name.startswith("place ")}
        for figure in top:  # nothing lies over it
            assert (f"shape {figure.noun}" if figure.is_shape else figure.noun) in seen
        grounds = {f"{made.place.time} {made.place.weather}"} if made.place else {str(made.ground)}
        figures = {figure.colour or composition_layout.OWN for figure in made.figures}
        assert {colours[int(i)] for i in cells[1].ravel()} <= grounds | figures
