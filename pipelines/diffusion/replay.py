"""A kept way of one picture, walked once more over what was recorded: every state, guess and noise without asking the
network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from pipelines import libs
from pipelines.diffusion.picture_noise import PictureNoise
from pipelines.diffusion.walk import Turn, Walk
from pipelines.events import Frame
from pipelines.theory.trajectory import Trajectory

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Replayed:
    """Step `number`, from 1: in the state `before`, at noise level `level`, the network gave its `answer`; the guess
    x0_pred, which for most samplers is that, led to the state x at level `sigma`. Tensors are (C, h, w), in the
    samplers' form x0 + sigma * eps."""

    number: int
    level: float
    sigma: float
    before: Tensor
    answer: Tensor
    x: Tensor
    x0_pred: Tensor

    @property
    def eps(self) -> Tensor:
        """The noise that is left of the state when the answer is taken off."""
        return (self.before - self.answer) / self.level


def replayed(known: Trajectory) -> Iterator[Replayed]:
    """All its steps, in their order."""
    last, first = known.legs[-1], known.legs[0]
    channels, height, width = first.x.shape
    noise = PictureNoise([known.noise[0].seed], (channels, height, width), first.x.device)
    turn = Turn(last.sampler, last.eta, (known.noise[-1].seed,))
    begins = {leg.first: leg.x for leg in known.legs}
    before, levels = first.x, known.path.sigmas.tolist()
    steps = Walk(known.path, noise, -1).branched(_never_asked, known, turn)
    for index in range(known.steps):
        step, before = next(steps), begins.get(index, before)
        answer = _answer(known, index)
        yield Replayed(index + 1, levels[index], step.sigma, before, answer, step.x[0], step.x0_pred[0])
        before = step.x[0]


def _answer(known: Trajectory, index: int) -> Tensor:
    """What the denoiser answered in the state that the step of this index begins in; some samplers ask it again on the
    way."""
    leg = next(leg for leg in reversed(known.legs) if leg.first <= index)
    return leg.answers[index - leg.first][0]


def frames(
    known: Trajectory, model: Bundle, pull: Callable[[Replayed], NDArray[np.uint8] | None] = lambda step: None
) -> Iterator[Frame]:
    """With the noise of each step but the first frame's, which is before them all, and its `pull`, as in Frame."""
    total, process = known.steps, model.process
    x = known.legs[0].x
    level = float(known.path.sigmas[0])
    shown = model.preview(_stacked(x * process.scale(level), x * 0))
    yield Frame(0, total, level, shown[:1], shown[1:])
    for step in replayed(known):
        scaled = step.x * process.scale(step.sigma)
        shown = model.preview(_stacked(scaled, step.x0_pred, step.eps))
        yield Frame(step.number, total, step.sigma, shown[:1], shown[1:2], shown[2:], pull(step))


def _stacked(*latents: Tensor) -> Tensor:
    return libs.torch().stack(latents)


def _never_asked(x: Tensor, sigma: float) -> NoReturn:
    raise AssertionError("every answer of a kept way is known")
