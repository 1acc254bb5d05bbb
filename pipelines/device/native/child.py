"""The native process: onnxruntime sessions over weights and numbers in shared memory, until its input ends.

It confines itself before it reads a graph: whatever a graph makes of it, it writes no file, opens no connection,
starts no process and takes no more memory than such networks can need.
"""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from pipelines.confined import limits, pipe

MOST_GRAPH_BYTES = 2**25
SPARE_BYTES = 2**31
"""For what a network makes of its numbers on the way."""


def main() -> int:
    answers, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr  # a library that prints cannot break the messages
    calls = sys.stdin.buffer
    task, graphs = pipe.read(calls, MOST_GRAPH_BYTES)
    weights = _mapped(task["weights"])
    limits.confine(
        4 * len(weights), 0, Path(os.devnull), SPARE_BYTES, cpu_seconds=None, starts_threads=task["threads"] > 1
    )
    networks = _networks(graphs, task, weights)
    pipe.write(answers, {"ready": True})
    region = None
    while True:
        try:
            task, _ = pipe.read(calls, 0)
        except EOFError:
            return 0
        if region is None or len(region) != task["size"]:
            region = _mapped(task)
        try:
            _answer(networks[task["network"]], task, region)
        except Exception as fault:
            pipe.write(answers, {"error": _words(fault)})
        else:
            pipe.write(answers, {"done": True})


def _mapped(told: dict[str, Any]) -> mmap.mmap:
    return mmap.mmap(told["handle"], told["size"])


def _array(region: mmap.mmap, told: dict[str, Any]) -> np.ndarray:
    """float32 numbers of that shape in the region, not a copy of them."""
    shape = tuple(told["shape"])
    return np.frombuffer(region, np.float32, int(np.prod(shape)), told["at"]).reshape(shape)


def _networks(graphs: bytes, task: dict[str, Any], weights: mmap.mmap) -> dict[str, onnxruntime.InferenceSession | str]:
    """By name; where the library cannot run one, what it says of it. The others work."""
    networks: dict[str, onnxruntime.InferenceSession | str] = {}
    at = 0
    for name, length in task["graphs"]:
        graph, at = graphs[at : at + length], at + length
        arrays = {told["name"][1]: _array(weights, told) for told in task["arrays"] if told["name"][0] == name}
        try:
            networks[name] = _session(graph, arrays, task["threads"])
        except Exception as fault:  # whatever it is, the studio hears it when it asks, and works in torch
            networks[name] = _words(fault)
    return networks


def _session(graph: bytes, weights: dict[str, np.ndarray], threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _answer(session: onnxruntime.InferenceSession | str, task: dict[str, Any], region: mmap.mmap) -> None:
    """Run the network on the arrays and write what it says to its place."""
    if isinstance(session, str):
        raise ValueError(session)
    asked = {told["name"]: _array(region, told) for told in task["arrays"]}
    (answer,) = session.run(None, asked)
    place = _array(region, task["answer"])
    if not isinstance(answer, np.ndarray) or (answer.shape, answer.dtype) != (place.shape, place.dtype):
        raise ValueError(f"the graph does not answer {place.dtype} {place.shape}")
    place[...] = answer


def _words(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:400]


if __name__ == "__main__":
    sys.exit(main())
