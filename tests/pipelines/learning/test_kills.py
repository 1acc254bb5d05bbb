"""A real training in a process of its own, killed by SIGKILL, ends with the bits of the one that nobody disturbed."""

import random
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import kills
from pipelines.learning.checkpoints import Checkpoints
from pipelines.learning.events import Saved


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_killed_at_random_moments_it_ends_with_the_undisturbed_one_s_bits(tmp_path: Path) -> None:
    """Twice in the middle of the second epoch among others."""
    undisturbed = kills.live(tmp_path / "undisturbed", [], random.Random(0))
    life = kills.live(tmp_path / "killed", [2, 10, 13], random.Random(1))
    assert undisturbed.kills == 0 and undisturbed.resumed_at == []
    assert life.kills == 3 == len(life.resumed_at)
    assert [kills.EPOCH < step < 2 * kills.EPOCH for step in life.resumed_at] == [False, True, True], life.resumed_at
    assert kills.differing(life, undisturbed) == []
    assert len(life.samples) == 20 and life.samples.std() > 0.1


@pytest.mark.slow
def test_a_bit_that_differs_would_be_seen(tmp_path: Path) -> None:
    training = kills.small_training()
    for event in training.run(tmp_path):
        if isinstance(event, Saved) and event.step == 2:
            break
    last = Checkpoints(tmp_path).newest()
    assert last is not None
    first = kills.Life(tensors=last.tensors)
    second = kills.Life(tensors={name: tensor.clone() for name, tensor in last.tensors.items()})
    assert kills.differing(first, second) == []
    weight = second.tensors[_some(second)]
    weight.view(-1)[0] = torch.nextafter(weight.view(-1)[0], torch.tensor(9.0))
    assert len(kills.differing(first, second)) == 1


def _some(life: kills.Life) -> str:
    return next(name for name, tensor in life.tensors.items() if name.startswith("averaged.") and tensor.ndim == 2)
