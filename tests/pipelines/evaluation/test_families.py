"""The score table of the families: real pictures are drawn as samples are, so that the row to compare with is fair."""

import json

import pytest
import torch

from pipelines.data import sets
from pipelines.evaluation import families


@pytest.mark.parametrize("name", ["digits", "icons"])
def test_the_real_folds_have_the_classes_that_families_are_asked_for(name: str) -> None:
    known = sets.get(name)
    labels = known.training()[1]
    folds = families._real_folds(labels, known.classes)
    assert len(folds) == families.FOLDS
    for places in folds:
        assert torch.equal(labels[places], torch.arange(families.SAMPLES) % known.classes)
    everywhere = torch.cat(folds)
    assert len(everywhere.unique()) == len(everywhere), "no picture twice"


@pytest.mark.parametrize("name", ["digits", "icons"])
def test_no_family_beats_the_data_itself_by_more_than_the_bands(name: str) -> None:
    scores = json.loads(families.OUT.read_text(encoding="utf-8"))[name]
    best, band = scores["data"]["frechet"]
    for family, row in scores.items():
        mean, wide = row["frechet"]
        assert mean + wide > best - band, family
