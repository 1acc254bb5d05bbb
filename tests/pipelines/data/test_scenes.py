"""Scenes and their parser: what is drawn is read back, and what is wrong is found."""

import dataclasses

import numpy as np
import pytest

from pipelines.data import captions, mixture, scene_parser, scenes, styles
from pipelines.data.scenes import SIZE, Scene, Thing

MAKERS = {
    "one": lambda rng: mixture.one_shape(rng),
    "two": lambda rng: mixture.two_things(rng, shapes=1.0),
    "several": lambda rng: mixture.several_things(rng, shapes=1.0),
}


def flat(scene: Scene) -> Scene:
    return dataclasses.replace(scene, style="")


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_the_parser_reads_every_drawn_scene_of_shapes_back(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    drawn = [flat(MAKERS[kind](rng)) for _ in range(150)]
    wrong = [s for s in drawn if not scene_parser.agrees(scenes.draw(s), s)["all"]]
    assert not wrong


@pytest.mark.parametrize(
    ("change", "verdict"),
    [({"noun": "square"}, "shape"), ({"colour": "green"}, "colour"), ({"size": "small"}, "size")],
)
def test_the_parser_finds_each_kind_of_fault(change: dict, verdict: str) -> None:
    thing = Thing("circle", "red", "large", 64.0, 64.0, 46.0)
    wanted = Scene("yellow", (dataclasses.replace(thing, **change),))
    found = scene_parser.agrees(scenes.draw(Scene("yellow", (thing,))), wanted)
    assert not found[verdict] and not found["all"]
    assert found["background"] and found["count"]


@pytest.mark.slow
@pytest.mark.parametrize("relation", scenes.RELATIONS)
def test_the_parser_takes_no_relation_for_another(relation: str) -> None:
    rng = np.random.default_rng(0)
    sizes = ("", "small") if relation in scenes.BESIDE else ("", "")
    for _ in range(8):
        scene = scenes.arrange("white", [("star", "red", sizes[0]), ("circle", "blue", sizes[1])], relation, rng)
        picture = scenes.draw(scene)
        assert scene_parser.agrees(picture, scene)["all"]
        for other in scenes.RELATIONS:
            told = scene_parser.agrees(picture, dataclasses.replace(scene, relation=other))["relation"]
            assert told == (other == relation) or {relation, other} == {"above", "on"}


def test_a_missing_or_an_extra_thing_is_counted() -> None:
    rng = np.random.default_rng(1)
    three = scenes.arrange("white", [("heart", "pink", "")] * 3, "row", rng)
    for kept in (three.things[:2], (*three.things, Thing("circle", "red", "", 64.0, 110.0, 10.0))):
        assert not scene_parser.agrees(scenes.draw(dataclasses.replace(three, things=kept)), three)["count"]


def test_noise_is_not_taken_for_a_right_answer() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert not any(scene_parser.agrees(noise, flat(mixture.one_shape(rng)))["all"] for _ in range(20))


def test_the_parser_forgives_what_an_eye_forgives() -> None:
    rng = np.random.default_rng(3)
    right = 0
    for _ in range(40):
        scene = flat(mixture.one_shape(rng))
        noisy = scenes.draw(scene) + rng.normal(0, 6, (SIZE, SIZE, 3))
        right += scene_parser.agrees(noisy.clip(0, 255).astype(np.uint8), scene)["all"]
    assert right >= 39


def test_what_is_inside_lies_wholly_inside_and_what_is_on_touches() -> None:
    rng = np.random.default_rng(4)
    for container in scenes.CONTAINERS:
        inside = scenes.arrange("white", [("panda", "", ""), (container, "red", "")], "inside", rng)
        alone = dataclasses.replace(inside, things=inside.things[1:])
        changed = (scenes.draw(inside) != scenes.draw(alone)).any(axis=-1)
        red = (scenes.draw(alone) == scenes.COLOURS["red"]).all(axis=-1)
        assert changed.any() and not (changed & ~red).any()


def test_the_plain_sentences_say_everything() -> None:
    rng = np.random.default_rng(0)
    two = scenes.arrange("yellow", [("circle", "red", "large"), ("star", "blue", "small")], "left of", rng)
    assert captions.plain_english(two) == "a large red circle left of a small blue star on a yellow background"
    assert captions.plain_chinese(two) == "一个大的红色圆形在一个小的蓝色星形的左边，黄色背景"
    foxes = scenes.arrange("blue", [("fox", "", "small")] * 3, "row", rng)
    assert captions.plain_english(foxes) == "three small foxes on a blue background"
    assert captions.plain_chinese(foxes) == "三只小的狐狸，蓝色背景"
    night = scenes.arrange("green", [("panda", "", "")], "", rng, "night")
    assert captions.plain_english(night) == "a panda on a green background in night style"


def test_captions_differ_but_always_name_what_is_there() -> None:
    rng = np.random.default_rng(5)
    scene = scenes.arrange("blue", [("panda", "", ""), ("heart", "red", "")], "left of", rng)
    said = {captions.of_scene(scene, rng) for _ in range(60)}
    assert len(said) > 10
    for words in said:
        assert ("panda" in words and "red heart" in words and "left" in words and "blue" in words) or (
            "熊猫" in words and "红色心形" in words and "左边" in words and "蓝色" in words
        )


@pytest.mark.parametrize("style", styles.STYLES)
def test_each_style_changes_the_picture_in_its_own_way(style: str) -> None:
    scene = scenes.arrange("cyan", [("fox", "", "")], "", np.random.default_rng(6))
    drawn = {s: scenes.draw(dataclasses.replace(scene, style=s)).astype(int) for s in ("", *styles.STYLES)}
    assert all(np.abs(drawn[style] - drawn[other]).mean() > 3 for other in drawn if other != style)


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
