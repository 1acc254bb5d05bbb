"""The order of data and the dice of a step are functions of the seed and of the place, and of nothing else."""

from dataclasses import replace

import pytest
import torch

from pipelines.learning.moments import Moment

PLACE = Moment(seed=1, step=7, turn=0, part=0, parts=1, batch=8)


def dice(moment: Moment) -> tuple[float, float]:
    return float(torch.rand((), generator=moment.draw())), float(moment.rng().random())


def test_the_same_place_has_the_same_dice_and_examples() -> None:
    again = replace(PLACE)
    assert dice(PLACE) == dice(again) and torch.equal(PLACE.chosen(30), again.chosen(30))


@pytest.mark.parametrize("change", [{"seed": 2}, {"step": 8}, {"turn": 1}, {"part": 1, "parts": 2}], ids=str)
def test_another_place_has_others(change: dict[str, int]) -> None:
    other = replace(PLACE, **change)
    assert not set(dice(PLACE)) & set(dice(other))
    assert not torch.equal(PLACE.chosen(30), other.chosen(30))


def test_seed_and_step_do_not_stand_for_each_other() -> None:
    assert dice(replace(PLACE, seed=7, step=1)) != dice(PLACE)


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("count", [5, 24, 50])
def test_an_epoch_has_each_example_once_in_an_order_of_its_own(parts: int, count: int) -> None:
    """Also where batches reach over its end, or hold several epochs."""
    places = [replace(PLACE, step=step, part=part, parts=parts) for step in range(60) for part in range(parts)]
    came = torch.cat([place.chosen(count) for place in places]).tolist()
    epochs = [came[i : i + count] for i in range(0, len(came) - count + 1, count)]
    assert len(epochs) > 8 and all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert count == 5 or len(set(map(tuple, epochs))) == len(epochs), "five have 120 orders only"


def test_parts_share_out_what_one_larger_batch_has() -> None:
    whole = replace(PLACE, batch=16).chosen(100)
    halves = [replace(PLACE, part=part, parts=2).chosen(100) for part in range(2)]
    assert torch.equal(torch.cat(halves), whole)
