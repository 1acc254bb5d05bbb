"""A native process for tests, without onnxruntime: it answers 2 x + w, or does what the "graph" says, so often as the
weights say: they count the lives of the process."""

import json
import mmap
import os
import sys
import time

import numpy as np

from pipelines.confined import pipe


def main() -> int:
    answers, calls = sys.stdout.buffer, sys.stdin.buffer
    task, graph = pipe.read(calls, 2**20)
    fault = json.loads(graph)
    weights = mmap.mmap(task["weights"]["handle"], task["weights"]["size"])
    life, w = (float(array(weights, told)[0]) for told in task["arrays"])
    ill = life <= fault.get("lives", 1000)
    if fault["at"] == "start" and ill:
        misbehave(fault["does"], answers)
    pipe.write(answers, {"ready": True})
    count = 0
    while True:
        try:
            task, _ = pipe.read(calls, 0)
        except EOFError:
            return 0
        count += 1
        if fault["at"] == count and ill:
            misbehave(fault["does"], answers)
        region = mmap.mmap(task["handle"], task["size"])
        array(region, task["answer"])[...] = 2 * array(region, task["arrays"][0]) + w
        pipe.write(answers, {"done": True})


def array(region: mmap.mmap, told: dict) -> np.ndarray:
    count = int(np.prod(told["shape"]))
    return np.frombuffer(region, np.float32, count, told["at"]).reshape(told["shape"])


def misbehave(what: str, answers) -> None:
    if what == "die":
        os.kill(os.getpid(), 9)
    elif what == "hang":
        time.sleep(60)
    elif what == "spin":
        while True:
            pass
    elif what == "refuse":
        pipe.write(answers, {"error": "I will not"})
        sys.exit(1)
    elif what == "babble":
        answers.write(b"\xff" * 4096)
        answers.flush()
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
