"""A generative adversarial network that trains stably: R3GAN's relativistic loss with two gradient penalties.

Generator and discriminator are without normalisation, as there (arXiv:2501.05441). Beside it stands the loss of the
first GANs (arXiv:1406.2661, the form that does not saturate), without any penalty: to see it lose modes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.families import Sampling, State
from pipelines.families.networks import decoder, encoder, one_hot
from pipelines.learning import optimisers
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.learning.moments import Moment

RELATIVISTIC, CLASSIC = GAMES = ("relativistic", "classic")
SEARCHED = 200
"""Steps of the search for z."""
STARTS = 8
"""Places from which it begins."""
RATE = 0.05


class Gan(nn.Module):
    """A generator z, label -> x in one shot, and the discriminator that taught it."""

    heeds: ClassVar = frozenset({"temperature"})
    stages: ClassVar = (("discriminator", "generator"),)
    learning_rate: ClassVar = 5e-4
    betas: ClassVar = (0.0, 0.99)

    def __init__(
        self,
        shape: Sequence[int],
        classes: int = 0,
        width: int = 64,
        latent: int = 32,
        generator_width: int = 0,
        penalty: float = 0.1,
        game: str = RELATIVISTIC,
    ) -> None:
        """generator_width: where it differs from the discriminator's; penalty: the gradient penalties' weight."""
        super().__init__()
        self.shape, self.classes, self.latent = tuple(shape), classes, latent
        self.penalty, self.game = penalty, game
        self.generator = decoder(self.shape, latent + classes, generator_width or width, norm=False)
        self.discriminator = encoder(self.shape, classes, 1, width, norm=False)

    @property
    def z_shape(self) -> tuple[int, ...]:
        return (self.latent,)

    def generate(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.generator(torch.cat([z, one_hot(labels, self.classes)], dim=1))

    def judge(self, x: Tensor, labels: Tensor) -> Tensor:
        """(N,): how much more real than others x looks; only differences mean something."""
        return self.discriminator(x, one_hot(labels, self.classes)).squeeze(1)

    def loss(self, part: str, x: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
        """Each tries to tell every real example from the made one beside it, or to keep the other from it."""
        z = torch.randn(len(x), *self.z_shape, generator=draw)
        if part == "generator":
            return self._generator_loss(x, labels, self.judge(self.generate(z, labels), labels))
        with torch.no_grad():
            made = self.generate(z, labels)
        if self.game == CLASSIC:
            return (F.softplus(-self.judge(x, labels)) + F.softplus(self.judge(made, labels))).mean()
        x, made = x.clone().requires_grad_(), made.requires_grad_()
        judged_real, judged_made = self.judge(x, labels), self.judge(made, labels)
        slopes = torch.autograd.grad(judged_real.sum() + judged_made.sum(), [x, made], create_graph=True)
        steep = torch.stack([slope.flatten(1).square().sum(1).mean() for slope in slopes]).sum()
        return F.softplus(judged_made - judged_real).mean() + self.penalty / 2 * steep

    def _generator_loss(self, x: Tensor, labels: Tensor, judged_made: Tensor) -> Tensor:
        if self.game == CLASSIC:
            return F.softplus(-judged_made).mean()
        with torch.no_grad():
            judged_real = self.judge(x, labels)
        return F.softplus(judged_real - judged_made).mean()

    def states(self, z: Tensor, labels: Tensor, how: Sampling) -> Iterator[State]:
        """One shot."""
        x = self.generate(z * how.temperature, labels)
        yield State(x, x)

    def encode(self, x: Tensor, labels: Tensor) -> Tensor:
        """The z that comes nearest to x, searched downhill from STARTS places, the best of them kept."""
        with torch.enable_grad():
            search = _Search(self, x, labels)
            for _ in Training(search, Recipe(SEARCHED, len(x), diverged=math.inf)).run():
                pass
        z = search.z.detach()
        best = self._gaps(z, x, labels).argmin(0)
        return z[best, torch.arange(len(x), device=x.device)]

    def _gaps(self, z: Tensor, x: Tensor, labels: Tensor) -> Tensor:
        """(STARTS, N): the squared distance of what each z makes from x."""
        made = self.generate(z.flatten(0, 1), labels.repeat(STARTS)).view(STARTS, *x.shape)
        return (made - x).flatten(2).square().sum(2)

    def bits_per_dim(self, x: Tensor, labels: Tensor, draw: torch.Generator, levels: int) -> None:
        """A GAN has no likelihood."""
        return None


class _Search(nn.Module):
    """z (STARTS, N, latent) as what is learned, from base noise on; the GAN stands still."""

    def __init__(self, gan: Gan, x: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.gan, self.x, self.labels = gan, x, labels
        z = torch.randn(STARTS, len(x), gan.latent, generator=torch.Generator().manual_seed(0))
        self.z = nn.Parameter(z.to(x.device))
        self.players = {"": Player([optimisers.adamw([self.z], RATE)])}

    @property
    def model(self) -> nn.Module:
        return self

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return 1.0

    def lesson(self, player: str, moment: Moment) -> Lesson:
        """How far what each z makes lies from x, and how unlikely it is as base noise."""
        gaps = self.gan._gaps(self.z, self.x, self.labels)
        return Lesson(gaps.sum() + 1e-3 * self.z.square().sum())
