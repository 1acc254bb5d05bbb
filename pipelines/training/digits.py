"""Trains the two pixel models of handwritten digits, in about a minute of one core each.

    python -m pipelines.training.digits --out assets/models/digits

The fixed one minimises the plain squared error of eps (arXiv:2006.11239 eq. 14); the learned one adds a little of the
bound, through which only the variance learns (arXiv:2102.09672 eq. 16).
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.data import digits
from pipelines.lab import pixel_ddpm
from pipelines.lab.pixel_ddpm import NO_LABEL, PIXELS, Network, PixelDDPM
from pipelines.lab.requests import NETWORKS
from pipelines.learning import optimisers, rates
from pipelines.learning.events import Report
from pipelines.learning.moments import Moment
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training
from pipelines.theory.bound import bound, normal_kl
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.reverse import drawn_from

SHARE_OF_BOUND = 1.0
"""Of the bound's term at the drawn t, in nats per pixel, beside the mean squared error of eps."""
LABEL_DROPOUT = 0.1
EMA_DECAY = 0.999


class DigitsTask:
    """The network and what it learns from."""

    def __init__(self, learned_variance: bool, steps: int, seed: int) -> None:
        self._steps, self._process = steps, pixel_ddpm.process()
        self._pictures, self._labels = digits.training()
        torch.manual_seed(seed)
        self.model = Network(learned_variance)
        self.players = {"": Player([optimisers.adamw(self.model.parameters(), 2e-3, weight_decay=1e-2)])}

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return rates.warm_cosine(step / self._steps)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        draw, chosen = moment.draw(), moment.chosen(len(self._labels))
        dropped = torch.rand(moment.batch, generator=draw) < LABEL_DROPOUT
        labels = torch.where(dropped, NO_LABEL, self._labels[chosen])
        return Lesson(loss_of(self.model, self._process, self._pictures[chosen], labels, draw))


def train(learned_variance: bool, steps: int, batch: int, seed: int, log: Callable[[str], None]) -> Network:
    """The network with averaged weights after `steps` steps; the learning rate falls along a half cosine."""
    recipe = Recipe(steps, batch, seed=seed, ema_decay=EMA_DECAY, report_every=max(1, steps // 12))
    training = Training(DigitsTask(learned_variance, steps, seed), recipe)
    for event in training.run():
        if isinstance(event, Report):
            log(f"step {event.step} loss {event.losses['loss']:.4f} {event.seconds:.0f} s")
    return cast(Network, training.averaged)


def loss_of(
    network: Network, process: DiffusionProcess, x0: Tensor, labels: Tensor, generator: torch.Generator
) -> Tensor:
    """The mean over a batch x0, (N, 64), timesteps drawn evenly."""
    t = torch.randint(len(process.betas), (len(x0),), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    x_t = process.q_sample(x0, t, eps)
    made = network(x_t, t, labels)
    error = F.mse_loss(made[:, :PIXELS], eps)
    if not network.learned_variance:
        return error
    return error + SHARE_OF_BOUND * _divergence(process, x0, x_t, t, made).mean()


def _divergence(process: DiffusionProcess, x0: Tensor, x_t: Tensor, t: Tensor, made: Tensor) -> Tensor:
    """KL(q(x_{t-1} | x_t, x0) || p) in nats, (N, 64), where the mean of p is a constant and its variance learns.

    At t = 0, where the bound has the decoder's term instead, this is the divergence from the clipped posterior.
    """
    eps, share = made.detach()[:, :PIXELS], (made[:, PIXELS:] + 1) / 2
    abar = process.alphas_cumprod[t][:, None].float()
    x0_pred = (x_t - (1 - abar).sqrt() * eps) / abar.sqrt()
    mean, _, small = process.q_posterior(x0_pred, x_t, t)
    wanted, _, log_variance = process.q_posterior(x0, x_t, t)
    large = process.betas[t][:, None].log().float()
    return normal_kl(wanted, log_variance, mean, share * large + (1 - share) * small)


def bits_per_dim(model: PixelDDPM, variance: str, seed: int = 0) -> float:
    """The bound on the held-out digits, told their labels."""
    pictures, labels = digits.held_out()
    generator = torch.Generator().manual_seed(seed)
    predict = model.predict(labels)
    if model.network.learned_variance and variance != "learned_range":
        whole = predict
        predict = lambda x_t, t: whole(x_t, t)[:, :PIXELS]  # noqa: E731
    made = bound(
        model.process,
        predict,
        pictures,
        drawn_from(generator),
        variance,
        clip_denoised=True,
        levels=digits.LEVELS,
    )
    return float(made.total.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the pixel models of handwritten digits.")
    parser.add_argument("--out", type=Path, default=Path("runs/digits"), help="the folder for the weights")
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"levels without a model: {math.log2(digits.LEVELS):.2f} bits/dim")
    for variant in NETWORKS:
        network = train(variant == "learned", args.steps, args.batch, 0, lambda line: print(line, flush=True))
        pixel_ddpm.save(network, pixel_ddpm.file_of(variant, args.out))
        model = pixel_ddpm.load(variant, args.out)
        choices = ["fixed_small", "fixed_large", *(["learned_range"] if variant == "learned" else [])]
        print(variant, {choice: round(bits_per_dim(model, choice), 3) for choice in choices}, flush=True)


if __name__ == "__main__":
    main()
