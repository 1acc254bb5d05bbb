"""The line learned by one of two processes, which import nothing else."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from pipelines.learning.processes import Processes
from pipelines.learning.recipe import Recipe
from pipelines.learning.training import Training
from pipelines.training.together import Together
from tests.pipelines.learning.line import LineTask

STEPS = 20


def learned(processes: Processes | None = None, accumulate: int = 1, folder: Path | None = None) -> Training:
    torch.set_num_threads(1)
    recipe = Recipe(STEPS, batch=4, accumulate=accumulate, ema_decay=0.9)
    training = Training(LineTask(noise=0.3, clip=1.0), recipe, processes)
    for _ in training.run(folder):
        pass
    return training


def main(folder: Path) -> None:
    processes = Together()
    assert processes.count == 2
    training = learned(processes, folder=folder / "checkpoints")
    save_file(training.tensors(), folder / f"{processes.rank}.safetensors")
    processes.close()


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
