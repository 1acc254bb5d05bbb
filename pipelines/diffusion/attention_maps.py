"""Where each token of a prompt acts in a picture: the cross-attention of a UNet, averaged over its layers and heads.

As in DAAM (arXiv:2210.04885), but of one step: softmax(q kᵀ / √d) of every attention from the picture to the prompt.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pipelines.diffusion.architectures.unet import UNetNetwork

CROSS = "attn2"
"""What diffusers calls the attention to the prompt in every block of a UNet."""


@torch.inference_mode()
def maps(network: UNetNetwork, x: Tensor, timestep: float, context: Mapping[str, Tensor]) -> Tensor | None:
    """Of one picture x (1, C, h, w) in the network's own form: (L, h, w), which add up to 1 over the tokens at every
    place; None where the UNet has no such attention."""
    kept: list[Tensor] = []
    with _watching(network.unet, tuple(x.shape[2:]), kept):
        network(x, torch.full((1,), timestep, device=x.device), context)
    return torch.stack(kept).mean(0) if kept else None


@contextmanager
def _watching(unet: Any, size: tuple[int, ...], kept: list[Tensor]) -> Iterator[None]:
    """Every cross-attention that this thread evaluates is computed once more beside it; what it answers is untouched,
    and what other threads ask of the same network is not looked at."""
    own = threading.get_ident()

    def look(attention: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        words = named.get("encoder_hidden_states")
        if threading.get_ident() == own and isinstance(words, Tensor):
            seen = _attended(attention, args[0], words, size)
            if seen is not None:
                kept.append(seen)

    modules = [module for name, module in unet.named_modules() if name.rsplit(".", 1)[-1] == CROSS]
    hooks = [module.register_forward_pre_hook(look, with_kwargs=True) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _attended(attention: Any, hidden: Tensor, words: Tensor, size: tuple[int, ...]) -> Tensor | None:
    """(L, h, w): of this attention's own places, enlarged to those of the latents."""
    query, key = attention.head_to_batch_dim(attention.to_q(hidden)), attention.head_to_batch_dim(attention.to_k(words))
    shares = attention.get_attention_scores(query, key).float().mean(0)  # (places, L)
    times = round(math.sqrt(size[0] * size[1] / len(shares)))
    height, width = (math.ceil(side / times) for side in size)
    if height * width != len(shares):
        return None
    grid = shares.T.reshape(1, -1, height, width)
    return torch.nn.functional.interpolate(grid, size, mode="bilinear")[0]
