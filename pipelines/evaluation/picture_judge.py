"""A small classifier of digits and of icons, trained with no family: pictures are compared in its features.

python -m pipelines.evaluation.picture_judge       # trains both, in about two minutes of one core each
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.data import sets
from pipelines.families import shelf
from pipelines.families.networks import PictureEncoder
from pipelines.learning import optimisers, rates
from pipelines.learning.moments import Moment
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training
from pipelines.models import strangers
from pipelines.models.packed import packed, unpacked

FEATURES = 48
STEPS, BATCH, RATE = 1500, 64, 2e-3
NOISE = 0.1
"""Added to what it learns from, so that it looks at shapes and not at single pixels."""


class Judge(nn.Module):
    """Pictures (N, C, S, S) -> logits (N, classes); `features` (N, FEATURES) stand right before them."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.body = PictureEncoder(shape, 0, FEATURES, width=16)
        self.leave = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        return F.silu(self.body(x, x.new_zeros(len(x), 0)))

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.features(x))


def file_of(data: str, folder: Path = shelf.FOLDER) -> Path:
    return folder / f"judge-{data}.safetensors"


@cache
def load(data: str) -> Judge:
    """The shipped judge. Raises BadFile."""
    from safetensors.torch import load_file

    known = sets.get(data)
    strangers.check_safetensors(file_of(data))
    judge = Judge(known.shape, known.classes)
    judge.load_state_dict(unpacked(load_file(file_of(data))))
    return judge.eval().requires_grad_(False)


class JudgeTask:
    """A judge and the training split, all that it learns from."""

    def __init__(self, data: str, steps: int) -> None:
        known = sets.get(data)
        self._steps, (self._pictures, self._labels) = steps, known.training()
        torch.manual_seed(0)
        self.model = Judge(known.shape, known.classes)
        self.players = {"": Player([optimisers.adamw(self.model.parameters(), RATE, weight_decay=1e-2)])}

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return rates.warm_cosine(step / self._steps, 0.3)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        chosen = moment.chosen(len(self._labels))
        x = self._pictures[chosen]
        x = x + NOISE * torch.randn(x.shape, generator=moment.draw())
        return Lesson(F.cross_entropy(self.model(x), self._labels[chosen]))


def train(data: str, steps: int = STEPS) -> Judge:
    """On the training split alone."""
    task = JudgeTask(data, steps)
    for _ in Training(task, Recipe(steps, BATCH)).run():
        pass
    return task.model.eval()


@torch.no_grad()
def accuracy(judge: Judge, x: Tensor, labels: Tensor) -> float:
    return float((judge(x).argmax(1) == labels).double().mean())


def main() -> None:
    from safetensors.torch import save_file

    for data in ("digits", "icons"):
        judge = train(data)
        save_file(packed(judge.state_dict()), file_of(data))
        print(data, "right on held-out pictures:", accuracy(judge, *sets.get(data).held_out()), flush=True)


if __name__ == "__main__":
    main()
