"""The loop: the only one in the project in which weights learn."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipelines.errors import BadFile, BadRequest, Sentence
from pipelines.learning import state
from pipelines.learning.checkpoints import Checkpoint, Checkpoints
from pipelines.learning.events import Event, Paused, Resumed, SampleDue, Saved
from pipelines.learning.moments import Moment
from pipelines.learning.processes import Alone
from pipelines.learning.reports import Learned, Reports
from pipelines.learning.wishes import Wishes

if TYPE_CHECKING:
    from pipelines.learning.pace import SnapshotPace
    from pipelines.learning.processes import Processes
    from pipelines.learning.recipe import Recipe
    from pipelines.learning.task import Player, Task

PAUSED_SECONDS = 0.25
"""Between two looks at whether a paused training may go on."""


class Training:
    """A task while it is learned. `averaged` is the model to be shown; without an average the model itself."""

    def __init__(self, task: Task, recipe: Recipe, processes: Processes | None = None) -> None:
        self.task, self.recipe, self.processes = task, recipe, processes or Alone()
        self.model, self.players = task.model, task.players
        self.averaged = self.model if recipe.ema_decay is None else _for_looking_at(self.model)
        self.step, self.seen, self.seconds = 0, 0, 0.0
        self._weights = {name: _weights(player) for name, player in self.players.items()}
        self._inputs = {name: self._others_stand_still(weights) for name, weights in self._weights.items()}
        self._highest = {name: _rates(player) for name, player in self.players.items()}
        self._slow: list[Tensor] = list(self.averaged.parameters())
        self._fast: list[Tensor] = list(self.model.parameters())
        self._copied = [] if self.averaged is self.model else _buffers(self.averaged, self.model)
        self._checkpoints: Checkpoints | None = None
        self._kept: int | None = None  # the step of the last checkpoint

    @property
    def parts(self) -> int:
        """Of a step, in all processes."""
        return self.processes.count * self.recipe.accumulate

    def run(
        self, folder: Path | None = None, wishes: Wishes | None = None, pace: SnapshotPace | None = None
    ) -> Iterator[Event]:
        """The steps that are left, from the last checkpoint in `folder` on; saved there by the clock and at the end.

        Raises BadRequest when the training diverges, BadFile where the folder has another training.
        """
        if folder:
            yield from self._resume(Checkpoints(folder))
        wishes, saved = wishes or Wishes(), time.monotonic()
        reports = Reports(self.recipe.report_every, self.seen)
        while self.step < self.recipe.steps:
            paused, stopped = self.processes.from_first([wishes.paused, wishes.stopped])
            if stopped:
                break
            if paused:
                yield from self._save()
                yield Paused(self.step)
                wishes.wait(PAUSED_SECONDS)
                reports.restart(self.seen)
                continue
            due = reports.due(self.step + 1, self.recipe.steps)
            learned = self.learn(measured=due)
            reports.add(learned)
            if due:
                yield reports.report(self.step, self.seen, self.seconds, learned)
            if wishes.take("save") or time.monotonic() - saved > self.recipe.save_every:
                yield from self._save()
                saved = time.monotonic()
            if self.step < self.recipe.steps and (wishes.take("sample") or (pace and pace.due())):
                yield SampleDue(self.step)
        yield from self._save()

    def learn(self, measured: bool = False) -> Learned:
        """One step of every player whose turn it is; `measured` asks for the gradient's length where nobody clips it.

        Raises BadRequest, before the weights move, where the training diverges.
        """
        began, learned = time.monotonic(), Learned()
        for turn, name in enumerate(self.task.turns(self.step)):
            self._take_turn(turn, name, measured, learned)
        self.step += 1
        self.seen += self.parts * self.recipe.batch
        self._average()
        self.seconds += time.monotonic() - began
        return learned

    def _others_stand_still(self, weights: list[nn.Parameter]) -> list[nn.Parameter] | None:
        """What a loss is traced back to: a player's weights where there are others, None for all, which is quicker."""
        everybody = {id(weight) for weight in self.model.parameters() if weight.requires_grad}
        return None if everybody <= {id(weight) for weight in weights} else weights

    def diverged(self, how: Sentence, player: str | None = None) -> BadRequest:
        """To be raised: what is wrong, and what to try."""
        rate = max(self._highest[next(iter(self.players)) if player is None else player])
        if self._kept is None:
            return BadRequest(
                "the training diverged: {how}. Try a smaller learning_rate than {rate:g}.", how=how, rate=rate
            )
        return BadRequest(
            "the training diverged: {how}. The checkpoint of step {kept} is kept; go on from it with a smaller "
            "learning_rate than {rate:g}.",
            how=how,
            kept=self._kept,
            rate=rate,
        )

    def _take_turn(self, turn: int, name: str, measured: bool, learned: Learned) -> None:
        learned.rate = self._set_rates(name)
        loss = self._gradients(turn, name, learned)
        if not abs(loss) < self.recipe.diverged:  # not a number either
            raise self.diverged(Sentence("the loss was {loss:.3g} at step {step}", loss=loss, step=self.step + 1), name)
        gradient = self._gradient_length(name, measured)
        if gradient is not None:
            learned.gradient = gradient
            if not math.isfinite(gradient):
                how = Sentence("the gradient is no number any more at step {step}", step=self.step + 1)
                raise self.diverged(how, name)
        for optimiser in self.players[name].optimisers:
            optimiser.step()

    def _set_rates(self, name: str) -> float:
        """Of the first group."""
        share, rates = self.task.rate(self.step), iter(self._highest[name])
        for optimiser in self.players[name].optimisers:
            for group in optimiser.param_groups:
                group["lr"] = share * next(rates)
        return share * self._highest[name][0]

    def _gradients(self, turn: int, name: str, learned: Learned) -> float:
        """Leaves the mean gradient of all parts in the player's weights, and returns their mean loss."""
        for optimiser in self.players[name].optimisers:
            optimiser.zero_grad()
        recipe, count, rank = self.recipe, self.processes.count, self.processes.rank
        whole = 0.0
        for i in range(recipe.accumulate):
            moment = Moment(recipe.seed, self.step, turn, i * count + rank, self.parts, recipe.batch)
            lesson = self.task.lesson(name, moment)
            loss = lesson.loss if recipe.accumulate == 1 else lesson.loss / recipe.accumulate
            loss.backward(inputs=self._inputs[name])
            value = float(lesson.loss.detach())
            whole += value / recipe.accumulate
            for band, values in (lesson.bands or {name or "loss": (value,)}).items():
                learned.losses.setdefault(band, []).extend(values)
        if count == 1:
            return whole
        shared = torch.tensor(whole, device=self.processes.device)
        self.processes.mean([shared, *(w.grad for w in self._weights[name] if w.grad is not None)])
        return float(shared)

    def _gradient_length(self, name: str, measured: bool) -> float | None:
        """Of all the player's weights together, before it is clipped; None where nobody asks."""
        weights, clip = self._weights[name], self.players[name].clip
        if clip is not None:
            return float(nn.utils.clip_grad_norm_(weights, clip))
        if measured:
            return float(nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None]))
        return None

    @torch.no_grad()
    def _average(self) -> None:
        """Moves the averaged weights towards the model's by the share that the decay leaves."""
        if self.recipe.ema_decay is None:
            return
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self._slow, self._fast, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
        for slow, fast in self._copied:
            slow.copy_(fast)

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to go on as if nothing had happened, beside `counts`; not copied."""
        return state.tensors_of(self.model, self.averaged, self.players)

    def counts(self) -> dict[str, float]:
        return {
            "step": self.step,
            "seen": self.seen,
            "seconds": self.seconds,
            "examples_a_step": self.parts * self.recipe.batch,
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Raises BadFile where it is another training's."""
        counts = checkpoint.counts
        if counts["examples_a_step"] != self.parts * self.recipe.batch:
            raise BadFile(
                "this training had {before} examples in a step, and now it would have {now}. Give it as many.",
                before=counts["examples_a_step"],
                now=self.parts * self.recipe.batch,
            )
        try:
            state.restore(checkpoint.tensors, self.model, self.averaged, self.players)
        except (KeyError, IndexError, RuntimeError) as error:
            raise BadFile("the folder holds another training's checkpoints. Give it another folder.") from error
        self.step, self.seen, self.seconds = counts["step"], counts["seen"], counts["seconds"]

    def _resume(self, checkpoints: Checkpoints) -> Iterator[Event]:
        if (last := checkpoints.newest()) is not None:
            self.restore(last)
            self._kept = last.step
            yield Resumed(last.step, last.note)
        if self.processes.rank == 0:
            self._checkpoints = checkpoints

    def _save(self) -> Iterator[Event]:
        """A checkpoint of this step, if there is a folder, and none of this step yet; only the first process writes."""
        if self._checkpoints is None or self._kept == self.step:
            return
        if not all(bool(weight.isfinite().all()) for weight in self.model.parameters()):
            raise self.diverged(Sentence("the weights are no numbers any more after step {step}", step=self.step))
        place = self._checkpoints.save(self.tensors(), self.counts())
        self._kept = self.step
        yield Saved(self.step, place)


def _for_looking_at(model: nn.Module) -> nn.Module:
    return copy.deepcopy(model).eval().requires_grad_(False)


def _buffers(averaged: nn.Module, model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """In pairs. Gathered once, which takes as long as a small network's step: models change theirs in place."""
    return list(zip(averaged.buffers(), model.buffers(), strict=True))


def _weights(player: Player) -> list[nn.Parameter]:
    return [w for optimiser in player.optimisers for group in optimiser.param_groups for w in group["params"]]


def _rates(player: Player) -> list[float]:
    return [group["lr"] for optimiser in player.optimisers for group in optimiser.param_groups]
