"""A step of Muon by itself or in a group of processes, which import nothing else."""

from pathlib import Path

import torch

from pipelines.learning import muon


def step(rank: int, folder: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.save(weights_after_a_step(), folder / f"{rank}.pt")
    torch.distributed.barrier()  # who leaves while the other still reads makes it abort
    torch.distributed.destroy_process_group()


def weights_after_a_step() -> list[torch.Tensor]:
    """Three weights from zero; the update's root mean square is 0.02."""
    draw = torch.Generator().manual_seed(3)
    weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((8, 4, 3, 3), (16, 16), (4, 32))]
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=draw)
    muon.Muon(weights, lr=0.1).step()
    return [weight.detach() for weight in weights]
