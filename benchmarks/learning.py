"""What the loop of `pipelines/learning` costs beyond the bare step: in turn, in CPU time, which others disturb least.

python -m benchmarks.learning
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from pipelines.data import sets
from pipelines.families.learning import Plan, training_of
from pipelines.lab import points_training
from pipelines.learning.moments import Moment
from pipelines.learning.training import Training

STEPS, TURNS = 40, 60


def bare(training: Training) -> Callable[[], None]:
    """The same lesson, gradient, clipping, optimiser and average, written down as a script would."""
    ((name, player),) = training.players.items()
    weights, pairs = (
        list(training.model.parameters()),
        list(zip(training.averaged.parameters(), training.model.parameters(), strict=True)),
    )
    (optimiser,), draw_of, step = player.optimisers, training.task.lesson, iter(range(10**9))

    def learn() -> None:
        loss = draw_of(name, Moment(0, next(step), 0, 0, 1, training.recipe.batch)).loss
        optimiser.zero_grad()
        loss.backward()
        if player.clip is not None:
            nn.utils.clip_grad_norm_(weights, player.clip)
        optimiser.step()
        loss.item()
        with torch.no_grad():
            torch._foreach_lerp_([slow for slow, _ in pairs], [fast for _, fast in pairs], 0.01)

    return learn


def looped(training: Training) -> Callable[[], None]:
    """Steps of the loop itself, its reports among them."""
    events = training.run()

    def learn() -> None:
        next(events)  # a report every `report_every` steps

    return learn


def trainings() -> dict[str, Callable[[], Training]]:
    request = points_training.PointsTrainingRequest.parse({"training_steps": 20_000})
    digits, points = sets.get("digits"), sets.get("gaussians")
    plan = Plan(1_000_000, 64)
    return {
        "points of the lab, 256": lambda: points_training.training_of(request),
        "VAE, digits, 64": lambda: training_of("vae", digits, plan, {"width": 64, "latent": 2}),
        "diffusion, digits, 64": lambda: training_of("diffusion", digits, plan, {"width": 64}),
        "flow, points, 256": lambda: training_of("flow", points, Plan(1_000_000, 256), {"width": 64}),
    }


def measured(make: Callable[[], Training]) -> tuple[float, float]:
    """Microseconds of CPU time a step, bare and in the loop: of each the fastest quarter of its turns, on the mean."""
    first, second = make(), make()
    in_report = second.recipe.report_every
    ways = (bare(first), 1), (looped(second), in_report)
    took: list[list[float]] = [[], []]
    for turn in range(TURNS):
        for place, (learn, steps) in enumerate(ways):
            calls = max(1, STEPS // steps)
            began = time.process_time()
            for _ in range(calls):
                learn()
            if turn:
                took[place].append((time.process_time() - began) / (calls * steps) * 1e6)
    alone, in_loop = (statistics.mean(sorted(each)[: TURNS // 4]) for each in took)
    return alone, in_loop


def main() -> None:
    torch.set_num_threads(1)
    print("| training | bare step, µs | in the loop, µs | more |\n|---|---|---|---|")
    for name, make in trainings().items():
        alone, in_loop = measured(make)
        print(f"| {name} | {alone:.0f} | {in_loop:.0f} | {in_loop / alone - 1:+.1%} |", flush=True)


if __name__ == "__main__":
    main()
