"""The layout of a scene: every thing stands in it, the front one over the back one, and nothing else."""

import numpy as np

from pipelines.data import layout, mixture, scenes
from pipelines.data.scenes import Scene, Thing


def test_a_thing_fills_its_cells_and_the_background_the_others() -> None:
    scene = Scene("blue", (Thing("star", "red", "", 40.0, 64.0, 16.0),))
    nouns, colours = layout.of_scene(scene)
    star = nouns == layout.nouns()["star"]
    assert np.argwhere(star).tolist() == [[3, 1], [3, 2], [3, 3], [4, 1], [4, 2], [4, 3]]
    assert (colours[star] == layout.colours()["red"]).all()
    assert (nouns[~star] == 0).all() and (colours[~star] == layout.colours()["blue"]).all()


def test_the_first_thing_lies_over_the_second() -> None:
    rng = np.random.default_rng(0)
    scene = scenes.arrange("white", [("panda", "", ""), ("heart", "red", "")], "inside", rng)
    nouns, colours = layout.of_scene(scene)
    assert nouns[4, 4] == layout.nouns()["panda"] and colours[4, 4] == 0, "a subject has colours of its own"
    assert nouns[4, 1] == layout.nouns()["heart"]


def test_every_thing_of_every_scene_can_be_seen() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        scene, _kind = mixture.scene(rng)
        seen = set(np.unique(layout.of_scene(scene)[0]))
        assert seen == {0} | {layout.nouns()[thing.noun] for thing in scene.things}
