"""The process that reads the heads of strangers' pictures, many in a call; it gives way to everything else."""

import os
import sys
from pathlib import Path
from typing import Any

from pipelines.confined import serving
from pipelines.store.folders import head

CPU_SECONDS = 30
MEMORY = 160_000_000
NICE = 10


def heads(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """{"folder", "paths"}, bytes of names as Latin-1 -> {"heads": one or None for each}."""
    folder, *paths = (Path(os.fsdecode(text.encode("latin-1"))) for text in (task["folder"], *task["paths"]))
    return {"heads": head.read_all(folder, paths)}, b""


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICE)
    sys.exit(serving.serve({"heads": heads}, MEMORY, CPU_SECONDS, 0, spare=0))
