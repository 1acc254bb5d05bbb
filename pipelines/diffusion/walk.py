"""The steps of n pictures along one path, kept as trajectories: from the start, or from a step of an earlier one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.diffusion.picture_noise import PictureNoise, Place
from pipelines.theory.path import NoisePath
from pipelines.theory.samplers import READS_ETA, SAMPLERS, Denoiser, Step
from pipelines.theory.trajectory import Leg, NoiseSource, Trajectory

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 256 * 2**20
"""Of what is kept while pictures are painted; of larger ones nothing is."""


@dataclass(frozen=True)
class Turn:
    """What follows after the step that a branch is taken from. `seeds`: of each picture; `renewed`: how much of the
    noise that lies on the picture at that step is drawn anew; `repainted`: what becomes of the guess (n, C, h, w)."""

    sampler: str
    eta: float
    seeds: tuple[int, ...]
    renewed: float = 0.0
    repainted: Callable[[Tensor], Tensor] | None = None

    def continues(self, leg: Leg) -> bool:
        """Whether that leg's sampler may go on with all that it remembers."""
        same = leg.sampler == self.sampler and (leg.eta == self.eta or self.sampler not in READS_ETA)
        return same and not self.renewed and self.repainted is None


@dataclass(eq=False)
class _TapedLeg:
    """A leg of n pictures as it is walked: x (n, C, h, w), and for each step the answers, (n, C, h, w) each."""

    leg: Leg
    answers: list[list[Tensor]] = field(default_factory=list)

    def of(self, row: int) -> Leg:
        stack = libs.torch().stack
        answers = tuple(stack([answer[row] for answer in step]) for step in self.answers)
        return replace(self.leg, x=self.leg.x[row].cpu().clone(), answers=answers)


class Walk:
    """Walks once, by `anew` or `branched`; `trajectories` tells of as many steps as were walked until then."""

    def __init__(self, path: NoisePath, noise: PictureNoise, most_bytes: int = MOST_BYTES) -> None:
        self._path, self._noise, self._room = path, noise, most_bytes
        self._legs: list[_TapedLeg] = []
        self._sources: dict[int, list[Place]] = {}  # by the step that they begin at
        self._turn: tuple[int, Turn] | None = None

    def anew(self, denoiser: Denoiser, x: Tensor, sampler: str, eta: float) -> Iterator[Step]:
        """From the state x (n, C, h, w) to the end of the path."""
        self._sources[0] = self._noise.places()
        yield from self._walked(denoiser, Leg(0, sampler, eta, x), len(self._path))

    def branched(self, denoiser: Denoiser, known: Trajectory, turn: Turn) -> Iterator[Step]:
        """The steps that are known, for every picture and without an evaluation, and from there on the others."""
        count, k, end = len(turn.seeds), known.steps, len(self._path)
        self._sources = {source.step: [(source.seed, source.drawn)] * count for source in known.noise}
        self._turn = k, turn
        self._noise.go_to(self._sources[0])
        legs = [self._spread(leg, count) for leg in known.legs]
        for leg, following in pairwise(legs):
            yield from self._walked(denoiser, leg, following.first)
        goes_on = turn.continues(legs[-1])
        last: Step | None = None
        for last in self._walked(denoiser, legs[-1], end if goes_on else k):
            yield last
        if not goes_on and last is not None:
            x = self._changed(last, turn)
            self._sources[k] = self._noise.places()
            yield from self._walked(denoiser, Leg(k, turn.sampler, turn.eta, x), end)

    def trajectories(self) -> tuple[Trajectory, ...]:
        """One for each picture; none where they were too large to keep, or nothing was walked."""
        if self._room < 0 or not self._legs or not self._legs[-1].answers:
            return ()
        return tuple(self._of(row) for row in range(len(self._noise.places())))

    def _of(self, row: int) -> Trajectory:
        noise = (NoiseSource(step, *places[row]) for step, places in sorted(self._sources.items()))
        return Trajectory(self._path, tuple(noise), tuple(taped.of(row) for taped in self._legs))

    def _walked(self, denoiser: Denoiser, leg: Leg, last: int) -> Iterator[Step]:
        """Its steps up to the level `last` of the path; what it knows the answers of is not asked again."""
        known = deque(answer for step in leg.answers for answer in step)
        taped = _TapedLeg(leg)
        calls: list[Tensor] = []
        self._legs.append(taped)

        def answered(x: Tensor, sigma: float) -> Tensor:
            answer = known.popleft() if known else denoiser(x, sigma)
            calls.append(answer)
            return answer

        sigmas = self._path.sigmas[leg.first : last + 1]
        for step in SAMPLERS[leg.sampler](answered, leg.x, sigmas, lambda like: self._noise(), leg.eta):
            self._keep(taped, calls)
            calls.clear()
            index = leg.first + step.index
            yield replace(step, index=index)
            self._begin(index + 1)

    def _begin(self, step: int) -> None:
        """Noise of that step on comes from where it came from the first time, or from where the turn says."""
        if self._turn and self._turn[0] == step:
            self._noise.take_up(self._turn[1].seeds)
            self._sources[step] = self._noise.places()
        elif step in self._sources:
            self._noise.go_to(self._sources[step])

    def _changed(self, step: Step, turn: Turn) -> Tensor:
        """The state after that step with some of its noise, by angle, in exchange for fresh noise, and its guess
        painted over: what is painted on adds to the state what it adds to the guess."""
        x = step.x
        if turn.renewed:
            angle = turn.renewed * math.pi / 2
            eps = (x - step.x0_pred) / step.sigma
            x = step.x0_pred + step.sigma * (math.cos(angle) * eps + math.sin(angle) * self._noise())
        return x if turn.repainted is None else x + (turn.repainted(step.x0_pred) - step.x0_pred)

    def _keep(self, taped: _TapedLeg, calls: Sequence[Tensor]) -> None:
        if self._room >= 0:
            self._room -= sum(answer.nbytes for answer in calls)
            taped.answers.append([answer.cpu() for answer in calls])
        if self._room < 0:
            for leg in self._legs:
                leg.answers.clear()

    def _spread(self, leg: Leg, count: int) -> Leg:
        """The leg of one picture as that of `count` pictures, where they are painted."""
        device = self._noise.device
        answers = (step.to(device)[:, None].repeat(1, count, 1, 1, 1) for step in leg.answers)
        return replace(leg, x=leg.x.to(device)[None].repeat(count, 1, 1, 1), answers=tuple(answers))
