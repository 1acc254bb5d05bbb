"""Scenes and their parser: what is drawn is read back, and what is wrong is found."""

import dataclasses
import json

import numpy as np
import pytest

from pipelines.data import captions, mixture, scene_parser, scenes
from pipelines.evaluation import prompts


@pytest.mark.parametrize("things", [1, 2])
def test_the_parser_reads_every_drawn_scene_back(things: int) -> None:
    rng = np.random.default_rng(things)
    drawn = [scenes.random_scene(rng, things) for _ in range(300)]
    wrong = [s for s in drawn if not scene_parser.agrees(scenes.draw(s), s)["all"]]
    assert not wrong


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"shape": "square"}, "shape"),
        ({"colour": "green"}, "colour"),
        ({"size": "small"}, "size"),
    ],
)
def test_the_parser_finds_each_kind_of_fault(change: dict, verdict: str) -> None:
    thing = scenes.Thing("circle", "red", "large", 32.0, 32.0, 23.0)
    wanted = scenes.Scene("yellow", (dataclasses.replace(thing, **change),))
    found = scene_parser.agrees(scenes.draw(scenes.Scene("yellow", (thing,))), wanted)
    assert not found[verdict] and not found["all"]
    assert found["background"] and found["count"]


def test_the_parser_tells_left_from_right_and_above_from_below() -> None:
    rng = np.random.default_rng(0)
    looks = [("circle", "red", "medium"), ("star", "blue", "small")]
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    for relation, other in opposite.items():
        scene = scenes.arrange("white", looks, relation, rng)
        picture = scenes.draw(scene)
        assert scene_parser.agrees(picture, scene)["all"]
        assert not scene_parser.agrees(picture, dataclasses.replace(scene, relation=other))["relation"]


def test_noise_is_not_taken_for_a_right_answer() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert not any(scene_parser.agrees(noise, scenes.random_scene(rng))["all"] for _ in range(20))


def test_the_parser_forgives_what_an_eye_forgives() -> None:
    rng = np.random.default_rng(3)
    right = 0
    for _ in range(60):
        scene = scenes.random_scene(rng)
        noisy = scenes.draw(scene) + rng.normal(0, 6, (64, 64, 3))
        right += scene_parser.agrees(noisy.clip(0, 255).astype(np.uint8), scene)["all"]
    assert right >= 58


def test_the_plain_sentences_say_everything() -> None:
    scene = scenes.arrange(
        "yellow", [("circle", "red", "large"), ("star", "blue", "small")], "left of", np.random.default_rng(0)
    )
    assert captions.plain_english(scene) == ("a large red circle left of a small blue star on a yellow background")
    assert captions.plain_chinese(scene) == "一个大的红色圆形在一个小的蓝色星形的左边，黄色背景"


def test_the_evaluation_prompts_are_the_ones_that_were_fixed() -> None:
    assert json.loads(json.dumps(prompts.build())) == prompts.load()
    assert {name: len(entries) for name, entries in prompts.load().items()} == {
        "one_shape": 200,
        "two_shapes": 60,
        "subjects": 40,
    }


@pytest.mark.parametrize("style", ["", "pixel", "pastel", "night"])
def test_a_scene_drawn_large_shows_the_same_as_drawn_small(style: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(5):
        scene = dataclasses.replace(mixture.one_shape(rng), style=style)
        large = scenes.draw(scene, 4)
        assert large.shape == (4 * scenes.SIZE, 4 * scenes.SIZE, 3)
        again = large.reshape(scenes.SIZE, 4, scenes.SIZE, 4, 3).mean(axis=(1, 3))
        assert np.abs(again - scenes.draw(scene)).mean() < 1


def test_a_subject_is_never_drawn_sharper_than_its_cut_out_is() -> None:
    def scene(radius: float) -> scenes.Scene:
        return scenes.Scene("white", (scenes.Thing("fox", "", "", 64.0, 64.0, radius),))

    assert [scenes.sharpest_scale(scene(r)) for r in (54.0, 30.0, 19.0, 13.0)] == [1, 2, 3, 4]
    assert scenes.sharpest_scale(mixture.one_shape(np.random.default_rng(0))) == 4
