"""How fast pictures of another program are taken into the gallery, how soon they are seen, and what that takes.

The files are small, for of a large one only the head is read: A1111's texts, 2,000 in a folder. Pictures are counted as
the page counts them, by asking.
"""

import random
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.store.gallery.gallery import Question
from pipelines.store.images import ImageStore

IN_A_FOLDER = 2000
EVERY = 0.25
"""Seconds between two questions."""
SETTINGS = (
    "Negative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Model: dream, Version: v1.10.1"
)


def measure(count: int, words: Sequence[str]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        write(folder / "theirs", count, words)
        store = ImageStore(folder / "ours", named=[(folder / "theirs").resolve()])
        before, worked, begun = _memory(), time.process_time(), time.perf_counter()
        store.folders.start()
        first, found, in_child = 0.0, 0, 0.0
        while found < count:
            time.sleep(EVERY)
            found = store.gallery.ask(Question(folders=store.folders.shown())).total
            in_child = max(in_child, _memory_of_children())
            first = first or (time.perf_counter() - begun if found else 0.0)
        took, worked = time.perf_counter() - begun, time.process_time() - worked
        store.folders.close()
        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{count:,} files of another program: the first seen after {first:.1f} s, all after {took:.0f} s")
        print(f"CPU: {worked:.0f} s in the studio, {child.ru_utime + child.ru_stime:.0f} s in the child")
        print(f"memory: {_memory() - before:.0f} MB more in the studio, {in_child:.0f} MB in the child")
    finally:
        shutil.rmtree(folder)


def write(folder: Path, count: int, words: Sequence[str]) -> None:
    """Only the texts differ."""
    dice = random.Random(1)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    for i in range(count):
        path = folder / f"batch {i // IN_A_FOLDER}" / f"图 {i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        info = PngInfo()
        info.add_itxt("parameters", f"{' '.join(dice.choices(words, k=20))}\n{SETTINGS.format(seed=i)}")
        picture.save(path, pnginfo=info, compress_level=0)


def _memory_of_children() -> float:
    """MB now. What the system says of children that have ended counts what they were copied from."""
    children = [
        child for of_thread in Path("/proc/self/task").glob("*/children") for child in of_thread.read_text().split()
    ]
    status = [Path(f"/proc/{child}/statm").read_text().split()[1] for child in children]
    return sum(map(int, status)) * resource.getpagesize() / 2**20


def _memory() -> float:
    """MB, at the most since the start."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
