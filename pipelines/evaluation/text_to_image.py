"""Scores the embedded text-to-image model on fixed prompts and seeds, by judges that never saw the model.

`python -m pipelines evaluate text-to-image` prints the table and writes it to a folder, with all pictures, unpicked;
with `--sweep` it goes through guidance and steps on a fixed part of the prompts.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import models
from pipelines.data import scenes
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.evaluation import frechet, judges, prompts
from pipelines.events import Result
from pipelines.store.film import WHITE, sheet

SETTINGS: dict[str, Any] = {
    "num_inference_steps": 20,
    "sampler": "dpmpp_2m",
    "sigma_schedule": "path",
    "guidance_scale": 3.0,
}
AT_ONCE = 8
"""Prompts on their way at the same time: their network evaluations share batches."""
GUIDANCES = (1.0, 3.0, 5.0, 7.5)
STEPS = (10, 20, 50)
Groups = Mapping[str, Sequence[dict]]


def make_pictures(entries: Sequence[dict], devices: DeviceManager, settings: dict) -> NDArray[np.uint8]:
    """One picture a prompt, (N, S, S, 3), made by the engine as for any user, at the model's own size.

    A smaller one is enlarged for the judges by cubic interpolation, which adds nothing.
    """
    generator = registry.get("text-to-image")
    side = models.native_size(models.inspect(models.find(settings.get("model", "aigc-mini"))))
    plain = {"upscale": "none", "width": side, "height": side}

    def one(entry: dict) -> NDArray[np.uint8]:
        values = plain | settings | {"prompt": entry["prompt"], "seed": entry["seed"]}
        *_, last = generator.stream(generator.request_type.parse(values), devices)
        assert isinstance(last, Result)
        picture = Image.fromarray(last.images[0])
        return np.asarray(picture.resize((scenes.SIZE, scenes.SIZE), Image.Resampling.BICUBIC))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return np.stack(list(pool.map(one, entries)))


def score(entries: Sequence[dict], pictures: NDArray[np.uint8]) -> dict[str, float]:
    """The share of pictures in which each property is right, and all of them."""
    verdicts = [judges.verdict(p, prompts.scene(e)) for e, p in zip(entries, pictures, strict=True)]
    return {name: float(np.mean([v[name] for v in verdicts])) for name in verdicts[0]}


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a share of n trials."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def part(groups: Groups, every: int) -> dict[str, list[dict]]:
    """Every `every`th prompt of each group."""
    return {name: list(entries[::every]) for name, entries in groups.items()}


def truth(entries: Sequence[dict], seed: int) -> NDArray[np.uint8]:
    """The wanted scenes as the data draws them, with other jitter for each seed."""
    rng = np.random.default_rng(seed)
    wanted = [prompts.scene(entry) for entry in entries]
    redrawn = [scenes.arrange(w.background, [t.appearance for t in w.things], w.relation, rng, w.style) for w in wanted]
    return np.stack([scenes.draw(scene) for scene in redrawn])


def grid(pictures: NDArray[np.uint8], columns: int, scale: int = 1) -> Image.Image:
    """Pictures row by row, in their order, on white."""
    laid = Image.fromarray(sheet(pictures, columns, left_over=WHITE))
    return laid.resize((laid.width * scale, laid.height * scale), Image.Resampling.LANCZOS)


def evaluate(devices: DeviceManager, settings: dict, groups: Groups, out: Path | None = None) -> dict[str, Any]:
    """All scores with their intervals at one setting; pictures and report go to `out` if it is given."""
    report: dict[str, Any] = {"settings": settings, "scores": {}}
    start, everything = time.monotonic(), []
    for name, entries in groups.items():
        pictures = make_pictures(entries, devices, settings)
        everything.append(pictures)
        report["scores"][name] = {
            key: {"share": share, "of": len(entries), "interval": [round(v, 3) for v in wilson(share, len(entries))]}
            for key, share in score(entries, pictures).items()
        }
        if out:
            out.mkdir(parents=True, exist_ok=True)
            grid(pictures, 16).save(out / f"{name}.png")
    report["seconds"] = round(time.monotonic() - start, 1)
    report["frechet"] = _frechet([e for entries in groups.values() for e in entries], np.concatenate(everything))
    if out:
        (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _frechet(entries: Sequence[dict], pictures: NDArray[np.uint8]) -> dict[str, float]:
    real, again = (frechet.features(truth(entries, seed)) for seed in (0, 1))
    return {
        "pixels": round(frechet.distance(frechet.features(pictures), real), 4),
        "floor": round(frechet.distance(again, real), 4),
        "pictures": len(entries),
    }


def sweep(devices: DeviceManager, settings: dict, every: int) -> list[dict[str, Any]]:
    """A report for each guidance and number of steps, on every `every`th prompt."""
    groups = part(prompts.load(), every)
    reports = []
    for guidance, steps in product(GUIDANCES, STEPS):
        changed = settings | {"guidance_scale": guidance, "num_inference_steps": steps}
        reports.append(evaluate(devices, changed, groups))
        print(row(reports[-1]), flush=True)
    return reports


def table(report: dict[str, Any]) -> str:
    """The scores of one setting as a Markdown table."""
    lines = ["| prompts | all right | 95 % interval | in detail |", "|---|---|---|---|"]
    for name, scores in report["scores"].items():
        whole = scores["all"]
        low, high = whole["interval"]
        details = ", ".join(f"{key} {s['share']:.0%}" for key, s in scores.items() if key != "all")
        label = f"{whole['of']} {name.replace('_', ' ')}"
        lines.append(f"| {label} | {whole['share']:.1%} | {low:.1%} to {high:.1%} | {details} |")
    distance = report["frechet"]
    lines.append("")
    lines.append(
        f"Fréchet distance on pixels (8x8 colours, {distance['pictures']} pictures): {distance['pixels']:.3f}; "
        f"between two sets of true pictures: {distance['floor']:.3f}. {report['seconds']:.0f} s."
    )
    return "\n".join(lines)


def header(groups: Sequence[str]) -> str:
    """The head of the table that `row` fills."""
    names = [name.replace("_", " ") for name in groups]
    return f"| guidance | steps | {' | '.join(names)} | Fréchet |\n|{'---|' * (len(names) + 3)}"


def row(report: dict[str, Any]) -> str:
    """One line of the table of a sweep: the share that is all right in each group."""
    settings = report["settings"]
    shares = " | ".join(f"{scores['all']['share']:.0%}" for scores in report["scores"].values())
    head = f"| {settings['guidance_scale']:g} | {settings['num_inference_steps']} |"
    return f"{head} {shares} | {report['frechet']['pixels']:.3f} |"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that decide how the pictures are made, and of which prompts."""
    parser.add_argument("--steps", type=int, default=SETTINGS["num_inference_steps"])
    parser.add_argument("--guidance", type=float, default=SETTINGS["guidance_scale"])
    parser.add_argument("--sampler", default=SETTINGS["sampler"])
    parser.add_argument("--sigma-schedule", default=SETTINGS["sigma_schedule"])
    parser.add_argument("--every", type=int, default=1, help="only every Nth prompt of each group")


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "model": args.model,
        "num_inference_steps": args.steps,
        "guidance_scale": args.guidance,
        "sampler": args.sampler,
        "sigma_schedule": args.sigma_schedule,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines evaluate", description=__doc__)
    parser.add_argument("generator", nargs="?", default="text-to-image", choices=["text-to-image"])
    parser.add_argument("--model", default="aigc-mini")
    add_settings(parser)
    parser.add_argument("--sweep", action="store_true", help="go through guidance and steps (use with --every)")
    parser.add_argument("--out", type=Path, help="a folder for the report and the grids")
    args = parser.parse_args(arguments)
    settings = settings_of(args)
    devices = DeviceManager()
    try:
        if args.sweep:
            print(header(tuple(prompts.load())), flush=True)
            sweep(devices, settings, args.every)
        else:
            print(table(evaluate(devices, settings, part(prompts.load(), args.every), args.out)))
    finally:
        devices.close()
