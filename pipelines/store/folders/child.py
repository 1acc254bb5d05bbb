"""The process that reads the heads and the looks of pictures, many in a call; it gives way to everything else."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.confined import serving
from pipelines.errors import BadFile
from pipelines.files import plain
from pipelines.store.folders import head
from pipelines.store.gallery.looks import SIDE, numbers_of
from pipelines.store.picture_files import decoding
from pipelines.store.picture_files.bounds import BASE_MEMORY, MOST_BYTES, MOST_MEMORY

CPU_SECONDS = 30
MEMORY = MOST_MEMORY - BASE_MEMORY + 2_000_000
MOST_PIXELS = 4 * SIDE**2
NICE = 10


def heads(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """{"folder", "paths"}, bytes of names as Latin-1 -> {"heads": one or None for each}."""
    folder, *paths = (Path(os.fsdecode(text.encode("latin-1"))) for text in (task["folder"], *task["paths"]))
    return {"heads": head.read_all(folder, paths)}, b""


def looks(task: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """{"paths"} -> {"found": whether each could be read}, 64 numbers (float16) of each that could."""
    found = [_numbers(Path(os.fsdecode(text.encode("latin-1")))) for text in task["paths"]]
    return {"found": [one is not None for one in found]}, b"".join(one.tobytes() for one in found if one is not None)


def _numbers(path: Path) -> NDArray[np.float16] | None:
    try:
        with plain.open_regular(path, no_link=True) as file:
            return numbers_of(decoding.read(plain.read_all(file, MOST_BYTES), most=MOST_PIXELS))
    except (OSError, BadFile):
        return None


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICE)
    sys.exit(serving.serve({"heads": heads, "looks": looks}, MEMORY, CPU_SECONDS, 0, spare=0))
