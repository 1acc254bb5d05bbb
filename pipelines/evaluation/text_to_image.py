"""Scores the embedded text-to-image model on fixed prompts and seeds: scenes by the exact parser, subjects by name.

`python -m pipelines evaluate text-to-image` prints the table and writes it, with the unpicked sample grid, to a folder.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import registry
from pipelines.data import scene_parser
from pipelines.device import DeviceManager
from pipelines.evaluation import prompts, subject_judge
from pipelines.events import Result

SETTINGS = {"num_inference_steps": 20, "sampler": "dpmpp_2m", "guidance_scale": 4.0}
AT_ONCE = 8
"""Prompts on their way at the same time: their network evaluations share batches."""


def make_pictures(entries: Sequence[dict], devices: DeviceManager, settings: dict) -> NDArray[np.uint8]:
    """One picture a prompt, (N, 64, 64, 3), made by the engine as for any user."""
    generator = registry.get("text-to-image")

    def one(entry: dict) -> NDArray[np.uint8]:
        values = settings | {"prompt": entry["prompt"], "seed": entry["seed"]}
        *_, last = generator.stream(generator.request_type.parse(values), devices)
        assert isinstance(last, Result)
        return last.images[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return np.stack(list(pool.map(one, entries)))


def score_scenes(entries: Sequence[dict], pictures: NDArray[np.uint8]) -> dict[str, float]:
    """The share of pictures in which each property is right, and all of them."""
    verdicts = [scene_parser.agrees(p, prompts.scene(e)) for e, p in zip(entries, pictures, strict=True)]
    return {name: float(np.mean([v[name] for v in verdicts])) for name in verdicts[0]}


def score_subjects(entries: Sequence[dict], pictures: NDArray[np.uint8]) -> dict[str, float]:
    """Top-1 and top-5 of the nearest neighbour among all subjects."""
    places = [subject_judge.ranking(p).index(e["subject"]) for e, p in zip(entries, pictures, strict=True)]
    return {"top1": float(np.mean([p == 0 for p in places])), "top5": float(np.mean([p < 5 for p in places]))}


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a share of n trials."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def grid(pictures: NDArray[np.uint8], columns: int, scale: int = 1) -> Image.Image:
    """Pictures row by row, in their order, on white."""
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    padded = np.full((rows * columns, height, width, 3), 255, np.uint8)
    padded[:n] = pictures
    sheet = padded.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    return Image.fromarray(sheet).resize((columns * width * scale, rows * height * scale), Image.Resampling.LANCZOS)


def evaluate(devices: DeviceManager, settings: dict, out: Path | None = None) -> dict:
    """All scores with their intervals; pictures and report go to `out` if it is given."""
    report: dict = {"settings": settings, "scores": {}}
    start = time.monotonic()
    for name, entries in prompts.load().items():
        pictures = make_pictures(entries, devices, settings)
        scores = score_subjects(entries, pictures) if name == "subjects" else score_scenes(entries, pictures)
        report["scores"][name] = {
            key: {"share": value, "of": len(entries), "interval": [round(v, 3) for v in wilson(value, len(entries))]}
            for key, value in scores.items()
        }
        if out:
            out.mkdir(parents=True, exist_ok=True)
            grid(pictures, 10 if name == "subjects" else 20).save(out / f"{name}.png")
    report["seconds"] = round(time.monotonic() - start, 1)
    if out:
        (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def table(report: dict) -> str:
    """The scores as a Markdown table."""
    lines = ["| prompts | what is right | share | 95 % interval |", "|---|---|---|---|"]
    for name, scores in report["scores"].items():
        for key, score in scores.items():
            low, high = score["interval"]
            lines.append(
                f"| {score['of']} {name.replace('_', ' ')} | {key} | {score['share']:.1%} | {low:.1%} to {high:.1%} |"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines evaluate", description=__doc__)
    parser.add_argument("generator", nargs="?", default="text-to-image", choices=["text-to-image"])
    parser.add_argument("--model", default="aigc-mini")
    parser.add_argument("--steps", type=int, default=SETTINGS["num_inference_steps"])
    parser.add_argument("--guidance", type=float, default=SETTINGS["guidance_scale"])
    parser.add_argument("--sampler", default=SETTINGS["sampler"])
    parser.add_argument("--out", type=Path, help="a folder for the report and the grids")
    args = parser.parse_args(arguments)
    settings = {
        "model": args.model,
        "num_inference_steps": args.steps,
        "guidance_scale": args.guidance,
        "sampler": args.sampler,
    }
    devices = DeviceManager()
    try:
        print(table(evaluate(devices, settings, args.out)))
    finally:
        devices.close()
