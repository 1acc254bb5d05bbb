"""The judges of compositions: right on what the data draws, and not to be had by another picture."""

import dataclasses

import numpy as np
import pytest

from pipelines.data import composing, compositions, corpus, drawings, recolouring
from pipelines.data.compositions import Composition
from pipelines.data.places import random_place
from pipelines.evaluation import (
    composed_judge,
    composed_prompts,
    composition_record,
    diversity,
    plain_judge,
)
from pipelines.evaluation import text_to_image as evaluation

GROUPS = {
    "one_shape": 100,
    "one_shape_new": 40,
    "two_shapes": 80,
    "two_shapes_new": 60,
    "three_in_a_row": 60,
    "subjects_new_ground": 80,
    "two_things": 80,
    "two_things_new": 60,
    "colours": 140,
    "colours_new": 56,
    "counts": 80,
    "places": 104,
    "in_place": 80,
    "in_place_new": 50,
    "people_in_places": 32,
    "styles": 60,
    "unknown_words": 40,
    "sentences": 40,
    "seeds": 80,
}
NOT_OF_ALL = ("subjects", "people_and_faces")
"""Every noun that the judge can read, alone."""


def _drawn(composition: Composition) -> np.ndarray:
    return compositions.draw(composition)


def _alone(noun: str, colour: str = "", ground: str = "white") -> Composition:
    return composing.on_plain(np.random.default_rng(0), ground, [(noun, colour, "")], "")


def test_the_groups_are_as_large_as_they_were_fixed() -> None:
    sizes = {name: len(entries) for name, entries in composed_prompts.load().items()}
    assert {name: size for name, size in sizes.items() if name not in NOT_OF_ALL} == GROUPS
    assert sum(sizes[name] for name in NOT_OF_ALL) >= 0.97 * len(composing.nouns())


def test_every_fourth_prompt_is_chinese() -> None:
    for name in ("one_shape", "subjects", "in_place", "unknown_words"):
        chinese = ["\u4e00" <= entry["prompt"][0] <= "\u9fff" for entry in composed_prompts.load()[name]]
        assert chinese == [i % 4 == 3 for i in range(len(chinese))]


def test_what_is_called_new_is_held_out_of_training() -> None:
    for name, entries in composed_prompts.load().items():
        asked = [composition_record.from_json(entry["composition"]) for entry in entries]
        if name.endswith(("_new", "_new_ground")):
            assert all(map(corpus.holds, asked)), name
        elif name != "sentences":
            assert not any(map(corpus.holds, asked)), name


@pytest.mark.slow
def test_a_group_is_built_again_from_the_same_numbers() -> None:
    place = list(composed_prompts.MAKERS).index("two_shapes_new")
    made = composed_prompts.MAKERS["two_shapes_new"](np.random.default_rng([20261130, place]))
    entries = [composed_prompts.entry(one, i) for i, one in enumerate(made)]
    assert entries == composed_prompts.load()["two_shapes_new"]


@pytest.mark.parametrize("kind", composing.KINDS)
def test_a_composition_survives_its_record(kind: str) -> None:
    made = composing.KINDS[kind][1](np.random.default_rng(1))
    record = composition_record.to_json(made)
    assert composition_record.to_json(composition_record.from_json(record)) == record
    again = composition_record.redrawn(composition_record.from_json(record), np.random.default_rng(2))
    assert [f.appearance for f in again.figures] == [f.appearance for f in made.figures]


@pytest.mark.slow
def test_the_colour_is_judged_apart_from_the_subject() -> None:
    asked = _alone("car", "blue")
    assert composed_judge.verdict(_drawn(asked), asked)["all"]
    found = composed_judge.verdict(_drawn(_alone("car", "yellow")), asked)
    assert found["top5"] and not found["colour"] and not found["all"]


@pytest.mark.parametrize("colour", recolouring.COLOURS)
def test_every_colour_is_read_in_every_artists_hand(colour: str) -> None:
    ground = "cyan" if colour == "white" else "white"
    for artist in drawings.artists("cat", colour):
        made = _alone("cat", colour, ground)
        made = dataclasses.replace(made, figures=(dataclasses.replace(made.figures[0], artist=artist),))
        assert plain_judge.colour_of(_drawn(made), "cat", ground) == colour


@pytest.mark.slow
def test_another_subject_is_found_wrong() -> None:
    assert not composed_judge.right(_drawn(_alone("dog")), _alone("cat"))


@pytest.mark.slow
def test_things_that_changed_places_are_found_wrong() -> None:
    rng = np.random.default_rng(1)
    looks = [("panda", "", ""), ("heart", "red", "")]
    asked, turned = (composing.on_plain(rng, "white", looks, relation) for relation in ("left of", "right of"))
    beside = dataclasses.replace(asked, relation="beside")
    assert composed_judge.right(_drawn(asked), asked) and not composed_judge.right(_drawn(turned), asked)
    assert composed_judge.right(_drawn(asked), beside) and composed_judge.right(_drawn(turned), beside)


@pytest.mark.parametrize("look", [("circle", "red", ""), ("heart", "pink", "")])
@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_things_are_counted(number: int, look: tuple[str, str, str]) -> None:
    made = composing.on_plain(np.random.default_rng(0), "white", [look] * number, "group")
    assert len(plain_judge.most_parts(_drawn(made))) == number


def test_a_subject_is_found_in_a_place_and_another_is_not_taken_for_it() -> None:
    rng = np.random.default_rng(0)
    place = random_place(rng, "meadow", "day", "clear")
    cow, car = (composing.standing(rng, place, "ground", [(noun, "", "")]) for noun in ("cow", "car"))
    assert composed_judge.right(_drawn(cow), cow)
    found = composed_judge.verdict(_drawn(car), cow)
    assert found["kind"] and found["time"] and not found["subject"]


def test_pictures_that_are_all_the_same_have_no_diversity() -> None:
    entries = composed_prompts.load()["seeds"]
    assert len({entry["seed"] for entry in entries}) == len(entries)
    drawn = evaluation.truth(entries[: 2 * composed_prompts.SEEDS], 0)
    assert diversity.spread(drawn) > 0
    assert diversity.spread(np.repeat(drawn[:: composed_prompts.SEEDS], composed_prompts.SEEDS, axis=0)) == 0


@pytest.mark.slow
def test_unknown_words_are_in_no_caption() -> None:
    from pipelines.training import word_tokenizer

    known = word_tokenizer.build(captions=3000).get_vocab()
    assert not [word for word in composed_prompts.UNKNOWN_WORDS if word in known]
    assert not [word for words in composed_prompts.UNKNOWN_CHINESE for word in words if word in known]


@pytest.mark.slow
@pytest.mark.parametrize("group", [*GROUPS, *NOT_OF_ALL])
def test_the_judges_are_right_on_the_truth_and_not_on_another_prompt_s_picture(group: str) -> None:
    entries = composed_prompts.load()[group]
    entries = entries[:: max(1, len(entries) // 12)]
    truth = evaluation.truth(entries, seed=6)
    right = evaluation.score(evaluation.verdicts(entries, truth))["all"]["share"]
    shifted = evaluation.score(evaluation.verdicts(entries, np.roll(truth, 5, axis=0)))["all"]["share"]
    assert right >= 0.9
    assert shifted <= 0.25
