"""Native networks for users' own models: exported in the background when a model is used again, kept, judged.

The first use of a model is torch's. At the second the graphs of its UNet and its decoder are exported by a process of
the lowest priority; the next use after that, and every later one of any model of that structure, is native.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import logging
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines.confined import pipe, process
from pipelines.device.native import judged
from pipelines.models import graph_cache, graphs
from pipelines.models.faults import is_ours
from pipelines.models.graph_cache import FAILED, GraphCache, Structure
from pipelines.models.graphs import Graph

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle
    from pipelines.models.info import ModelInfo

log = logging.getLogger(__name__)

MODULE = "pipelines.diffusion.export_child"
SECONDS = 3600.0
"""A minute of CPU time for Stable Diffusion 1; beside work of higher priority it is many times that."""
USES = 2
"""A model that is used once is none that an export would pay for."""
KINDS = {"unet": ("UNet2DConditionModel",), "vae": ("AutoencoderKL", "AutoencoderTiny")}


class OwnGraphs:
    """One for all models. Any thread may call; one export at a time."""

    def __init__(self, cache: GraphCache, module: str = MODULE, seconds: float = SECONDS) -> None:
        self._cache, self._module, self._seconds = cache, module, seconds
        self._uses: weakref.WeakKeyDictionary[Bundle, int] = weakref.WeakKeyDictionary()
        self._waiting: deque[Structure] = deque()
        self._asked: set[str] = set()
        self._change = threading.Condition()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def used(self, model: Bundle, info: ModelInfo, room: Callable[[int], bool]) -> None:
        """A job has begun that uses a model. It becomes native where all is there, and `room` has so many bytes for
        the process and nobody else uses the model; or what is missing is exported."""
        if model.native is not None or model.device.type != "cpu" or is_ours(info.folder) or not judged.available():
            return
        wanted = _structures(model)
        with self._change:
            self._uses[model] = uses = self._uses.get(model, 0) + 1
        refused = {part for part, one in wanted.items() if self._cache.verdict(one) not in ("", graph_cache.FASTER)}
        if "unet" not in wanted or "unet" in refused:
            return
        wanted = {part: one for part, one in wanted.items() if part not in refused}
        there = {part: graph for part, one in wanted.items() if (graph := self._cache.get(one)) is not None}
        missing = [one for part, one in wanted.items() if part not in there]
        if missing and uses >= USES:
            self._export(missing)
        if not missing:
            self._adopt(model, info, wanted, there, room)

    def describe(self) -> dict[str, int]:
        return self._cache.describe()

    def wait(self, seconds: float) -> bool:
        """Whether nothing is being exported any more within so many seconds."""
        with self._change:
            return self._change.wait_for(lambda: self._thread is None, seconds)

    def close(self) -> None:
        """End the export that is on its way; nothing of it is kept."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            if self._child is not None:
                self._child.kill()

    def _adopt(
        self,
        model: Bundle,
        info: ModelInfo,
        wanted: dict[str, Structure],
        there: dict[str, Graph],
        room: Callable[[int], bool],
    ) -> None:
        from pipelines.diffusion.native import Native

        verdicts = {
            part: None if self._cache.verdict(one) else functools.partial(self._cache.judge, one)
            for part, one in wanted.items()
        }
        native = Native.over(info.name, {part: model.part(part) for part in there}, there, verdicts)
        if native is not None and room(native.nbytes):
            model.native = native

    def _export(self, missing: list[Structure]) -> None:
        """Say what is missing to the thread, which is started where none works."""
        if not _can_export():
            return
        with self._change:
            new = [one for one in missing if one.key not in self._asked]
            if self._closed or not new:
                return
            self._asked |= {one.key for one in new}
            self._waiting += new
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="exporting", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._change:
                if not self._waiting or self._closed:
                    self._thread = None
                    self._change.notify_all()
                    return
                structure = self._waiting.popleft()
            try:
                self._cache.put(structure, self._exported(structure))
            except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as fault:
                if not self._closed:
                    log.warning("a %s could not be exported and stays in PyTorch: %s", structure.kind, fault)
                    self._cache.judge(structure, FAILED)

    def _exported(self, structure: Structure) -> Graph:
        """What a child says. Raises ValueError, EOFError, OSError where it cannot, dies, or takes too long."""
        with self._change:
            if self._closed:
                raise EOFError
            self._child = child = process.start(self._module)
        assert child.stdin and child.stdout
        clock = threading.Timer(self._seconds, child.kill)
        clock.daemon = True
        clock.start()
        try:
            task = {"part": structure.part, "kind": structure.kind, "config": structure.config}
            pipe.write(child.stdin, task)
            told, onnx = pipe.read(child.stdout, graphs.MOST_GRAPH_BYTES)
        finally:
            clock.cancel()
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):  # what was not sent any more
                    stream.close()
            self._child = None
        if "error" in told:
            raise ValueError(str(told["error"])[:400])
        weights = {str(name): tuple(map(int, shape)) for name, shape in told["weights"].items()}
        return Graph(onnx, weights, tuple(map(str, told["inputs"])), int(told["multiple_of"]))


def _structures(model: Bundle) -> dict[str, Structure]:
    """Of the parts that can be exported. A UNet that paints into a mask is told the mask beside x."""
    found = {}
    for part, kinds in KINDS.items():
        module = model.part(part)
        if type(module).__name__ in kinds and str(module.dtype) == "torch.float32":
            config = json.loads(json.dumps(dict(module.config), default=str))
            found[part] = Structure(part, type(module).__name__, config)
    if "unet" in found and model.paints_into_masks:
        del found["unet"]
    return found


@functools.cache
def _can_export() -> bool:
    there = all(importlib.util.find_spec(name) is not None for name in ("onnx", "onnx_ir", "onnxscript"))
    if not there:
        log.warning("onnx, onnx-ir or onnxscript is not installed; your own models work in PyTorch on the CPU")
    return there
