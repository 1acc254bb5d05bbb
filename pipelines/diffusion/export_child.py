"""The process that exports one part of a user's model: from its class and config to a graph, at the lowest priority.

It makes the module without memory for weights, which never come here, and confines itself before it reads the config:
whatever that makes of it, it writes no file, opens no connection and takes no more memory than exporting can need.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

from pipelines import libs
from pipelines.confined import limits, pipe
from pipelines.models import graphs

MEMORY_BYTES, SPARE_BYTES = 2**32, 2**32
"""Stable Diffusion 1's UNet takes 0.6 GB and XL's twice that; libraries map far more than they use."""
CPU_SECONDS = 3600
MOST_NUMBERS, MOST_TENSORS = 2**36, 2**17
"""Of a module: whoever asks has it in memory already."""


def main() -> int:
    answers, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr  # a library that prints cannot break the messages
    with contextlib.suppress(OSError, AttributeError):
        os.nice(19)
    logging.disable(logging.WARNING)
    libs.prepare_environment()
    torch = libs.torch()
    torch.set_num_threads(1)
    import onnx_ir
    import onnxscript
    import torch.onnx as _  # noqa: F401

    from pipelines.diffusion import exporting  # noqa: F401
    from pipelines.diffusion.architectures import unet as _unet  # noqa: F401

    for kind in ("UNet2DConditionModel", "AutoencoderKL", "AutoencoderTiny"):
        libs.named("diffusers", kind)
    del onnx_ir, onnxscript
    limits.confine(MEMORY_BYTES, 0, Path(os.devnull), SPARE_BYTES, CPU_SECONDS, starts_threads=True)
    task, _data = pipe.read(sys.stdin.buffer, 0)
    try:
        graph = _exported(task)
    except Exception as fault:  # whatever it is, this structure stays in torch
        pipe.write(answers, {"error": f"{type(fault).__name__}: {fault}"[:400]})
        return 1
    weights = {name: list(shape) for name, shape in graph.weights.items()}
    told = {"weights": weights, "inputs": list(graph.inputs), "multiple_of": graph.multiple_of}
    pipe.write(answers, told, graph.onnx)
    return 0


def _exported(task: dict[str, Any]) -> graphs.Graph:
    from pipelines.diffusion import exporting
    from pipelines.models import building

    kind = libs.named("diffusers", task["kind"])
    module = building.empty(kind, task["config"], MOST_NUMBERS, MOST_TENSORS).eval()
    return exporting.unet_graph(module) if task["part"] == "unet" else exporting.decoder_graph(module)


if __name__ == "__main__":
    sys.exit(main())
