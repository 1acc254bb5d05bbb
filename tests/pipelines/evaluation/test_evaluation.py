"""The evaluation: fixed prompts, judges that are right on the truth and at chance on noise, honest statistics."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from pipelines.data import held_out, scenes
from pipelines.evaluation import frechet, judges, prompts, subject_judge
from pipelines.evaluation import text_to_image as evaluation

GROUPS = {
    "one_shape": 200,
    "two_shapes": 120,
    "two_shapes_new": 80,
    "several_shapes": 80,
    "subjects": 250,
    "subjects_new_background": 100,
    "two_things": 80,
    "two_things_new": 40,
    "styles": 60,
}


@pytest.mark.slow
def test_the_evaluation_prompts_are_the_ones_that_were_fixed() -> None:
    """The groups up to the subjects; to draw those after them again takes a minute of judging."""
    for name, entries in itertools.islice(prompts.groups(), 5):
        assert json.loads(json.dumps(entries)) == prompts.load()[name]
    assert {name: len(entries) for name, entries in prompts.load().items()} == GROUPS


def test_what_is_called_new_is_held_out_of_training() -> None:
    loaded = prompts.load()
    for group in ("one_shape", "two_shapes_new", "subjects_new_background", "two_things_new"):
        assert all(held_out.holds(prompts.scene(entry)) for entry in loaded[group])
    for group in ("two_shapes", "subjects", "two_things"):
        assert not any(held_out.holds(prompts.scene(entry)) for entry in loaded[group])


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_the_judges_are_right_on_pictures_of_the_truth(group: str) -> None:
    entries = prompts.load()[group][::4]
    scores = evaluation.score(entries, evaluation.truth(entries, seed=5))
    assert scores["all"] >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_the_judges_do_not_take_noise_or_another_prompt_s_picture_for_right(group: str) -> None:
    entries = prompts.load()[group][:24]
    noise = np.random.default_rng(0).integers(0, 256, (24, scenes.SIZE, scenes.SIZE, 3), dtype=np.uint8)
    shifted = evaluation.truth(entries[7:] + entries[:7], seed=0)
    assert evaluation.score(entries, noise)["all"] <= 0.05
    assert evaluation.score(entries, shifted)["all"] <= 0.15


def test_a_wrong_subject_on_the_right_background_is_found() -> None:
    panda = scenes.arrange("blue", [("panda", "", "")], "", np.random.default_rng(0))
    fox = dataclasses.replace(panda, things=(dataclasses.replace(panda.things[0], noun="fox"),))
    found = judges.verdict(scenes.draw(fox), panda)
    assert found["background"] and not found["top1"] and not found["all"]


def test_the_judge_finds_two_things_that_changed_places() -> None:
    rng = np.random.default_rng(1)
    asked = scenes.arrange("white", [("panda", "", ""), ("heart", "red", "")], "left of", rng)
    turned = scenes.arrange("white", [("panda", "", ""), ("heart", "red", "")], "right of", rng)
    assert subject_judge.judge(scenes.draw(asked), asked)["all"]
    assert not subject_judge.judge(scenes.draw(turned), asked)["all"]


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (60_000, 3)), rng.normal(0, 1, (60_000, 3)) * (1, 2, 0.5) + (3, 0, 0)
    assert frechet.distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet.distance(first, second) == pytest.approx(9 + 1 + 0.25, rel=0.02)


def test_the_frechet_distance_grows_with_the_damage() -> None:
    entries = prompts.load()["subjects"]
    real, again = evaluation.truth(entries, 0), evaluation.truth(entries, 1)
    washed = (again * 0.7 + 60).astype(np.uint8)
    distances = [frechet.distance(frechet.features(p), frechet.features(real)) for p in (again, washed)]
    assert distances[0] < 0.5 * distances[1]


@pytest.mark.parametrize(("share", "n", "low", "high"), [(0.5, 100, 0.404, 0.596), (0.0, 10, 0.0, 0.278)])
def test_the_wilson_interval_is_the_known_one(share: float, n: int, low: float, high: float) -> None:
    assert evaluation.wilson(share, n) == pytest.approx((low, high), abs=1e-3)
