"""Scores a text-to-image model on fixed prompts: shapes, subjects, colours, counts, places, sentences as people write.

`python -m pipelines evaluate text-to-image` prints the table; with `--out` it also keeps the report and all pictures,
unpicked. `--prompts first` takes the prompts of the first embedded model, read by the same judges.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import models
from pipelines.data import compositions
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.evaluation import composed_judge, composed_prompts, composition_record, diversity, frechet
from pipelines.evaluation.composed_prompts import Entry, Groups
from pipelines.events import Result
from pipelines.store.film import WHITE, sheet

SETTINGS: dict[str, Any] = {
    "num_inference_steps": 20,
    "sampler": "dpmpp_2m",
    "sigma_schedule": "path",
    "guidance_scale": 3.0,
}
"""What the studio makes a picture with where nothing else is asked for."""
AT_ONCE = 8
"""Prompts on their way at the same time: their network evaluations share batches."""
SIZE = compositions.SIZE
Pictures = NDArray[np.uint8]
"""(N, SIZE, SIZE, 3)."""
Maker = Callable[[Sequence[Entry]], Pictures]


def make_pictures(entries: Sequence[Entry], devices: DeviceManager, settings: dict[str, Any]) -> Pictures:
    """One picture a prompt, made by the engine as for any user, at the model's own size, then brought to SIZE."""
    generator = registry.get("text-to-image")
    side = models.native_size(models.inspect(models.find(settings["model"])))
    plain = {"upscale": "none", "width": side, "height": side}

    def one(entry: Entry) -> Pictures:
        values = plain | settings | {"prompt": entry["prompt"], "seed": entry["seed"]}
        *_, last = generator.stream(generator.request_type.parse(values), devices)
        assert isinstance(last, Result)
        return at_judged_size(last.images[0])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return np.stack(list(pool.map(one, entries)))


def at_judged_size(picture: Pictures) -> Pictures:
    """(S, S, 3) -> (SIZE, SIZE, 3): a larger one by the mean of its pixels, a smaller one by cubic interpolation."""
    larger = len(picture) > SIZE
    kind = Image.Resampling.BOX if larger else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize((SIZE, SIZE), kind))


def truth(entries: Sequence[Entry], seed: int) -> Pictures:
    """What the prompts ask for as the data draws it, differently for each seed."""
    rng = np.random.default_rng(seed)
    wanted = [composition_record.from_json(entry["composition"]) for entry in entries]
    return np.stack([compositions.draw(composition_record.redrawn(made, rng)) for made in wanted])


def verdicts(entries: Sequence[Entry], pictures: Pictures) -> list[dict[str, bool]]:
    return [_verdict(entry, picture) for entry, picture in zip(entries, pictures, strict=True)]


def _verdict(entry: Entry, picture: Pictures) -> dict[str, bool]:
    wanted = composition_record.from_json(entry["composition"])
    if "checks" in entry:
        return composed_judge.checked(picture, wanted, entry["checks"], entry.get("also", ()))
    return composed_judge.verdict(picture, wanted)


def score(found: Sequence[dict[str, bool]]) -> dict[str, dict[str, Any]]:
    """The share of pictures in which each property is right, of those that are asked for it, and all of them."""
    scores = {}
    for name in dict.fromkeys(name for verdict in found for name in verdict):
        asked = [verdict[name] for verdict in found if name in verdict]
        share = float(np.mean(asked))
        scores[name] = {"share": share, "of": len(asked), "interval": [round(v, 3) for v in wilson(share, len(asked))]}
    return scores


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of a share of n trials."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def part(groups: Groups, every: int) -> dict[str, list[dict]]:
    """Every `every`th prompt of each group."""
    return {name: list(entries[::every]) for name, entries in groups.items()}


def grid(pictures: NDArray[np.uint8], columns: int, scale: int = 1) -> Image.Image:
    """Pictures row by row, in their order, on white."""
    laid = Image.fromarray(sheet(pictures, columns, left_over=WHITE))
    return laid.resize((laid.width * scale, laid.height * scale), Image.Resampling.LANCZOS)


def evaluate(make: Maker, groups: Groups, out: Path | None = None) -> dict[str, Any]:
    """All scores, the Fréchet distance and the diversity of what `make` paints; it goes to `out` if that is given."""
    report: dict[str, Any] = {"scores": {}, "failed": {}, "seconds": 0.0, "judging": 0.0}
    everything = []
    for name, entries in groups.items():
        began = time.monotonic()
        pictures = make(entries)
        made = time.monotonic()
        found = verdicts(entries, pictures)
        report["scores"][name] = score(found)
        report["failed"][name] = [e["prompt"] for e, one in zip(entries, found, strict=True) if not one["all"]]
        report["seconds"] += made - began
        report["judging"] += time.monotonic() - made
        everything.append(pictures)
        if out:
            out.mkdir(parents=True, exist_ok=True)
            grid(pictures, 16).save(out / f"{name}.png")
        print(row(name, report["scores"][name]), flush=True)
    report["frechet"] = _frechet([e for entries in groups.values() for e in entries], np.concatenate(everything))
    if "seeds" in groups:
        drawn = truth(groups["seeds"], seed=2)
        report["diversity"] = round(diversity.share(everything[list(groups).index("seeds")], list(drawn)), 3)
    if out:
        (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _frechet(entries: Sequence[Entry], pictures: Pictures) -> dict[str, float]:
    real, again = (frechet.features(truth(entries, seed)) for seed in (0, 1))
    return {
        "pixels": round(frechet.distance(frechet.features(pictures), real), 4),
        "floor": round(frechet.distance(again, real), 4),
        "pictures": len(entries),
    }


HEADER = "| prompts | correct | 95 % interval | in detail |\n|---|---|---|---|"


def row(name: str, scores: dict[str, dict[str, Any]]) -> str:
    """A line of the table, in Markdown."""
    whole = scores["all"]
    low, high = whole["interval"]
    details = ", ".join(f"{key} {s['share']:.0%}" for key, s in scores.items() if key != "all")
    return f"| {whole['of']} {name.replace('_', ' ')} | {whole['share']:.1%} | {low:.1%} to {high:.1%} | {details} |"


def footer(report: dict[str, Any]) -> str:
    """Under the table: what is not a share of prompts."""
    distance = report["frechet"]
    lines = [
        f"Fréchet distance on pixels (8x8 colours, {distance['pictures']} pictures): {distance['pixels']:.3f}; between "
        f"two sets of true pictures: {distance['floor']:.3f}."
    ]
    if "diversity" in report:
        lines.append(
            f"Pictures of one prompt with different seeds differ {report['diversity']:.0%} as much as the data's."
        )
    lines.append(f"{report['seconds']:.0f} s to make the pictures, {report['judging']:.0f} s to judge them.")
    return "\n".join(["", *lines])


def choose(groups: Groups, every: int, names: Sequence[str]) -> Groups:
    """Every `every`th prompt of the named groups, of all if none is; of "seeds" every `every`th prompt with all its
    seeds."""
    chosen = part({name: entries for name, entries in groups.items() if not names or name in names}, every)
    if "seeds" in chosen:
        seeds = composed_prompts.SEEDS
        entries = groups["seeds"]
        chosen["seeds"] = [e for i in range(0, len(entries), seeds * every) for e in entries[i : i + seeds]]
    return chosen


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
    parser = argparse.ArgumentParser(prog="python -m pipelines evaluate text-to-image", description=__doc__)
    parser.add_argument("--model", default="aigc-mini", help='a model\'s name, or "truth" for drawings as the data has')
    parser.add_argument("--prompts", default="compositions", choices=["compositions", "first"])
    parser.add_argument("--groups", nargs="+", default=[], help="only these groups")
    add_settings(parser)
    parser.add_argument("--out", type=Path, help="a folder for the report and the pictures")
    args = parser.parse_args(arguments)
    groups = composed_prompts.load() if args.prompts == "compositions" else composed_prompts.of_first_model()
    settings = settings_of(args)
    devices = DeviceManager()
    try:
        print(HEADER, flush=True)
        real = args.model == "truth"
        make = (lambda entries: truth(entries, 5)) if real else (lambda e: make_pictures(e, devices, settings))
        print(footer(evaluate(make, choose(groups, args.every, args.groups), args.out)))
    finally:
        devices.close()
