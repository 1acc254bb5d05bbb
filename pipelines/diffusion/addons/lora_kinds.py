"""The kinds of adapters that LoRA files hold: from the tensors of one module to the term that it adds.

kind    tensors                                  W' =
LoRA    lora_down, lora_up, lora_mid             W + s up down                        arXiv:2106.09685; mid: CP/Tucker
LoHa    hada_w1_a, ..., hada_t1, hada_t2         W + s (w1_a w1_b) ∘ (w2_a w2_b)      arXiv:2108.06098, 2309.14859
LoKr    lokr_w1, lokr_w2, or halves, lokr_t2     W + s w1 ⊗ w2                        arXiv:2309.14859
DoRA    any of these three and dora_scale        m (W + ...) / |W + ...|              arXiv:2402.09353
full    diff, diff_b                             W + diff
norm    w_norm, b_norm                           w + w_norm
IA3     weight, on_input                         W (1 + weight), of rows or columns   arXiv:2205.05638
GLoRA   a1, a2, b1, b2, bm                       W + s (W a1 a2 + b1 b2)              arXiv:2306.07967
OFT     oft_blocks, rescale; oft_diag is R       R^T W, R = (I + Q) (I - Q)^-1        arXiv:2306.07280
BOFT    the same in four dimensions              R_m ... R_1 W                        arXiv:2311.06243

s is alpha / rank, or `scale` as it stands. An OFT's alpha is no scale: alpha times the rows bounds the norm of
Q = blocks - blocks^T, as kohya and LyCORIS train it. A LoKr of two whole matrices has s = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pipelines.diffusion.addons.lora_keys import ALPHA, DORA, DOWN, MAGNITUDE, MID, SCALE, UP, UP_BIAS
from pipelines.diffusion.addons.lora_terms import (
    Kronecker,
    Misfit,
    Product,
    Rescaled,
    Rotated,
    Several,
    Term,
    Through,
    Whole,
)

Roles = Mapping[str, Tensor]
"""The tensors of one module, float32, by what they are."""
SMALLEST = 1e-8


class Built(NamedTuple):
    """A term in the file's layout, and the roles that it was built from. `replaces`: its numbers are W', not W' - W."""

    term: Term
    roles: frozenset[str]
    replaces: bool = False


@dataclass(frozen=True)
class Kind:
    """`needs` are the tensors that tell it; each of "a or b+c" may be said in either way."""

    needs: tuple[str, ...]
    also: tuple[str, ...]
    build: Callable[[Roles, Callable[[int], float]], Term]

    def has(self, roles: Roles) -> bool:
        return all(any(self._said(way, roles) for way in need.split(" or ")) for need in self.needs)

    def used(self, roles: Roles) -> frozenset[str]:
        names = {name for need in self.needs for way in need.split(" or ") for name in way.split("+")}
        return frozenset((names | {*self.also}) & roles.keys())

    @staticmethod
    def _said(way: str, roles: Roles) -> bool:
        return all(name in roles for name in way.split("+"))


def built(roles: Roles, default: Callable[[int], float]) -> Built | None:
    """What the tensors of one module add; None where they are no whole adapter. Raises Misfit for odd shapes.

    `default` gives the scale of a rank where the tensors say none.
    """
    terms, used = [], frozenset[str]()
    try:
        for kind in KINDS:
            if kind.has(roles):
                terms.append(kind.build(roles, default))
                used |= kind.used(roles)
                break
        for name in ("diff_b", "b_norm"):
            if name in roles:
                terms.append(Whole(bias=roles[name].flatten()))
                used |= {name}
    except (RuntimeError, IndexError, ValueError):  # of what the shapes do not allow
        raise Misfit from None
    return Built(terms[0] if len(terms) == 1 else Several(tuple(terms)), used) if terms else None


def _scale(roles: Roles, rank: int, default: Callable[[int], float]) -> float:
    if SCALE in roles:
        return _number(roles[SCALE])
    return _number(roles[ALPHA]) / rank if ALPHA in roles else default(rank)


def _number(tensor: Tensor) -> float:
    if tensor.numel() != 1:
        raise Misfit
    return float(tensor)


def _with_kernel(middle: Tensor, down: Tensor) -> Tensor:
    """(i, j, kh, kw) after (j, in) -> (i, in, kh, kw)."""
    return torch.einsum("ij...,jn->in...", middle, down.flatten(1))


def _tucker(core: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(i, j, kh, kw), (i, out), (j, in) -> (out, in, kh, kw)."""
    return torch.einsum("ij...,io,jn->on...", core, rows, columns)


def _lora(roles: Roles, default: Callable[[int], float]) -> Term:
    down, up = roles[DOWN], roles[UP].flatten(1)
    scale = _scale(roles, len(down), default)
    product = Product(_with_kernel(roles[MID], down) if MID in roles else down, up * scale)
    return Several((product, Whole(bias=roles[UP_BIAS] * scale))) if UP_BIAS in roles else product


def _loha(roles: Roles, default: Callable[[int], float]) -> Term:
    """The Hadamard product of two low-rank matrices has rank r1 r2, and so may be small itself."""
    a1, b1, a2, b2 = (roles[f"hada_w{i}_{half}"] for i in (1, 2) for half in "ab")
    scale = _scale(roles, len(b1), default)
    if "hada_t1" in roles:
        return Whole(_tucker(roles["hada_t1"], a1, b1) * _tucker(roles["hada_t2"], a2, b2) * scale)
    high, wide = len(a1), b1.shape[1]
    if a1.shape[1] * a2.shape[1] * (high + wide) >= high * wide:
        return Whole((a1 @ b1) * (a2 @ b2) * scale)
    up = (a1[:, :, None] * a2[:, None]).flatten(1)  # (out, r1 r2)
    down = (b1[:, None] * b2).flatten(0, 1)  # (r1 r2, in kh kw)
    return Product(down, up * scale)


def _lokr(roles: Roles, default: Callable[[int], float]) -> Term:
    ranks = [len(roles[name]) for name in ("lokr_w2_b", "lokr_w1_b") if name in roles]
    w1 = roles["lokr_w1"] if "lokr_w1" in roles else roles["lokr_w1_a"] @ roles["lokr_w1_b"]
    if "lokr_w2" in roles:
        w2 = roles["lokr_w2"]
    elif "lokr_t2" in roles:
        w2 = _tucker(roles["lokr_t2"], roles["lokr_w2_a"], roles["lokr_w2_b"])
    else:
        w2 = roles["lokr_w2_a"] @ roles["lokr_w2_b"]
    if ranks:
        w1 = w1 * _scale(roles, ranks[0], default)
    return Kronecker(w1, w2)


def _ia3(roles: Roles, default: Callable[[int], float]) -> Term:
    weight = roles["weight"].flatten()
    return Rescaled(into=weight) if _number(roles["on_input"]) else Rescaled(out=weight)


def _glora(roles: Roles, default: Callable[[int], float]) -> Term:
    """Older files have each pair the other way round: W a2 a1 + b2 b1."""
    a1, a2, b1, b2 = (roles[name] for name in ("a1", "a2", "b1", "b2"))
    if len(a1) < a1.shape[1]:
        a1, a2, b1, b2 = a2, a1, b2, b1
    scale = _scale(roles, len(a2), default)
    down = _with_kernel(roles["bm"], b2) if "bm" in roles else b2
    return Several((Product(down, b1.flatten(1) * scale), Through(a2.flatten(1), a1.flatten(1) * scale)))


def _oft(roles: Roles, default: Callable[[int], float]) -> Term:
    blocks = roles["oft_blocks"] if "oft_blocks" in roles else roles["oft_diag"]
    butterfly = blocks.dim() == 4
    unit = torch.eye(blocks.shape[-1], device=blocks.device)
    if "oft_blocks" in roles:
        turns = blocks - blocks.transpose(-1, -2)
        rows = blocks.shape[-3] * blocks.shape[-1]
        if ALPHA in roles and (most := _number(roles[ALPHA]) * rows) > 0:
            turns = turns * (most / turns.norm().clamp_min(SMALLEST)).clamp_max(1)
        blocks = (unit + turns) @ torch.linalg.inv(unit - turns)
    turn = Rotated(blocks - unit, True) if butterfly else Rotated((blocks.transpose(-1, -2) - unit)[None])
    return Rescaled(turn, roles["rescale"].flatten() - 1) if "rescale" in roles else turn


SCALED = (ALPHA, SCALE)
KINDS = (
    Kind((DOWN, UP), (*SCALED, MID, UP_BIAS, DORA, MAGNITUDE), _lora),
    Kind(("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), (*SCALED, "hada_t1", "hada_t2", DORA), _loha),
    Kind(("lokr_w1 or lokr_w1_a+lokr_w1_b", "lokr_w2 or lokr_w2_a+lokr_w2_b"), (*SCALED, "lokr_t2", DORA), _lokr),
    Kind(("a1", "a2", "b1", "b2"), (*SCALED, "bm"), _glora),
    Kind(("oft_blocks or oft_diag",), (ALPHA, "rescale"), _oft),
    Kind(("weight", "on_input"), (), _ia3),
    Kind(("diff",), (ALPHA,), lambda roles, default: Whole(roles["diff"])),
    Kind(("w_norm",), (ALPHA,), lambda roles, default: Whole(roles["w_norm"])),
)
