"""A vector-quantised autoencoder with an autoregressive prior over its tokens: how the first DALL-E drew.

The autoencoder turns a picture into a grid of tokens of a codebook (arXiv:1711.00937); then a small causal transformer
learns which token follows (arXiv:2102.12092 with a transformer of pictures only). A picture appears token by token.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.networks import PictureDecoder, PictureEncoder, one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMITMENT = 0.25
REVIVED_BELOW = 0.03
"""Codes that are used less, as a share of an even use, are put where data is."""
HEADS = 4
MISREAD = 0.1
"""Of the tokens that the prior reads while it learns, so that it trusts no single one: few pictures are soon known by
heart."""


class Vq(nn.Module):
    """The autoencoder, the codebook in it, and the prior; all of them know the label."""

    heeds: ClassVar = frozenset({"temperature"})
    stages: ClassVar = (("autoencoder",), ("prior",))
    learning_rate: ClassVar = 2e-3
    betas: ClassVar = (0.9, 0.99)

    def __init__(
        self,
        shape: Sequence[int],
        classes: int = 0,
        width: int = 32,
        codes: int = 128,
        grid: int = 8,
        prior_width: int = 64,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.shape, self.classes, self.grid = tuple(shape), classes, grid
        self.autoencoder = Autoencoder(self.shape, width, codes, grid)
        self.prior = Prior(codes, grid * grid, classes, prior_width, depth)

    @property
    def z_shape(self) -> tuple[int, ...]:
        return (self.grid * self.grid,)

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        """The squared error and the codebook's terms, or the prior's cross entropy a token in nats."""
        if part == "autoencoder":
            return self.autoencoder.loss(x, draw)
        with torch.no_grad():
            tokens = self.autoencoder.tokens(x)
        wrong = torch.rand(tokens.shape, generator=draw) < MISREAD
        others = torch.randint(len(self.autoencoder.codebook), tokens.shape, generator=draw)
        told = self.prior(torch.where(wrong, others, tokens), labels)
        return F.cross_entropy(told.flatten(0, 1), tokens.flatten())

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """Token by token; the places that have none yet are -1 in x and the commonest token in x0_pred.

        A token is drawn by the share of base noise below z, so that z decides all.
        """
        share = torch.special.ndtr(z.double())  # in single precision, rare tokens have no share of their own
        tokens = torch.zeros(z.shape, dtype=torch.long, device=z.device)
        places = torch.arange(self.grid**2, device=z.device)
        common = self.autoencoder.commonest()
        for i in range(self.grid**2):
            logits = self.prior(tokens, labels)[:, i] / max(how.temperature, 1e-3)
            ladder = logits.double().softmax(1).cumsum(1)
            tokens[:, i] = (share[:, i, None] > ladder).sum(1).clamp(max=logits.shape[1] - 1)
            guess = torch.where(places <= i, tokens, common)
            x0_pred = self.autoencoder.decode(guess)
            yield State(self._drawn_so_far(x0_pred, places <= i), x0_pred, i + 1)

    def _drawn_so_far(self, x: Tensor, known: Tensor) -> Tensor:
        known = known.float().view(1, 1, self.grid, self.grid)
        return torch.where(F.interpolate(known, size=x.shape[2:]) > 0, x, -1.0)

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """A z in the middle of each token's share."""
        tokens = self.autoencoder.tokens(x)
        shares = self.prior(tokens, labels).double().softmax(2)
        own = shares.gather(2, tokens[..., None]).squeeze(2)
        above = shares.cumsum(2).gather(2, tokens[..., None]).squeeze(2)
        return torch.special.ndtri((above - own / 2).clamp(1e-12, 1 - 1e-12)).float()

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> None:
        """None: the decoder gives a picture and no distribution of them, without which there is no bound."""
        return None


class Autoencoder(nn.Module):
    """Pictures -> (N, grid * grid) tokens -> pictures."""

    used: Tensor
    """(codes,): the share of the places that each took lately."""

    def __init__(self, shape: tuple[int, ...], width: int, codes: int, grid: int) -> None:
        super().__init__()
        self.encoder = PictureEncoder(shape, 0, 0, width, smallest=grid)
        self.decoder = PictureDecoder(shape, 0, width, smallest=grid)
        channels = self.encoder.grid[0]
        self.grid = grid
        self.narrow = nn.Conv2d(channels, 16, 1)
        self.widen = nn.Conv2d(16, channels, 1)
        self.codebook = nn.Parameter(torch.randn(codes, 16))
        self.register_buffer("used", torch.full((codes,), 1.0 / codes))

    def features(self, x: Tensor) -> Tensor:
        """(N, grid, grid, 16), of length 4 each: only directions are told apart."""
        nothing = x.new_zeros(len(x), 0)
        return _unit(self.narrow(self.encoder.map(x, nothing)).permute(0, 2, 3, 1))

    def tokens(self, x: Tensor) -> Tensor:
        return self._nearest(self.features(x)).flatten(1)

    def _nearest(self, features: Tensor) -> Tensor:
        return (features @ _unit(self.codebook).T).argmax(-1)

    def decode(self, tokens: Tensor) -> Tensor:
        codes = _unit(self.codebook)[tokens].view(len(tokens), self.grid, self.grid, 16)
        return self._picture(codes)

    def _picture(self, codes: Tensor) -> Tensor:
        return self.decoder.grow(self.widen(codes.permute(0, 3, 1, 2)))

    def commonest(self) -> int:
        return int(self.used.argmax())

    def loss(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """Squared error a value, with the gradient passed straight through the choice of code."""
        features = self.features(x)
        tokens = self._nearest(features)
        self._keep_in_use(features.detach(), tokens, draw)
        codes = _unit(self.codebook)[tokens]
        made = self._picture(features + (codes - features).detach())
        codebook = F.mse_loss(codes, features.detach()) + COMMITMENT * F.mse_loss(features, codes.detach())
        return F.mse_loss(made, x) + codebook

    @torch.no_grad()
    def _keep_in_use(self, features: Tensor, tokens: Tensor, draw: torch.Generator) -> None:
        """A code that nobody uses is moved onto the features of some place, drawn by chance."""
        count = len(self.codebook)
        self.used.lerp_(torch.bincount(tokens.flatten(), minlength=count) / tokens.numel(), 0.01)
        idle = (self.used < REVIVED_BELOW / count).nonzero().flatten()
        if len(idle):
            flat = features.flatten(0, -2)
            self.codebook[idle] = flat[torch.randint(len(flat), (len(idle),), generator=draw)]
            self.used[idle] = 1 / count


class Prior(nn.Module):
    """A causal transformer: tokens (N, places), labels -> logits (N, places, codes), each given the tokens before."""

    def __init__(self, codes: int, places: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.classes = classes
        self.token = nn.Embedding(codes, width)
        self.place = nn.Parameter(0.02 * torch.randn(places, width))
        self.label = nn.Linear(classes, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, codes)

    def forward(self, tokens: Tensor, labels: Tensor) -> Tensor:
        told = self.label(one_hot(labels, self.classes))[:, None]
        before = torch.cat([torch.zeros_like(told), self.token(tokens[:, :-1])], dim=1)
        hidden = before + self.place + told
        for layer in self.layers:
            hidden = layer(hidden)
        return self.leave(self.norm(hidden))


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.ask, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, places, width = x.shape
        q, k, v = self.ask(self.norms[0](x)).view(n, places, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, places, width)
        x = x + self.join(seen)
        return x + self.down(F.silu(self.up(self.norms[1](x))))


def _unit(x: Tensor) -> Tensor:
    """To length 4, the square root of 16: each entry of about unit size."""
    return F.normalize(x, dim=-1) * math.sqrt(x.shape[-1])
