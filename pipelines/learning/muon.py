"""Muon: momentum whose update is made orthogonal before it is applied (Jordan et al. 2024; arXiv:2502.16982).

torch.optim.Muon takes matrices only; here a convolution's kernel is read as the matrix (out, in * height * width).
"""

import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pipelines.learning import precision

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that takes singular values in (0, 1] to about 1 within a few rounds."""
ROUNDS = 5
VERY_WIDE = 3
"""Columns to rows above which the rounds run on the Gram matrix."""


class Muon(torch.optim.Optimizer):
    """For weights of two and more dimensions. The update's root mean square is 0.2 * lr, about AdamW's at that lr.

    In a process group, the gradients must be equal in all processes (DistributedDataParallel's are)."""

    def __init__(self, params: Iterable, lr: float, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for weight, direction in zip(weights, self._directions(weights, group["momentum"]), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                scale = 0.2 * group["lr"] * math.sqrt(max(direction.shape))
                weight.add_(direction.view_as(weight), alpha=-scale)

    def _directions(self, weights: list[Tensor], momentum: float) -> list[Tensor]:
        """The orthogonal updates; processes that train together, on equal gradients, each make a part and share it."""
        together = dist.is_available() and dist.is_initialized()
        rank, processes = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)
        owners = _owners(weights, processes)
        directions = []
        for weight, owner in zip(weights, owners, strict=True):
            ahead = self._ahead(weight, momentum)
            directions.append(orthogonalised(ahead) if owner == rank else torch.empty_like(ahead))
        for source in range(processes if processes > 1 else 0):
            _share([each for each, owner in zip(directions, owners, strict=True) if owner == source], source)
        return directions

    def _ahead(self, weight: Tensor, momentum: float) -> Tensor:
        """Nesterov's look ahead of the averaged gradient, as a matrix (out, everything else)."""
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if not state:
            state["average"] = torch.zeros_like(weight)
        average = state["average"].lerp_(gradient, 1 - momentum)
        return torch.lerp(gradient, average, momentum).flatten(1)


def _owners(weights: list[Tensor], processes: int) -> list[int]:
    """Which process makes each weight's update: the most costly first, each to whoever has the least to do."""
    costs = [weight.numel() * min(weight.flatten(1).shape) for weight in weights]
    loads, owners = [0] * processes, [0] * len(weights)
    for index in sorted(range(len(weights)), key=lambda i: -costs[i]):
        owners[index] = loads.index(min(loads))
        loads[owners[index]] += costs[index]
    return owners


def _share(matrices: list[Tensor], source: int) -> None:
    """Fill the matrices of every process with those of process `source`, in one message of half precision."""
    if not matrices:
        return
    message = torch.cat([matrix.flatten() for matrix in matrices]).bfloat16()
    dist.broadcast(message, src=source)
    for matrix, part in zip(matrices, message.split([matrix.numel() for matrix in matrices]), strict=True):
        matrix.copy_(part.view_as(matrix))


def orthogonalised(matrix: Tensor) -> Tensor:
    """About U V^T of the matrix U S V^T, (m, n): singular values near 1 (0.7 to 1.2) unless they were almost 0."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    scaled = wide / (wide.norm() + 1e-12)
    rounds = _rounds_on_gram if wide.shape[1] > VERY_WIDE * wide.shape[0] else _rounds
    result = rounds(scaled)
    return result if wide is matrix else result.T


def _rounds(matrix: Tensor) -> Tensor:
    """X <- (a + b X X^T + c (X X^T)^2) X, in half precision where that is fast: exactness is of no use here."""
    a, b, c = COEFFICIENTS
    x = matrix.to(precision.rough())
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = torch.addmm(a * x, torch.addmm(b * gram, gram, gram, alpha=c), x)
    return x.float()


def _rounds_on_gram(matrix: Tensor) -> Tensor:
    """The same rounds on the small matrix X X^T, which they commute with; X itself is multiplied twice and not ten
    times. Its squared singular values need full precision."""
    a, b, c = COEFFICIENTS
    gram = matrix @ matrix.T
    product: Tensor | None = None
    for _ in range(ROUNDS):
        factor = torch.addmm(b * gram, gram, gram, alpha=c)
        factor.diagonal().add_(a)
        product = factor if product is None else factor @ product
        gram = factor @ gram @ factor
    assert product is not None
    return product @ matrix


def split(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights for Muon, and the rest: vectors, embeddings, and the layers that touch the data itself."""
    matrices, rest = [], []
    for name, weight in model.named_parameters():
        inner = weight.ndim >= 2 and not any(word in name for word in ("embedding", "conv_in", "conv_out"))
        (matrices if inner else rest).append(weight)
    return matrices, rest
