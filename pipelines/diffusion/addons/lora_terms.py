"""What an adapter adds to a module's answer, W' x - W x, in the cheapest form that says it exactly.

W itself is never written to. A term is built from a file's tensors in the file's own layout (`rows` of a fused matrix
go to several modules), then `shaped` for its module; weights of a term are float32 until the model's dtype is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import libs


def norms() -> tuple[type, ...]:
    """The classes of normalisations with a weight for each channel."""
    theirs = libs.function("diffusers.models.normalization", "RMSNorm")
    return nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, theirs


CHANNELS_FIRST = (nn.Conv2d, nn.GroupNorm)


class Misfit(Exception):
    """What a file adds has not the shape of the module that it names."""


def applied(module: Any, weight: Tensor, x: Tensor) -> Tensor:
    """A weight of the module's own shape on x, as the module applies its own, without a bias."""
    weight = weight.to(x)
    if isinstance(module, nn.Linear):
        return F.linear(x, weight)
    if isinstance(module, nn.Conv2d):
        return F.conv2d(x, weight, None, module.stride, module.padding, module.dilation, module.groups)
    return _normalised(module, x) * along(module, weight, x)


def _normalised(module: Any, x: Tensor) -> Tensor:
    if isinstance(module, nn.GroupNorm):
        return F.group_norm(x, module.num_groups, eps=module.eps)
    if isinstance(module, nn.LayerNorm):
        return F.layer_norm(x, module.normalized_shape, eps=module.eps)
    return F.rms_norm(x, x.shape[-1:], eps=module.eps)


def along(module: Any, vector: Tensor, x: Tensor) -> Tensor:
    """(C,) to broadcast over the channels of what goes into the module or comes out of it."""
    vector = vector.to(x)
    return vector.reshape(-1, *[1] * (x.dim() - 2)) if isinstance(module, CHANNELS_FIRST) else vector


def unbiased(module: Any, answer: Tensor) -> Tensor:
    """W x, from what the module answers to x."""
    return answer if module.bias is None else answer - along(module, module.bias, answer)


def _require(fits: bool) -> None:
    if not fits:
        raise Misfit


class Term:
    """One addition. The subclasses are frozen dataclasses of tensors and of other terms."""

    count: int | None
    """Rows of the file's own matrix; None where any number will do."""

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        """What is added to `answer`, the module's own to x, where x is: tensors may visit a device for this one use."""
        raise NotImplementedError

    def rows(self, index: Tensor) -> Self:
        """The same for a module that has only these rows of the file's matrix. Raises Misfit."""
        raise NotImplementedError

    def shaped(self, module: Any) -> Self:
        """The same in the module's shapes. Raises Misfit."""
        raise NotImplementedError

    def matrix(self, module: Any) -> Tensor:
        """W' - W in the module's shape. Raises Misfit where that takes W itself."""
        raise Misfit

    def tensors(self) -> Iterator[Tensor]:
        for value in _values(self):
            yield from value.tensors() if isinstance(value, Term) else (value,)

    def changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same with each tensor changed."""
        whole: Any = self
        return replace(whole, **{field.name: _changed(getattr(self, field.name), change) for field in fields(whole)})

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # copies of a module share it, as they share their weights


def _values(term: Any) -> Iterator[Tensor | Term]:
    for field in fields(term):
        value = getattr(term, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Tensor | Term):
                yield item


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in value)
    return value.changed(change) if isinstance(value, Term) else value


@dataclass(frozen=True)
class Product(Term):
    """up @ down, its alpha / rank already in `up`; of a convolution, the kernel is in `down`."""

    down: Tensor  # (r, in) or (r, in, kh, kw)
    up: Tensor  # (out, r)

    @property
    def count(self) -> int:
        return self.up.shape[0]

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        down, up = self.down.to(x), self.up.to(x)
        if isinstance(module, nn.Linear):
            return F.linear(F.linear(x, down), up)
        return F.conv2d(applied(module, down, x), up[..., None, None])

    def rows(self, index: Tensor) -> Product:
        return replace(self, up=self.up[index])

    def shaped(self, module: Any) -> Product:
        out, *inner = module.weight.shape
        rank = self.down.shape[0]
        _require(isinstance(module, nn.Linear | nn.Conv2d) and getattr(module, "groups", 1) == 1)
        _require(rank > 0 and self.up.shape == (out, rank) and self.down.shape[1] in (inner[0], math.prod(inner)))
        _require(self.down[0].numel() == math.prod(inner))
        return replace(self, down=self.down.reshape(rank, *inner))

    def matrix(self, module: Any) -> Tensor:
        return (self.up @ self.down.flatten(1)).reshape(module.weight.shape)


@dataclass(frozen=True)
class Kronecker(Term):
    """w1 (l, m) ⊗ w2 (k, n[, kh, kw]): out = l k, in = m n. Only `rows` of it, where a module has not all of them."""

    w1: Tensor
    w2: Tensor
    index: Tensor | None = None

    @property
    def count(self) -> int:
        return self.w1.shape[0] * self.w2.shape[0]

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        w1, w2 = self.w1.to(x), self.w2.to(x)
        if isinstance(module, nn.Linear):
            inner = F.linear(x.unflatten(-1, (w1.shape[1], w2.shape[1])), w2)  # (..., m, k)
            return self._chosen((w1 @ inner).flatten(-2), -1)
        inner = applied(module, w2, x.unflatten(1, (w1.shape[1], w2.shape[1])).flatten(0, 1))
        inner = inner.unflatten(0, (len(x), w1.shape[1]))  # (B, m, k, h, w)
        return self._chosen(torch.einsum("lm,bmkhw->blkhw", w1, inner).flatten(1, 2), 1)

    def _chosen(self, answer: Tensor, dim: int) -> Tensor:
        return answer if self.index is None else answer.index_select(dim, self.index.to(answer.device))

    def rows(self, index: Tensor) -> Kronecker:
        return replace(self, index=index)

    def shaped(self, module: Any) -> Kronecker:
        out, wide, *kernel = module.weight.shape
        _require(isinstance(module, nn.Linear | nn.Conv2d) and getattr(module, "groups", 1) == 1)
        _require(self.w1.dim() == 2 and (self.count if self.index is None else len(self.index)) == out)
        _require(self.w1.shape[1] > 0 and self.w1.shape[1] * self.w2[0].numel() == wide * math.prod(kernel))
        _require(wide % self.w1.shape[1] == 0)
        return replace(self, w2=self.w2.reshape(len(self.w2), wide // self.w1.shape[1], *kernel))

    def matrix(self, module: Any) -> Tensor:
        whole = torch.kron(self.w1.reshape(*self.w1.shape, *[1] * (self.w2.dim() - 2)), self.w2)
        return self._chosen(whole, 0).reshape(module.weight.shape)


@dataclass(frozen=True)
class Whole(Term):
    """A difference of the whole weight, of the bias, or of both; of a norm as well."""

    weight: Tensor | None = None
    bias: Tensor | None = None

    @property
    def count(self) -> int:
        return next(len(tensor) for tensor in (self.weight, self.bias) if tensor is not None)

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        bias = None if self.bias is None else along(module, self.bias, answer)
        if self.weight is None:
            return answer.new_zeros(()) if bias is None else bias
        added = applied(module, self.weight, x)
        return added if bias is None else added + bias

    def rows(self, index: Tensor) -> Whole:
        return self.changed(lambda tensor: tensor[index])

    def shaped(self, module: Any) -> Whole:
        shape = module.weight.shape
        _require(self.weight is None or self.weight.numel() == math.prod(shape))
        _require(self.bias is None or self.bias.numel() == shape[0])
        return Whole(
            None if self.weight is None else self.weight.reshape(shape),
            None if self.bias is None else self.bias.flatten(),
        )

    def matrix(self, module: Any) -> Tensor:
        if self.weight is None:
            raise Misfit
        return self.weight.reshape(module.weight.shape)


@dataclass(frozen=True)
class Rescaled(Term):
    """(1 + out) (W + what `inner` adds) (1 + into), the two along the rows and along the columns."""

    inner: Term | None = None
    out: Tensor | None = None
    into: Tensor | None = None

    @property
    def count(self) -> int | None:
        return len(self.out) if self.out is not None else self.inner.count if self.inner else None

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        more = None if self.into is None else along(module, self.into, x) * x
        added = self.inner(module, x if more is None else x + more, answer) if self.inner else answer.new_zeros(())
        if more is not None:
            added = added + applied(module, module.weight, more)
        if self.out is not None:
            added = added + along(module, self.out, answer) * (unbiased(module, answer) + added)
        return added

    def rows(self, index: Tensor) -> Rescaled:
        inner = self.inner.rows(index) if self.inner else None
        return Rescaled(inner, None if self.out is None else self.out[index], self.into)

    def shaped(self, module: Any) -> Rescaled:
        out, wide = module.weight.shape[:2] if module.weight.dim() > 1 else (0, 0)
        _require(self.out is None or len(self.out) == out)
        _require(self.into is None or (len(self.into) == wide and getattr(module, "groups", 1) == 1))
        return replace(self, inner=self.inner.shaped(module) if self.inner else None)


@dataclass(frozen=True)
class Rotated(Term):
    """Blocks of the answer's channels turned, stage after stage: `turns` (stages, blocks, b, b) are R - I.

    In a butterfly (BOFT, arXiv:2311.06243) the blocks of stage i are of channels that lie 2^i b / 2 apart.
    """

    turns: Tensor
    butterfly: bool = False

    @property
    def count(self) -> int:
        return self.turns.shape[1] * self.turns.shape[2]

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        first = isinstance(module, CHANNELS_FIRST)
        own = unbiased(module, answer)
        own = own.movedim(1, -1) if first else own
        y = own
        for stage, turn in enumerate(self.turns.to(x)):
            y = y + self._turned(y, turn, turn.shape[-1] // 2 * 2**stage)
        return (y - own).movedim(-1, 1) if first else y - own

    def _turned(self, y: Tensor, turn: Tensor, apart: int) -> Tensor:
        """(..., C) -> (..., C)"""
        if self.butterfly:
            y = y.unflatten(-1, (-1, 2, apart)).transpose(-1, -2).flatten(-3)
        blocks = y.unflatten(-1, turn.shape[:2])
        y = torch.einsum("kij,...kj->...ki", turn, blocks).flatten(-2)
        return y.unflatten(-1, (-1, apart, 2)).transpose(-1, -2).flatten(-3) if self.butterfly else y

    def rows(self, index: Tensor) -> Rotated:
        """Whole blocks only: else one module would need what another answers."""
        b = self.turns.shape[2]
        blocks = index.reshape(-1, b) if len(index) % b == 0 else None
        aligned = blocks is not None and bool((blocks == blocks[:, :1] + torch.arange(b)).all())
        _require(aligned and blocks is not None and not self.butterfly and bool((blocks[:, 0] % b == 0).all()))
        assert blocks is not None
        return replace(self, turns=self.turns[:, blocks[:, 0] // b])

    def shaped(self, module: Any) -> Rotated:
        _require(isinstance(module, nn.Linear | nn.Conv2d) and self.count == module.weight.shape[0])
        if self.butterfly:
            b, stages = self.turns.shape[2], len(self.turns)
            _require(b % 2 == 0 and self.count % (b * 2 ** (stages - 1)) == 0)
        return self


@dataclass(frozen=True)
class Through(Term):
    """W (up @ down): a product of the module's own columns."""

    down: Tensor  # (r, in)
    up: Tensor  # (in, r)
    count = None

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        down, up = self.down.to(x), self.up.to(x)
        if isinstance(module, nn.Linear):
            return applied(module, module.weight, F.linear(F.linear(x, down), up))
        return applied(module, module.weight, F.conv2d(F.conv2d(x, down[..., None, None]), up[..., None, None]))

    def rows(self, index: Tensor) -> Through:
        return self

    def shaped(self, module: Any) -> Through:
        _require(isinstance(module, nn.Linear | nn.Conv2d) and getattr(module, "groups", 1) == 1)
        wide = module.weight.shape[1]
        _require(self.down.dim() == 2 and self.down.shape == self.up.shape[::-1] == (len(self.down), wide))
        return self


@dataclass(frozen=True)
class Several(Term):
    """The sum of terms."""

    terms: tuple[Term, ...]

    @property
    def count(self) -> int | None:
        return next((term.count for term in self.terms if term.count is not None), None)

    def __call__(self, module: Any, x: Tensor, answer: Tensor) -> Tensor:
        added = self.terms[0](module, x, answer)
        for term in self.terms[1:]:
            added = added + term(module, x, answer)
        return added

    def rows(self, index: Tensor) -> Several:
        return Several(tuple(term.rows(index) for term in self.terms))

    def shaped(self, module: Any) -> Several:
        return Several(tuple(term.shaped(module) for term in self.terms))
