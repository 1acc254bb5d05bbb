"""A training that is killed again and again, also while it saves, must end with the undisturbed one's bits.

python -m benchmarks.kills          # 200 kills, prints a table; `make kills`
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from pipelines.data import sets
from pipelines.families import Sampling
from pipelines.families.learning import Plan, base_noise, training_of
from pipelines.learning.checkpoints import Checkpoints
from pipelines.learning.events import Resumed, Saved
from pipelines.learning.training import Training

STEPS, BATCH = 20, 192
EPOCH = 8
"""Steps in which each of the digits comes once, rounded up."""
MOST_SECONDS = 0.15
"""After an event, until the kill: longer than a step and its checkpoint take."""


@dataclass
class Life:
    """What one run, however often it was killed, came to."""

    kills: int = 0
    while_saving: int = 0
    """Kills that left half a folder behind."""
    resumed_at: list[int] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    samples: Tensor = field(default_factory=lambda: torch.empty(0))


def small_training() -> Training:
    """A variational autoencoder of digits, saved after every step."""
    torch.set_num_threads(1)
    plan = Plan(STEPS, BATCH)
    return training_of("vae", sets.get("digits"), plan, {"width": 32, "latent": 2}, save_every=0)


def child(folder: Path, told: Connection) -> None:
    """Goes on after each checkpoint when it is told to: on a busy machine it would be done before anybody kills it."""
    for event in small_training().run(folder):
        if isinstance(event, Resumed | Saved):
            told.send((event.step, isinstance(event, Resumed)))
            told.recv()
    told.close()


def live(folder: Path, kill_at: list[int], dice: random.Random) -> Life:
    """One run to its end; killed once it has come to each of these steps, a random moment later."""
    life, kill_at = Life(), sorted(kill_at)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines.families.learning", "pipelines.data.sets"])
    while True:
        told, telling = context.Pipe()
        process = context.Process(target=child, args=(folder, telling), daemon=True)
        process.start()
        telling.close()
        if not _killed(process, told, kill_at, dice, life):
            break
        life.kills += 1
        life.while_saving += any(folder.glob(".step-*"))
    last = Checkpoints(folder).newest()
    assert process.exitcode == 0 and last is not None and last.step == STEPS
    life.tensors, life.samples = last.tensors, _samples(last)
    return life


def _killed(process, told: Connection, kill_at: list[int], dice: random.Random, life: Life) -> bool:
    """Whether this process was killed and not done."""
    try:
        while True:
            step, resumed = told.recv()
            if resumed:
                life.resumed_at.append(step)
            told.send(None)
            if kill_at and step >= kill_at[0]:
                kill_at[:] = [later for later in kill_at if later > step]
                time.sleep(dice.uniform(0, MOST_SECONDS))
                process.kill()
                process.join()
                return process.exitcode != 0
    except EOFError:
        process.join()
        return False


@torch.no_grad()
def _samples(checkpoint) -> Tensor:
    training = small_training()
    training.restore(checkpoint)
    *_, state = training.averaged.states(base_noise(training.averaged, 0, 20), torch.arange(20) % 10, Sampling())
    return state.x


def differing(life: Life, undisturbed: Life) -> list[str]:
    """The names of tensors that are not the same in every bit."""
    names = life.tensors.keys() | undisturbed.tensors.keys()
    both = life.tensors.keys() & undisturbed.tensors.keys()
    wrong = [name for name in names if name not in both or not _same(life.tensors[name], undisturbed.tensors[name])]
    return wrong + ([] if _same(life.samples, undisturbed.samples) else ["samples"])


def _same(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype and torch.equal(first, second)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a training again and again and compare its bits.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of when they come")
    args = parser.parse_args()
    dice, kills = random.Random(args.seed), 0
    print("| run | kills | while saving | resumed at steps | tensors that differ |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        undisturbed, run = live(Path(home) / "undisturbed", [], dice), 0
        while kills < args.kills:
            run += 1
            at = sorted(dice.sample(range(1, STEPS), min(8, args.kills - kills)))
            life = live(Path(home) / str(run), at, dice)
            kills += life.kills
            steps = " ".join(map(str, life.resumed_at))
            print(
                f"| {run} | {life.kills} | {life.while_saving} | {steps} | {len(differing(life, undisturbed))} |",
                flush=True,
            )
    print(f"\n{kills} kills in {run} runs of {STEPS} steps, {EPOCH} an epoch.")


if __name__ == "__main__":
    main()
