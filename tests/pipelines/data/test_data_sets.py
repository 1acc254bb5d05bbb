"""What the families learn from: exact splits, exact levels, the same pictures every time."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.data import icons, points, sets
from pipelines.errors import BadRequest

SMALL = (*points.POINTS, "digits")
"""Icons take some seconds to draw all; of them a part is looked at."""
DRAWN = icons._drawn.__wrapped__
"""Past the cache."""


def rows(x: Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in x}


@pytest.mark.parametrize("name", SMALL)
def test_no_example_is_in_both_parts_and_each_part_is_the_same_every_time(name: str) -> None:
    data = sets.get(name)
    (x, labels), (held, held_labels) = data.training(), data.held_out()
    assert not rows(x) & rows(held)
    assert x.dtype == held.dtype == torch.float32 and x.shape[1:] == held.shape[1:] == data.shape
    assert len(x) == len(labels) and len(held) == len(held_labels)
    again, again_labels = sets.get(name).training()
    assert torch.equal(x, again) and torch.equal(labels, again_labels)


@pytest.mark.parametrize("name", points.POINTS)
def test_points_are_continuous_without_classes_and_of_a_known_distribution(name: str) -> None:
    data = sets.get(name)
    x, labels = data.training()
    assert (data.shape, data.classes, data.levels) == ((2,), 0, 0) and (labels == -1).all()
    assert data.exact is not None and data.exact.log_prob(x.double()).isfinite().float().mean() > 0.999
    assert float(x.square().mean().sqrt()) == pytest.approx(1, abs=0.1)


def test_digits_take_their_levels_and_labels_are_balanced() -> None:
    data = sets.get("digits")
    for x, labels in (data.training(), data.held_out()):
        on_levels(x, data.levels)
        counts = labels.bincount(minlength=data.classes)
        assert len(counts) == data.classes == 10 and counts.min() > 0.7 * counts.max()


def on_levels(x: Tensor, levels: int) -> None:
    """Every value is one of so many from -1 to 1, and both ends occur."""
    places = (x.double() + 1) * (levels - 1) / 2
    assert (places - places.round()).abs().max() < 1e-5
    assert (x.min(), x.max()) == (-1, 1)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Tensor]:
    """The first 60 of each part of the icons, by the code that draws them all."""
    parts = {"training": 0, "held_out": icons.TRAINING}
    return {name: DRAWN(start, 60)[0] for name, start in parts.items()}


def test_icons_take_their_levels_and_no_two_are_the_same(drawn: dict[str, Tensor]) -> None:
    both = torch.cat(list(drawn.values()))
    assert both.shape == (120, 3, 32, 32) and both.dtype == torch.float32
    on_levels(both, icons.LEVELS)
    assert len(rows(both)) == 120
    gaps = torch.cdist(drawn["training"].flatten(1), drawn["held_out"].flatten(1))
    assert gaps.min() > 1, "nor nearly the same"


def test_an_icon_depends_on_its_index_alone(drawn: dict[str, Tensor]) -> None:
    picture = torch.from_numpy(np.asarray(icons.draw(icons.TRAINING + 7)).copy()).permute(2, 0, 1)
    value = (picture // (256 // icons.LEVELS)).float() / ((icons.LEVELS - 1) / 2) - 1
    torch.testing.assert_close(drawn["held_out"][7], value, atol=1e-6, rtol=0)


def test_the_parts_of_the_icons_share_no_index_and_hold_each_class_equally(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(icons, "_drawn", lambda start, count: asked.append(range(start, start + count)))
    icons.training()
    icons.held_out()
    learned, held = asked
    assert not set(learned) & set(held)
    labels = icon_labels(30)
    assert labels.bincount().tolist() == [3] * 10
    assert len(learned) % 10 == len(held) % 10 == 0 and learned.start % 10 == held.start % 10 == 0


def icon_labels(count: int) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(icons, "draw", lambda index: np.zeros((32, 32, 3), np.uint8))
        return DRAWN(0, count)[1]


def test_an_unknown_set_is_refused_with_the_known_names() -> None:
    with pytest.raises(BadRequest, match="gaussians.*digits.*icons"):
        sets.get("faces")
    assert all(sets.get(name).name == name for name in sets.names())
