"""One picture of the embedded model by the studio and by stock diffusers, in turn: the same weights, steps and threads.

From the prompt to pixels; CPU time is that of this process and of its children together. The studio also makes all the
frames that its live view shows.
"""

import os
import resource
import statistics
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

from benchmarks.engine import Work, in_turn
from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.models.info import ModelInfo

PROMPT, STEPS, GUIDANCE, SEED = "a panda on a blue background", 20, 3.0, 5


def theirs(info: ModelInfo) -> Work:
    pipe = StableDiffusionPipeline.from_pretrained(info.folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)

    @torch.inference_mode()
    def paint() -> object:
        noise = torch.Generator().manual_seed(SEED)
        asked = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "output_type": "latent"}
        latents = pipe(PROMPT, generator=noise, **asked).images  # pyright: ignore[reportCallIssue]
        return pipe.vae.decode(latents).sample.clamp(-1, 1)

    return paint


def ours(info: ModelInfo, devices: DeviceManager) -> Work:
    generator = registry.get("text-to-image")
    asked = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "seed": SEED, "upscale": "none"}
    request = generator.request_type.parse({"prompt": PROMPT, "model": info.name} | asked)
    return lambda: list(generator.stream(request, devices))


def spent(work: Work) -> tuple[float, float]:
    """Seconds on the clock, and of CPUs."""
    clock, cpu = time.perf_counter(), _cpu_seconds()
    work()
    return time.perf_counter() - clock, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    """Of this process and of its children that still run, from the kernel's count of each."""
    tick = os.sysconf("SC_CLK_TCK")
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = own.ru_utime + own.ru_stime
    for child in _children():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / tick
    return total


def _children() -> list[str]:
    """Of all threads of this process."""
    return [child for task in Path("/proc/self/task").glob("*/children") for child in task.read_text().split()]


def main(runs: int = 15, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    info = models.inspect(models.find("aigc-mini"))
    devices = DeviceManager("cpu", threads=threads)
    try:
        studio, stock = ours(info, devices), theirs(info)
        studio(), stock()
        pairs = in_turn(studio, stock, runs, spent)
    finally:
        devices.close()
    print(f"| the embedded model, {STEPS} steps, {threads} thread, in turn | clock | CPU |\n|---|---|---|")
    (clock, cpu), (their_clock, their_cpu) = (
        [statistics.median(column) for column in zip(*each, strict=True)] for each in zip(*pairs, strict=True)
    )
    print(f"| the studio | {clock:.2f} s | {cpu:.2f} s |")
    print(f"| diffusers | {their_clock:.2f} s | {their_cpu:.2f} s |")
    print(f"| diffusers / the studio | {their_clock / clock:.2f} | {their_cpu / cpu:.2f} |")


if __name__ == "__main__":
    main()
