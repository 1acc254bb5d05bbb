"""Muon's update: the gradient's directions without its sizes, in one process or shared out among several."""

from pathlib import Path

import pytest
import torch

from pipelines.learning import muon
from tests.pipelines.learning import muon_group


@pytest.mark.parametrize("shape", [(64, 64), (48, 96), (96, 48), (32, 600)])
def test_muon_s_update_has_the_directions_of_the_gradient_and_no_sizes(shape: tuple[int, int]) -> None:
    left, sizes, right = torch.linalg.svd(torch.randn(shape, generator=torch.Generator().manual_seed(0)), False)
    sizes = sizes.clamp(min=0.1 * float(sizes.max()))
    made = left.T @ muon.orthogonalised(left @ sizes.diag() @ right) @ right.T
    assert made.diagonal().min() > 0.6 and made.diagonal().max() < 1.25
    assert (made - made.diagonal().diag()).abs().max() < 0.1


def test_muon_goes_down_a_badly_scaled_valley_faster_than_plain_descent() -> None:
    scales = torch.logspace(-3, 0, 32)
    wanted = torch.randn(32, 32, generator=torch.Generator().manual_seed(1))

    def lost(optimiser_of) -> float:
        weight = torch.nn.Parameter(torch.zeros(32, 32))
        optimiser = optimiser_of([weight])
        for _ in range(60):
            loss = ((scales[:, None] * (weight - wanted)) ** 2).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return float((weight.detach() - wanted).square().mean())

    ours = lost(lambda weights: muon.Muon(weights, lr=0.4, weight_decay=0.0))
    assert ours < 0.5 * lost(lambda weights: torch.optim.SGD(weights, lr=0.4))


@pytest.mark.slow
def test_processes_that_share_muon_s_work_make_the_step_of_one(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(muon_group.step, args=(tmp_path,), nprocs=2)
    alone = muon_group.weights_after_a_step()
    for rank in range(2):
        for made, wanted in zip(torch.load(tmp_path / f"{rank}.pt"), alone, strict=True):
            torch.testing.assert_close(made, wanted, rtol=0, atol=1e-3)
