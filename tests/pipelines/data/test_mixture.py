"""The training mixture: shares, what is held out, and subjects with their words."""

from itertools import combinations

import numpy as np
from transformers import PreTrainedTokenizerFast

from pipelines import places
from pipelines.data import held_out, mixture, scenes, subjects


def test_the_shares_of_the_kinds_are_as_written() -> None:
    rng = np.random.default_rng(0)
    kinds = [mixture.scene(rng)[1] for _ in range(1500)]
    for kind, (share, _) in mixture.KINDS.items():
        assert abs(kinds.count(kind) / len(kinds) - share) < 0.05


def test_nothing_that_is_held_out_is_ever_drawn_for_training() -> None:
    rng = np.random.default_rng(1)
    drawn = [mixture.scene(rng)[0] for _ in range(4000)]
    looks = {held_out.appearance(s) for s in drawn if len(s.things) == 1 and scenes.is_shape(s.things[0].noun)}
    assert len(looks) > 300 and not looks & held_out.shape_looks()
    alone = {(s.things[0].noun, s.background) for s in drawn if len(s.things) == 1}
    met = {frozenset((a.noun, b.noun)) for s in drawn for a, b in combinations(s.things, 2) if a.noun != b.noun}
    assert len(met) > 1000
    assert not [p for p in alone if not scenes.is_shape(p[0]) and held_out.on_background(*p)]
    assert not [p for p in met if held_out.pair(*p)]


def test_one_pair_in_ten_is_held_out() -> None:
    pairs = list(combinations(subjects.names(), 2))
    assert 0.08 < np.mean([held_out.pair(a, b) for a, b in pairs]) < 0.12
    assert held_out.pair("cat", "dog") == held_out.pair("dog", "cat")


def test_there_are_250_subjects_each_with_its_own_picture_and_words() -> None:
    rng = np.random.default_rng(0)
    names = subjects.names()
    pictures = [scenes.draw(scenes.arrange("white", [(name, "", "")], "", rng)) for name in names]
    assert len(names) == 250
    assert all(picture.std() > 10 for picture in pictures)
    for words in ("english", "chinese"):
        said = [word for subject in subjects.table().values() for word in getattr(subject, words)]
        assert len(said) == len(set(said)) and all(said)


def test_every_caption_fits_the_tokenizer() -> None:
    rng = np.random.default_rng(2)
    words = PreTrainedTokenizerFast.from_pretrained(places.EMBEDDED / "aigc-mini" / "tokenizer")
    longest = max(len(words(mixture.caption(rng)).input_ids) for _ in range(1500))
    assert longest <= words.model_max_length == 40
