"""The bodies that all families share: perceptrons for points and tiny pictures, convolutions for larger ones.

Data is (N, 2) for points and (N, C, S, S) for pictures with S a power of two from 8. Pictures of 32 are worked on as
16 x 16 blocks of 2 x 2 pixels, which costs a quarter and loses nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST = 4
"""The side at which pictures become vectors."""
FREQUENCIES = 16
GROUPS = 8
"""Of a group normalisation, where the channels divide by it."""


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(N,) -> (N, classes); a label of -1 is all zeros."""
    if not classes:
        return labels.new_zeros(len(labels), 0, dtype=torch.float32)
    return F.one_hot(labels.clamp(min=0), classes).float() * (labels >= 0)[:, None]


class Perceptron(nn.Module):
    """A residual MLP, (N, entries) -> (N, exits)."""

    def __init__(self, entries: int, exits: int, width: int = 128, depth: int = 3) -> None:
        super().__init__()
        self.enter = nn.Linear(entries, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.leave = nn.Linear(width, exits)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.enter(x)
        for layer in self.hidden:
            hidden = hidden + layer(F.silu(hidden))
        return self.leave(F.silu(hidden))


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a way straight through; `condition` (N, D) moves and scales what is between."""

    def __init__(self, channels: int, condition: int = 0, norm: bool = True) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(math.gcd(GROUPS, channels), channels) if norm else nn.Identity()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.told = nn.Linear(condition, 2 * channels) if condition else None
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        hidden = self.first(F.silu(self.norm(x)))
        if self.told is not None and condition is not None:
            scale, shift = self.told(condition)[:, :, None, None].chunk(2, dim=1)
            hidden = hidden * (1 + scale) + shift
        return x + self.second(F.silu(hidden))


def is_small(shape: tuple[int, ...]) -> bool:
    """Whether a perceptron over all numbers at once is the better choice: points, and pictures of 8 x 8."""
    return math.prod(shape) <= 64


def block_of(side: int) -> int:
    """How many pixels to a side are worked on as one place."""
    return 2 if side > 16 else 1


def levels_of(side: int, width: int, smallest: int) -> list[tuple[int, int]]:
    """From the largest to the smallest: the side of each level and its channels."""
    side = side // block_of(side)
    count = round(math.log2(side // smallest)) + 1
    return [(side >> i, min(width * (2 + i) // 2, 2 * width)) for i in range(count)]


def encoder(shape: tuple[int, ...], condition: int, exits: int, width: int, norm: bool = True) -> nn.Module:
    """(data, condition (N, condition)) -> (N, exits)."""
    if is_small(shape):
        return FlatEncoder(shape, condition, exits, width)
    return PictureEncoder(shape, condition, exits, width, norm)


def decoder(shape: tuple[int, ...], entries: int, width: int, norm: bool = True) -> nn.Module:
    """(N, entries), the condition among them, -> data."""
    return FlatDecoder(shape, entries, width) if is_small(shape) else PictureDecoder(shape, entries, width, norm)


class FlatEncoder(nn.Module):
    def __init__(self, shape: tuple[int, ...], condition: int, exits: int, width: int) -> None:
        super().__init__()
        self.body = Perceptron(math.prod(shape) + condition, exits, width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.body(torch.cat([x.flatten(1), condition], dim=1))


class FlatDecoder(nn.Module):
    def __init__(self, shape: tuple[int, ...], entries: int, width: int) -> None:
        super().__init__()
        self.shape, self.body = shape, Perceptron(entries, math.prod(shape), width)

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z).view(len(z), *self.shape)


class PictureEncoder(nn.Module):
    """By convolutions; `map` stops at features (N, C, s, s), of which `grid` says channels and side."""

    def __init__(
        self,
        shape: tuple[int, ...],
        condition: int,
        exits: int,
        width: int,
        norm: bool = True,
        smallest: int = SMALLEST,
    ) -> None:
        super().__init__()
        channels, side, _ = shape
        block = block_of(side)
        levels = levels_of(side, width, smallest)
        layers: list[nn.Module] = []
        entries = channels * block**2 + condition
        for i, (_, wide) in enumerate(levels):
            layers += [nn.Conv2d(entries, wide, 3, padding=1, stride=2 if i else 1), Residual(wide, norm=norm)]
            entries = wide
        self.block, self.body = nn.PixelUnshuffle(block), nn.Sequential(*layers)
        self.grid = (levels[-1][1], levels[-1][0])
        self.leave = nn.Linear(self.grid[0] * self.grid[1] ** 2, exits) if exits else nn.Identity()

    def map(self, x: Tensor, condition: Tensor) -> Tensor:
        blocks = self.block(x)
        return self.body(torch.cat([blocks, spread(condition, blocks)], dim=1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.leave(F.silu(self.map(x, condition)).flatten(1))


class PictureDecoder(nn.Module):
    """By convolutions; `grow` begins at features (N, C, s, s), of which `grid` says channels and side."""

    def __init__(
        self, shape: tuple[int, ...], entries: int, width: int, norm: bool = True, smallest: int = SMALLEST
    ) -> None:
        super().__init__()
        channels, side, _ = shape
        block = block_of(side)
        levels = levels_of(side, width, smallest)[::-1]
        self.grid = (levels[0][1], levels[0][0])
        self.enter = nn.Linear(entries, self.grid[0] * self.grid[1] ** 2) if entries else nn.Identity()
        layers: list[nn.Module] = []
        for i, (_, wide) in enumerate(levels):
            if i:
                layers += [nn.Upsample(scale_factor=2), nn.Conv2d(levels[i - 1][1], wide, 3, padding=1)]
            layers.append(Residual(wide, norm=norm))
        layers += [nn.SiLU(), nn.Conv2d(levels[-1][1], channels * block**2, 3, padding=1), nn.PixelShuffle(block)]
        self.grow = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.grow(self.enter(z).view(len(z), self.grid[0], self.grid[1], self.grid[1]))


def denoising(shape: tuple[int, ...], classes: int, width: int) -> nn.Module:
    """(x, t in [0, 1], label) -> like x."""
    return FlatDenoising(shape, classes, width) if is_small(shape) else UNet(shape, classes, width)


class FlatDenoising(nn.Module):
    def __init__(self, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__()
        self.classes, size = classes, math.prod(shape)
        self.body = Perceptron(size + 2 * FREQUENCIES + classes, size, width)
        with torch.no_grad():  # as strong as if x came alone: among so many waves, two coordinates were hardly heard
            self.body.enter.weight[:, :size] *= math.sqrt(self.body.enter.in_features / size)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        told = torch.cat([x.flatten(1), waves(t), one_hot(labels, self.classes)], dim=1)
        return self.body(told).view(x.shape)


class UNet(nn.Module):
    """Down to 8 x 8 and up again, with attention at the bottom."""

    def __init__(self, shape: tuple[int, ...], classes: int, width: int) -> None:
        super().__init__()
        self.classes = classes
        told = 2 * width
        self.told = nn.Sequential(nn.Linear(2 * FREQUENCIES + classes, told), nn.SiLU())
        channels, side, _ = shape
        block = block_of(side)
        levels = levels_of(side, width, 2 * SMALLEST)
        self.block, self.unblock = nn.PixelUnshuffle(block), nn.PixelShuffle(block)
        self.enter = nn.Conv2d(channels * block**2, levels[0][1], 3, padding=1)
        self.downs = nn.ModuleList(Residual(wide, told) for _, wide in levels)
        self.shrink = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, stride=2) for (_, a), (_, b) in zip(levels, levels[1:], strict=False)
        )
        self.middle = nn.ModuleList(
            [Residual(levels[-1][1], told), Attention(levels[-1][1]), Residual(levels[-1][1], told)]
        )
        self.join = nn.ModuleList(nn.Conv2d(2 * wide, wide, 1) for _, wide in levels)
        self.ups = nn.ModuleList(Residual(wide, told) for _, wide in levels)
        self.grow = nn.ModuleList(
            nn.Conv2d(b, a, 3, padding=1) for (_, a), (_, b) in zip(levels, levels[1:], strict=False)
        )
        self.leave = nn.Conv2d(levels[0][1], channels * block**2, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        condition = torch.cat([waves(t), one_hot(labels, self.classes)], dim=1)
        told = self.told(condition)
        hidden, kept = self.enter(self.block(x)), []
        for i, down in enumerate(self.downs):
            hidden = down(self.shrink[i - 1](hidden) if i else hidden, told)
            kept.append(hidden)
        for layer in self.middle:
            hidden = layer(hidden, told)
        for i in reversed(range(len(self.ups))):
            hidden = self.ups[i](self.join[i](torch.cat([hidden, kept[i]], dim=1)), told)
            if i:
                hidden = self.grow[i - 1](F.interpolate(hidden, scale_factor=2.0))
        return self.unblock(self.leave(F.silu(hidden)))


class Attention(nn.Module):
    """Every place looks at every other, once, with four heads."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(math.gcd(GROUPS, channels), channels)
        self.ask = nn.Conv2d(channels, 3 * channels, 1)
        self.leave = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, _condition: Tensor | None = None) -> Tensor:
        n, c, h, w = x.shape
        q, k, v = self.ask(self.norm(x)).view(n, 3, self.heads, c // self.heads, h * w).transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(q, k, v)  # (N, heads, h * w, c / heads)
        return x + self.leave(seen.transpose(2, 3).reshape(n, c, h, w))


def waves(t: Tensor) -> Tensor:
    """Times (N,) in [0, 1] as sines and cosines, (N, 2 * FREQUENCIES)."""
    angles = t.float()[:, None] * torch.logspace(0, 2.5, FREQUENCIES, device=t.device)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def spread(condition: Tensor, like: Tensor) -> Tensor:
    """(N, D) -> (N, D, h, w): the same at every place."""
    return condition[:, :, None, None].expand(-1, -1, *like.shape[2:])
