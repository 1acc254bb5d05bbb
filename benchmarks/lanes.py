"""One lane on the CPU against two: mixed jobs of several clients, the first frame of a second client, a picture alone.

`python -m benchmarks.lanes [ROUNDS]`. All ways are measured in turn, in one process each of whose lanes has a native
process of its own, and their medians are compared: of the clock and of CPU time, the native processes' included.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, cast

import psutil

from pipelines.device.lanes import Lanes
from pipelines.engine import registry
from pipelines.engine.job import Job
from pipelines.engine.queue import JobQueue
from pipelines.events import Frame

WAYS = {"one lane, one thread": ("cpu", 1), "one lane, two threads": ("cpu", 2), "two lanes": ("cpu:0,cpu:1", 1)}
ROUNDS = 5
CLIENTS, STEPS, LONG_STEPS, SHORT_STEPS = 4, 12, 60, 4
GENERATOR = "text-to-image"


class Shelf:
    """A store that keeps nothing."""

    def new_id(self) -> str:
        return "picture"

    def has(self, image_id: str) -> bool:
        return False

    def save(self, *picture: Any, **more: Any) -> str:
        return "picture"


def main(rounds: int = ROUNDS) -> None:
    with ExitStack() as stack:
        queues = {name: _queue(stack, *way) for name, way in WAYS.items()}
        for queue in queues.values():
            _mixed(queue)  # loads, starts the native processes and has them judged
        print("| | " + " | ".join(queues) + " |\n|---|" + "---|" * len(queues))
        for name, measure in MEASURED.items():
            times: dict[str, list[tuple[float, float]]] = {way: [] for way in queues}
            for _ in range(rounds):
                for way, queue in queues.items():
                    times[way].append(measure(queue))
            medians = [tuple(map(statistics.median, zip(*times[way], strict=True))) for way in queues]
            print(f"| {name} | " + " | ".join(f"{clock:.2f} / {cpu:.2f}" for clock, cpu in medians) + " |", flush=True)


def _queue(stack: ExitStack, device: str, threads: int) -> JobQueue:
    lanes = Lanes.over(device, threads=threads)
    lanes.look()
    stack.callback(lanes.close)
    queue = JobQueue(lanes, cast(Any, Shelf()), further_places=4)
    stack.callback(queue.close)
    return queue


def _submit(queue: JobQueue, client: str, seed: int, steps: int, **values: Any) -> Job:
    asked = {"prompt": "a panda", "seed": seed, "num_inference_steps": steps, "upscale": "none"} | values
    return queue.submit(GENERATOR, registry.get(GENERATOR).request_type.parse(asked), client)


def _over(*jobs: Job) -> None:
    for job in jobs:
        for _number, _event in job.events():
            pass


def _timed(work: Callable[[], float | None]) -> tuple[float, float]:
    """Seconds by the clock, or what the work says of them, and of CPU time."""
    cpu, began = _cpu_seconds(), time.monotonic()
    told = work()
    return (time.monotonic() - began if told is None else told), _cpu_seconds() - cpu


def _mixed(queue: JobQueue) -> tuple[float, float]:
    """Two jobs each of several clients, with guidance and without, of several sizes."""

    def work() -> None:
        kinds: Sequence[dict[str, Any]] = ({}, {"guidance_scale": 1.0}, {"width": 128, "height": 128}, {"count": 2})
        _over(*(_submit(queue, f"client {i % CLIENTS}", i, STEPS, **kinds[i % 4]) for i in range(2 * CLIENTS)))

    return _timed(work)


def _second_client(queue: JobQueue) -> tuple[float, float]:
    """From asking to the first step, while somebody else's long job runs."""

    def work() -> float:
        long = _submit(queue, "first", 1, LONG_STEPS)
        _frame(long, 5)
        began = time.monotonic()
        short = _submit(queue, "second", 2, SHORT_STEPS)
        _frame(short, 1)
        waited = time.monotonic() - began
        queue.cancel(long.id, "first")
        _over(long, short)
        return waited

    return _timed(work)


def _alone(queue: JobQueue) -> tuple[float, float]:
    return _timed(lambda: _over(_submit(queue, "me", 3, STEPS)))


def _frame(job: Job, index: int) -> None:
    for _number, event in job.events():
        if isinstance(event, Frame) and event.index >= index:
            return


def _cpu_seconds() -> float:
    own = psutil.Process()
    spent = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in spent)


MEASURED = {
    f"{2 * CLIENTS} mixed jobs of {CLIENTS} clients, s / CPU-s": _mixed,
    "first step of a second client, s / CPU-s": _second_client,
    f"one picture alone, {STEPS} steps, s / CPU-s": _alone,
}

if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
