"""What the evaluation is made of: fixed prompts, honest intervals, a distance with a closed form."""

import numpy as np
import pytest

from pipelines.data import held_out
from pipelines.evaluation import composed_prompts, first_prompts, frechet, learned
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


def test_the_prompts_of_the_first_model_are_the_ones_that_were_fixed() -> None:
    loaded = first_prompts.load()
    assert {name: len(entries) for name, entries in loaded.items()} == GROUPS
    for group in ("one_shape", "two_shapes_new", "subjects_new_background", "two_things_new"):
        assert all(held_out.holds(first_prompts.scene(entry)) for entry in loaded[group])
    for group in ("two_shapes", "subjects", "two_things"):
        assert not any(held_out.holds(first_prompts.scene(entry)) for entry in loaded[group])


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (60_000, 3)), rng.normal(0, 1, (60_000, 3)) * (1, 2, 0.5) + (3, 0, 0)
    assert frechet.distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet.distance(first, second) == pytest.approx(9 + 1 + 0.25, rel=0.02)


def test_the_frechet_distance_grows_with_the_damage() -> None:
    entries = composed_prompts.load()["subjects"][::3]
    real, again = evaluation.truth(entries, 0), evaluation.truth(entries, 1)
    washed = (again * 0.7 + 60).astype(np.uint8)
    distances = [frechet.distance(frechet.features(p), frechet.features(real)) for p in (again, washed)]
    assert distances[0] < 0.5 * distances[1]


@pytest.mark.parametrize(("share", "n", "low", "high"), [(0.5, 100, 0.404, 0.596), (0.0, 10, 0.0, 0.278)])
def test_the_wilson_interval_is_the_known_one(share: float, n: int, low: float, high: float) -> None:
    assert evaluation.wilson(share, n) == pytest.approx((low, high), abs=1e-3)


def test_a_subject_is_learned_if_any_of_its_pictures_can_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = composed_prompts.load()
    few = {name: loaded[name][:6] for name in ("subjects", "people_and_faces")}
    monkeypatch.setattr(composed_prompts, "load", lambda: few)
    blots = {few["subjects"][2]["prompt"], few["people_and_faces"][4]["prompt"]}
    seeds = set()

    def paint(entries: list) -> np.ndarray:
        seeds.update(entry["seed"] for entry in entries)
        pictures = evaluation.truth(entries, 3)
        for picture, entry in zip(pictures, entries, strict=True):
            picture[:] = 255 if entry["prompt"] in blots or entry["seed"] < 10_000 else picture
        return pictures

    assert len(learned.unlearned(paint)) == len(blots)
    assert len(seeds) == 12 * learned.SEEDS and seeds.isdisjoint(e["seed"] for some in loaded.values() for e in some)
