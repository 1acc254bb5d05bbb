"""What it costs to keep a picture's steps, as a share of a step, and what a branch from step k of n costs.

Both are measured in turns, in seconds of the processors, its child processes included, so that
what else runs on a busy machine counts little: `python -m benchmarks.branching`.
"""

import os
import statistics
import time

import psutil

from pipelines.device.manager import DeviceManager
from pipelines.diffusion import walk
from pipelines.engine import registry
from pipelines.events import Frame, Result
from pipelines.requests.branch import Parent
from pipelines.requests.text_to_image import TextToImageRequest

STEPS, ROUNDS = 20, 7
FROM = (5, 10, 15)
ASKED = {"prompt": "a red heart above a blue square", "seed": 3, "num_inference_steps": STEPS, "upscale": "none"}


def seconds() -> float:
    """Of the processors, spent by this process and those that it started."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


def painted(request: TextToImageRequest, devices: DeviceManager) -> tuple[float, Result]:
    """Seconds that the steps took, from the first frame to the last, and what came of them."""
    times, result = [], None
    for event in registry.get("text-to-image").stream(request, devices):
        if isinstance(event, Frame):
            times.append(seconds())
        result = event if isinstance(event, Result) else result
    assert result is not None
    return times[-1] - times[0], result


def keeping(devices: DeviceManager) -> None:
    """The time inside `_keep` and `trajectories` of one run, over that of its steps; and whole runs with and without
    it, in turns."""
    spent, kept, request = [0.0], walk.Walk._keep, TextToImageRequest.parse(ASKED)

    def timed(self, *given) -> None:
        begun = time.thread_time()
        kept(self, *given)
        spent[0] += time.thread_time() - begun

    shares, with_it, without = [], [], []
    for _ in range(ROUNDS):
        walk.Walk._keep, spent[0] = timed, 0.0
        steps, result = painted(request, devices)
        shares.append(spent[0] / steps)
        walk.Walk._keep = kept
        with_it.append(painted(request, devices)[0])
        walk.Walk._keep = lambda self, *given: None
        without.append(painted(request, devices)[0])
        walk.Walk._keep = kept
    (trajectory,) = result.trajectories
    step = statistics.median(with_it) / STEPS
    print(f"a step                              {1000 * step:8.1f} ms")
    print(f"keeping it, timed inside            {100 * statistics.median(shares):8.3f} %")
    change = [one / other - 1 for one, other in zip(with_it, without, strict=True)]
    print(
        f"a run with and without, in turns    {100 * statistics.median(change):+8.2f} %, from {100 * min(change):+.1f} "
        f"to {100 * max(change):+.1f} %"
    )
    print(f"memory                              {trajectory.nbytes / STEPS / 1024:8.1f} KiB a step")


def branching(devices: DeviceManager) -> None:
    """Seconds of the steps of an unchanged branch over those of the picture, beside (n - k) / n."""
    request = TextToImageRequest.parse(ASKED)
    (trajectory,) = painted(request, devices)[1].trajectories
    parent = Parent(request, "", trajectory)
    asked = {k: request.changed(branch_from="a", branch_step=k).with_parent(parent) for k in FROM}
    shares: dict[int, list[float]] = {k: [] for k in FROM}
    for _ in range(ROUNDS):
        whole = painted(request, devices)[0]
        for k, branch in asked.items():
            shares[k].append(painted(branch, devices)[0] / whole)
    for k, measured in shares.items():
        wanted = (STEPS - k) / STEPS
        found = statistics.median(measured)
        print(
            f"branch from step {k:2} of {STEPS}: {found:.3f} of the picture's steps; (n - k) / n = {wanted:.2f}, "
            f"{100 * (found / wanted - 1):+.1f} %"
        )


def main() -> None:
    print(f"Medians of {ROUNDS} turns; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    devices = DeviceManager()
    try:
        painted(TextToImageRequest.parse(ASKED), devices)
        keeping(devices)
        branching(devices)
    finally:
        devices.close()


if __name__ == "__main__":
    main()
