"""Attention over thousands of places, query block by query block, so that others can come in between on a CPU.

Each query's answer depends on no other query, and the blocks are whole multiples of those that torch's own kernel
computes in: the answers keep their bits.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from pipelines.device.turns import between

SHORTEST = 4096
"""Queries of what is cut; with fewer an attention takes a fraction of a second."""
BLOCK = 1024


class CutAttention(TorchFunctionMode):
    """Inside, in this thread, long attentions are cut. It costs microseconds an operation: for long calls only."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            return attention(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def worth_it(x: Tensor) -> bool:
    """Whether a call for these latents (n, C, h, w) may last seconds: by their shape and device alone, so that an
    answer never depends on company."""
    return x.device.type == "cpu" and x.shape[-1] * x.shape[-2] >= SHORTEST


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **more: Any,
) -> Tensor:
    """F.scaled_dot_product_attention of query (..., L, E); whole where it is short or causal."""
    length = query.shape[-2]
    if length < SHORTEST or is_causal:
        return F.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, **more)
    parts = []
    for start, stop in blocks(length):
        between()
        mask = attn_mask
        if mask is not None and mask.shape[-2] > 1:
            mask = mask[..., start:stop, :]
        parts.append(F.scaled_dot_product_attention(query[..., start:stop, :], key, value, mask, dropout_p, **more))
    return torch.cat(parts, dim=-2)


def blocks(length: int) -> Iterator[tuple[int, int]]:
    """The last one takes the rest, as a shorter block would be computed in smaller pieces."""
    count = length // BLOCK
    for i in range(count):
        yield i * BLOCK, length if i == count - 1 else (i + 1) * BLOCK
