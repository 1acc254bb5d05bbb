"""A normalising flow: an invertible map between data and base noise, so that log p(x) is exact.

log p(x) = log N(f(x); 0, I) + log |det df/dx|. Affine couplings as RealNVP's (arXiv:1605.08803); for pictures with
learned normalisation and invertible 1 x 1 convolutions between them, as in Glow (arXiv:1807.03039).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.networks import Perceptron, is_small, one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST = 8
"""The side down to which pictures are squeezed."""
STEEPEST = 2.0
"""The largest log-scale of one coupling, so that no step can explode."""
SEEN = 24
"""States shown at most."""


class Invertible(Protocol):
    """The law of every layer: `inverse(forward(x)) = x`, and `forward` tells log |det dy/dx|, (N,)."""

    def __call__(self, x: Tensor, condition: Tensor, /) -> tuple[Tensor, Tensor]: ...
    def inverse(self, y: Tensor, condition: Tensor, /) -> Tensor: ...


class Flow(nn.Module):
    """Invertible layers one after another."""

    heeds: ClassVar = frozenset({"temperature"})
    stages: ClassVar = (("",),)
    learning_rate: ClassVar = 1e-3
    betas: ClassVar = (0.9, 0.99)

    def __init__(
        self, shape: Sequence[int], classes: int = 0, width: int = 64, couplings: int = 8, levels: int = 0
    ) -> None:
        """couplings: of all for points, of each level for pictures; levels: of the dequantised data, 0 for none."""
        super().__init__()
        self.shape, self.classes, self.levels = tuple(shape), classes, levels
        layers = flat_layers if is_small(self.shape) else picture_layers
        self.layers = nn.ModuleList(layers(self.shape, classes, width, couplings))

    @property
    def z_shape(self) -> tuple[int, ...]:
        return self.shape

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """(N, *shape) -> z (N, *shape), log |det dz/dx| (N,)."""
        condition = one_hot(labels, self.classes).to(x.dtype)
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, logdet = layer(x, condition)
            total = total + logdet
        return x, total

    def inverse(self, z: Tensor, labels: Tensor) -> Tensor:
        """The x whose `forward` is z."""
        *_, x = self._back(z, labels)
        return x

    def _back(self, z: Tensor, labels: Tensor) -> Iterator[Tensor]:
        """The state before each layer, the last layer's first; the last of them is x."""
        condition = one_hot(labels, self.classes).to(z.dtype)
        for layer in reversed(cast("list[Invertible]", list(self.layers))):
            z = layer.inverse(z, condition)
            yield z

    def log_prob(self, x: Tensor, labels: Tensor) -> Tensor:
        """(N,): the exact density's logarithm in nats."""
        z, logdet = self(x, labels)
        return logdet - 0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        """Nats a dimension, of dequantised data where it has levels (arXiv:1511.01844)."""
        return -self.log_prob(self._dequantised(x, draw, self.levels), labels).mean() / math.prod(self.shape)

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """The inverse, layer by layer; a state between is laid out like data, which it slowly becomes."""
        z = z * how.temperature
        every = max(1, len(self.layers) // SEEN)
        for i, x in enumerate(self._back(z, labels)):
            left = len(self.layers) - 1 - i
            if left % every == 0:
                shown = laid_out(x, self.shape)
                yield State(shown, shown, 1 if left == 0 else 0)

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """f(x): the inverse gives x back but for rounding."""
        return self(x, labels)[0]

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> Tensor:
        """Exact for continuous data; for data with levels the bound that dequantising gives."""
        nats = -self.log_prob(self._dequantised(x, draw, levels), labels) / math.prod(self.shape)
        width = math.log(2 / (levels - 1)) if levels else 0.0  # p(level) is about density times the bin's width
        return (nats - width) / math.log(2)

    @staticmethod
    def _dequantised(x: Tensor, draw: torch.Generator, levels: int) -> Tensor:
        """Spread evenly over each level's bin."""
        return x + (torch.rand(x.shape, generator=draw).to(x) - 0.5) * 2 / (levels - 1) if levels else x


def flat_layers(shape: tuple[int, ...], classes: int, width: int, couplings: int) -> list[nn.Module]:
    """Over all numbers at once; halves change their roles in turn, and many numbers are mixed as well."""
    size = math.prod(shape)
    layers: list[nn.Module] = [Reshape(shape, (size,))]
    for i in range(couplings):
        layers.append(ActNorm(size))
        if size > 2:
            layers.append(Rotation(size))
        layers.append(FlatCoupling(size, classes, width, flip=i % 2 == 1))
    return [*layers, ActNorm(size), Reshape((size,), shape)]


def picture_layers(shape: tuple[int, ...], classes: int, width: int, couplings: int) -> list[nn.Module]:
    """Squeezed to half the side, `couplings` steps, and again, down to SMALLEST."""
    channels, side, _ = shape
    layers: list[nn.Module] = []
    while side > SMALLEST:
        layers.append(Squeeze())
        channels, side = 4 * channels, side // 2
        for _ in range(couplings):
            layers += [ActNorm(channels), Rotation(channels), Coupling(channels, classes, width)]
    return [*layers, Unsqueeze(round(math.log2(shape[1] // side)))]


def laid_out(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A flattened or squeezed state in the data's own shape again."""
    if x.ndim == 2:
        return x.view(-1, *shape)
    while x.shape[1:] != shape:
        x = unsqueeze(x)
    return x


def squeeze(x: Tensor) -> Tensor:
    """(N, C, S, S) -> (N, 4 C, S/2, S/2)."""
    return F.pixel_unshuffle(x, 2)


def unsqueeze(x: Tensor) -> Tensor:
    return F.pixel_shuffle(x, 2)


class Reshape(nn.Module):
    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor, _condition: Tensor) -> tuple[Tensor, Tensor]:
        return x.reshape(-1, *self.after), x.new_zeros(len(x))

    def inverse(self, y: Tensor, _condition: Tensor) -> Tensor:
        return y.reshape(-1, *self.before)


class Squeeze(nn.Module):
    def forward(self, x: Tensor, _condition: Tensor) -> tuple[Tensor, Tensor]:
        return squeeze(x), x.new_zeros(len(x))

    def inverse(self, y: Tensor, _condition: Tensor) -> Tensor:
        return unsqueeze(y)


class Unsqueeze(nn.Module):
    """Back to the data's own layout at the end, so that z is laid out like x."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor, _condition: Tensor) -> tuple[Tensor, Tensor]:
        for _ in range(self.times):
            x = unsqueeze(x)
        return x, x.new_zeros(len(x))

    def inverse(self, y: Tensor, _condition: Tensor) -> Tensor:
        for _ in range(self.times):
            y = squeeze(y)
        return y


class ActNorm(nn.Module):
    """Each channel shifted and scaled; the first batch sets both so that it leaves with mean 0 and deviation 1."""

    started: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("started", torch.tensor(0.0))

    def forward(self, x: Tensor, _condition: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.started:
            self._start(x)
        log_scale, shift = _like(self.log_scale, x), _like(self.shift, x)
        return (x + shift) * log_scale.exp(), self.log_scale.sum().expand(len(x)) * places(x)

    def inverse(self, y: Tensor, _condition: Tensor) -> Tensor:
        return y * (-_like(self.log_scale, y)).exp() - _like(self.shift, y)

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        values = x.transpose(0, 1).flatten(1)
        self.shift.copy_(-values.mean(1))
        self.log_scale.copy_(-(values.std(1) + 1e-4).log())
        self.started.fill_(1.0)


class Rotation(nn.Module):
    """An invertible mix of the channels (a 1 x 1 convolution).

    W = P L (U + diag(s)) with P fixed, so that log |det W| = sum log |s|.
    """

    permutation: Tensor
    signs: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels))[0]
        permutation, lower, upper = torch.linalg.lu(rotation)
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", upper.diagonal().sign())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_sizes = nn.Parameter(upper.diagonal().abs().log())

    def factors(self) -> tuple[Tensor, Tensor]:
        lower = self.lower.tril(-1) + torch.eye(len(self.lower)).to(self.lower)
        return lower, self.upper.triu(1) + (self.signs * self.log_sizes.exp()).diag()

    def forward(self, x: Tensor, _condition: Tensor) -> tuple[Tensor, Tensor]:
        lower, upper = self.factors()
        weight = self.permutation.to(x.dtype) @ lower @ upper
        return torch.einsum("oc,nc...->no...", weight, x), self.log_sizes.sum().expand(len(x)) * places(x)

    def inverse(self, y: Tensor, _condition: Tensor) -> Tensor:
        lower, upper = self.factors()
        channels_first = y.transpose(0, 1)
        flat = self.permutation.to(y.dtype).T @ channels_first.reshape(len(lower), -1)
        flat = torch.linalg.solve_triangular(lower, flat, upper=False, unitriangular=True)
        flat = torch.linalg.solve_triangular(upper, flat, upper=True)
        return flat.view(channels_first.shape).transpose(0, 1)


class _Affine(nn.Module):
    """One part stays and says how the other is scaled and shifted; subclasses say how data is parted."""

    def net(self, kept: Tensor, condition: Tensor) -> Tensor:
        raise NotImplementedError

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.chunk(2, dim=1)  # type: ignore[return-value]

    def whole(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([kept, moved], dim=1)

    def _log_scale_and_shift(self, kept: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.net(kept, condition).chunk(2, dim=1)
        return STEEPEST * torch.tanh(scale / STEEPEST), shift

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        kept, moved = self.parts(x)
        log_scale, shift = self._log_scale_and_shift(kept, condition)
        return self.whole(kept, moved * log_scale.exp() + shift), log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor, condition: Tensor) -> Tensor:
        kept, moved = self.parts(y)
        log_scale, shift = self._log_scale_and_shift(kept, condition)
        return self.whole(kept, (moved - shift) * (-log_scale).exp())


class FlatCoupling(_Affine):
    """The first half of all numbers moves the second, or the other way round."""

    def __init__(self, size: int, classes: int, width: int, flip: bool) -> None:
        super().__init__()
        self.flip, self.kept = flip, size // 2
        self.body = Perceptron(self.kept + classes, 2 * (size - self.kept), width, depth=2)
        silent(self.body.leave)

    def net(self, kept: Tensor, condition: Tensor) -> Tensor:
        return self.body(torch.cat([kept, condition], dim=1))

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.flip(1) if self.flip else x
        return x[:, : self.kept], x[:, self.kept :]

    def whole(self, kept: Tensor, moved: Tensor) -> Tensor:
        x = torch.cat([kept, moved], dim=1)
        return x.flip(1) if self.flip else x


class Coupling(_Affine):
    """For pictures: half of the channels move the others, place by place with what is near."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels // 2 + classes, width, 3, padding=1)
        self.between = nn.Conv2d(width, width, 1)
        self.leave = nn.Conv2d(width, channels, 3, padding=1)
        silent(self.leave)

    def net(self, kept: Tensor, condition: Tensor) -> Tensor:
        told = condition[:, :, None, None].expand(-1, -1, *kept.shape[2:])
        hidden = F.silu(self.enter(torch.cat([kept, told], dim=1)))
        return self.leave(F.silu(self.between(hidden)))


def silent(layer: nn.Linear | nn.Conv2d) -> None:
    """A coupling begins by changing nothing: an untrained flow of points is the normal distribution itself."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def places(x: Tensor) -> int:
    """How many places of a picture share the channels; 1 for vectors."""
    return x[0, 0].numel()


def _like(values: Tensor, x: Tensor) -> Tensor:
    """(C,) to multiply with (N, C, ...)."""
    return values.view(-1, *[1] * (x.ndim - 2))
