"""The discriminator in view: what it says of real and made pictures, and one of the two players learning alone."""

import contextlib
import json
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.data import sets
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadRequest
from pipelines.events import Loss, Snapshot
from pipelines.families.learning import Plan, training_of
from pipelines.families.live_training import FamilyTrainingRequest, View
from pipelines.families.measures import told_apart
from pipelines.families.pictures import pixels
from pipelines.learning.training import Training
from pipelines.store.film import sheet


def request(**values: Any) -> FamilyTrainingRequest:
    return FamilyTrainingRequest.parse({"family": "gan", "width": 16, **values})


def learner_of(asked: FamilyTrainingRequest) -> Training:
    return training_of(asked.family, sets.get(asked.data), asked.plan(), asked.options())


def weights(learner: Training, part: str) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in learner.model.get_submodule(part).parameters()])


def test_told_apart_is_the_share_of_pairs_in_which_the_real_one_is_preferred() -> None:
    real, made = torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0.0, 1.0])
    by_hand = np.mean([1.0 if r > m else 0.5 if r == m else 0.0 for r in real for m in made])
    assert told_apart(real, made) == pytest.approx(by_hand, abs=1e-4)
    assert told_apart(made, real) == pytest.approx(1 - by_hand, abs=1e-4)
    assert told_apart(torch.full((5,), float("nan")), made) == 0.5, "who says nothing cannot tell"


@pytest.mark.parametrize("game", ["relativistic", "classic"])
def test_a_snapshot_of_digits_has_a_score_for_each_picture_shown(game: str) -> None:
    asked = request(data="digits", game=game)
    learner = learner_of(asked)
    for _ in range(3):
        learner.learn()
    view = View(asked, learner)
    values = view.snapshot().values
    x, labels = sets.get("digits").held_out()
    with torch.no_grad():
        *_, state = learner.averaged.states(view.z, view.labels, view.how)
        made = learner.averaged.judge(state.x, view.labels)
        real = learner.averaged.judge(x[:40], labels[:40])
    assert values["judged"]["made"] == pytest.approx(made.tolist(), abs=1e-3)
    assert values["judged"]["real"] == pytest.approx(real.tolist(), abs=1e-3)
    assert values["figures"]["told_apart"] == told_apart(real, made)
    assert np.array_equal(values["real_sheet"][0], sheet(pixels(x[:40]), columns=10))


def test_other_families_have_no_judge() -> None:
    asked = request(family="vae", data="digits")
    values = View(asked, learner_of(asked)).snapshot().values
    assert "judged" not in values and "told_apart" not in values["figures"]


@pytest.mark.parametrize(("alone", "still"), [("discriminator", "generator"), ("generator", "discriminator")])
def test_the_other_stands_still_while_one_learns_alone_and_then_goes_on(alone: str, still: str) -> None:
    learner = learner_of(request(training_steps=100, only=alone, only_from=3, only_steps=4))
    moved = []
    for _ in range(10):
        before = weights(learner, alone), weights(learner, still)
        losses = learner.learn().losses
        moved.append(
            [not torch.equal(b, weights(learner, part)) for b, part in zip(before, (alone, still), strict=True)]
        )
        assert set(losses) == ({alone} if 3 <= learner.step - 1 < 7 else {alone, still})
    assert [still_moved for _, still_moved in moved] == [True] * 3 + [False] * 4 + [True] * 3
    assert all(alone_moved for alone_moved, _ in moved)


def test_both_in_turn_is_what_it_was_before_there_was_a_choice() -> None:
    """Where nobody learns alone, and for families that have no two players, the choice changes nothing."""
    for family in ("gan", "vae"):
        chosen = request(family=family, only="both", only_from=1, only_steps=2)
        other = request(family=family, only="discriminator" if family == "vae" else "both")
        assert chosen.plan().only == other.plan().only == ""
    assert Plan(10).takes_part("", 5)


@pytest.mark.slow
def test_alone_the_discriminator_learns_to_tell_and_the_generator_to_fool_it() -> None:
    def after(only: str) -> float:
        asked = request(data="gaussians", training_steps=700, width=32, only=only, only_from=200, only_steps=150)
        learner = learner_of(asked)
        while learner.step < 350:
            learner.learn()
        return View(asked, learner).snapshot().values["figures"]["told_apart"]

    told, fooled = after("discriminator"), after("generator")
    assert told > after("both") + 0.02 and fooled < 0.45


@pytest.mark.slow
def test_losses_are_told_of_whoever_learns() -> None:
    generator = registry.get("family-training")
    asked = request(data="gaussians", training_steps=60, only="discriminator", only_from=20, only_steps=20)
    with contextlib.closing(DeviceManager("cpu")) as devices:
        events = list(generator.stream(asked, devices))
    told = {event.step: set(event.losses) for event in events if isinstance(event, Loss)}
    assert told == {20: {"discriminator", "generator"}, 40: {"discriminator"}, 60: {"discriminator", "generator"}}
    last = [event for event in events if isinstance(event, Snapshot)][-1]
    json.dumps(last.values["figures"], allow_nan=False)


@pytest.mark.parametrize("values", [{"only": "nobody"}, {"only_steps": 0}, {"only_from": -1}])
def test_strange_turns_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        request(**values)
