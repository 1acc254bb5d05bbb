"""How good a family is: the band of the data itself, and what falls out of it."""

import torch

from pipelines.data import sets
from pipelines.families.measures import distance, distance_of_data


def exact_of(name: str):
    exact = sets.get(name).exact
    assert exact is not None
    return exact


def test_samples_of_the_data_itself_lie_in_the_band_of_its_draws_and_shifted_ones_do_not():
    exact, count = exact_of("gaussians"), 500
    low, high = distance_of_data(count, exact)
    assert 0 < low < high
    draw = torch.Generator().manual_seed(7)
    others = [distance(exact.sample(count, draw), exact) for _ in range(20)]
    assert sum(low * 0.8 <= one <= high * 1.2 for one in others) >= 18
    shifted = exact.sample(count, draw) + 0.5
    assert distance(shifted, exact) > 2 * high


def test_the_band_narrows_as_the_sets_grow():
    exact = exact_of("gaussians")
    assert distance_of_data(4000, exact)[1] < 0.6 * distance_of_data(250, exact)[1]


def test_samples_that_are_no_numbers_are_far_away_instead_of_an_error():
    broken = torch.full((100, 2), float("nan"))
    assert distance(broken, exact_of("moons")) > 1
