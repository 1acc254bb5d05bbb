"""The training mixture: shares, held-out looks, and captions that fit the tokenizer."""

import numpy as np
import pytest

from pipelines.data import captions, mixture, scenes, subjects
from pipelines.evaluation import prompts, subject_judge


def test_the_shares_of_the_kinds_are_as_written() -> None:
    rng = np.random.default_rng(0)
    kinds = [mixture.example(rng).kind for _ in range(600)]
    for kind, share in mixture.KINDS.items():
        assert abs(kinds.count(kind) / len(kinds) - share) < 0.08


def test_evaluated_looks_are_never_drawn_for_training(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[scenes.Scene] = []
    draw = scenes.draw
    monkeypatch.setattr(scenes, "draw", lambda scene: (drawn.append(scene), draw(scene))[1])
    rng = np.random.default_rng(1)
    for _ in range(1500):
        mixture.example(rng)
    seen = {prompts.look(scene) for scene in drawn}
    assert len(seen) > 700
    assert not seen & prompts.held_out()


def test_every_subject_has_a_picture_and_words_in_both_languages() -> None:
    pictures = [subjects.draw(name) for name in subjects.NAMES]
    assert all(picture.shape == (64, 64, 3) and picture.std() > 10 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(subjects.NAMES)
    assert all(subjects.english(name) and subjects.chinese(name)[0] for name in subjects.NAMES)


def test_a_subject_caption_names_its_background() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        words = captions.of_subject("panda", "blue", "", rng)
        assert "blue" in words or "蓝色" in words
        assert "panda" in words or "熊猫" in words


def test_the_judge_names_every_subject_from_jittered_pictures() -> None:
    rng = np.random.default_rng(0)
    named = [subject_judge.ranking(subjects.draw(name, "white", "", rng))[0] == name for name in subjects.NAMES]
    assert all(named)


def test_the_judge_is_at_chance_on_noise() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (48, 64, 64, 3), dtype=np.uint8)
    right = [subject_judge.ranking(p)[0] == name for p, name in zip(pictures, subjects.NAMES, strict=True)]
    assert sum(right) < 8
