"""Questions to a gallery of 100,000 pictures: `python -m benchmarks.gallery [--pictures 100000] [--files 100000]`.

The rows are made up, without files behind them; words, models and days are spread as people's are. CPU time stands
beside wall time, for a machine at work. `--files` measures how fast so many pictures of another program are taken in.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks import gallery_files
from pipelines.store import pictures
from pipelines.store.gallery import looks, rows
from pipelines.store.gallery.gallery import Question
from pipelines.store.gallery.marks import Marks
from pipelines.store.images import ImageStore
from pipelines.store.pictures import ImageInfo

WORDS = "fox panda castle river night neon portrait of a the in style oil red blue 熊猫 城堡 夜晚 森林 猫".split()
REPEATS = 30
DAY = 86_400_000_000  # microseconds
ASKED = {
    "all": Question(),
    "place 90 %": Question(offset=90_000),
    "p": Question("p"),
    "pan": Question("pan"),
    "panda": Question("panda "),
    "red panda": Question("red panda"),
    "熊猫": Question("熊猫"),
    "熊猫 -night": Question("熊猫 -night"),
    "a model": Question(chosen={"model": ("model-0",)}),
    "panda, model, stars": Question("panda", {"model": ("model-1",), "stars": ("4", "5")}),
    "a month": Question(chosen={"month": ("2026-01",)}),
    "nothing": Question("nosuchword "),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = ImageStore(Path(folder))
        like = fill(store, given.pictures)
        print(f"gallery of {given.pictures:,} pictures: milliseconds a question, {REPEATS} times, words not remembered")
        print(f"{'':22} {'found':>7}  {'p50':>6} {'p95':>6}   CPU {'p50':>6} {'p95':>6}")
        similar = {"similar": Question(like=like), "similar, panda": Question("panda", like=like)}
        for name, question in (ASKED | similar).items():
            total, wall, cpu = measured(store, question)
            figures = [np.percentile(times, share) * 1000 for times in (wall, cpu) for share in (50, 95)]
            print("{:22} {:7,}  {:6.1f} {:6.1f}       {:6.1f} {:6.1f}".format(name, total, *figures))
    if given.files:
        gallery_files.measure(given.files, WORDS)


def measured(store: ImageStore, question: Question) -> tuple[int, list[float], list[float]]:
    """How many pictures were found, and the seconds that each asking took: by the wall, of the CPU."""
    total, wall, cpu = store.gallery.ask(question).total, [], []
    for _ in range(REPEATS):
        store.gallery.forget()
        begun, worked = time.perf_counter(), time.process_time()
        store.gallery.ask(question)
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - worked)
    return total, wall, cpu


def fill(store: ImageStore, count: int) -> str:
    """The index alone, as if it had read so many files; the id of the last."""
    store.list()
    dice, last = np.random.default_rng(1), ""
    with closing(sqlite3.connect(store.root / "index.sqlite")) as db, db:
        for info, marks in made_up(count):
            rows.put(db, info, marks, 0)
            looks.put(db, [(info.id, dice.normal(size=looks.LENGTH).astype(np.float16))])
            last = info.id
    return last


def made_up(count: int) -> Iterator[tuple[ImageInfo, Marks]]:
    dice = random.Random(1)
    for i in range(count):
        image_id = pictures.new_id(1_735_689_600_000_000 + i * DAY * 700 // count)
        request = {
            "prompt": " ".join(dice.choices(WORDS, k=dice.randint(4, 30))),
            "negative_prompt": "blurry, low quality",
            "model": f"model-{min(int(dice.expovariate(0.3)), 30)}",
            "sampler": dice.choice(("euler", "dpmpp_2m", "ddim", "heun")),
            "loras": f"<lora:lora-{dice.randint(0, 20)}:0.8>" if dice.random() < 0.3 else "",
        }
        side = dice.choice((512, 768, 1024))
        recipe = {"generator": "text-to-image", "request": request}
        marks = Marks(dice.random() < 0.05, dice.choice((0, 0, 0, 3, 4, 5)), ("sky",) if dice.random() < 0.1 else ())
        yield ImageInfo(image_id, 0.0, side, side, recipe), marks


if __name__ == "__main__":
    main()
