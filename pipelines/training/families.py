"""Trains the shipped models of every family on digits and on icons; goes on where it was stopped.

python -m pipelines.training.families --data icons --families gan vae
python -m pipelines.training.families --export assets/models/families
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.data import sets
from pipelines.families import Sampling, shelf
from pipelines.families.learning import Plan, base_noise, build, training_of
from pipelines.families.pictures import pixels
from pipelines.learning.checkpoints import Checkpoints
from pipelines.learning.events import Report, Resumed, Saved
from pipelines.learning.state import AVERAGED
from pipelines.store import film

EVERY_SECONDS = 120
"""Between two checkpoints."""
SHOWN = 60


@dataclass(frozen=True)
class Recipe:
    steps: int
    options: dict[str, Any] = field(default_factory=dict)


RECIPES = {
    "digits": {
        "gan": Recipe(8000, {"width": 128}),
        "vae": Recipe(3000, {"width": 128, "latent": 8, "couplings": 6}),
        "vae-plane": Recipe(3000, {"width": 128, "latent": 2}),
        "vq": Recipe(4000, {"width": 16, "grid": 4, "codes": 32, "prior_width": 48}),
        "flow": Recipe(4000, {"width": 64, "couplings": 8}),
        "diffusion": Recipe(24_000, {"width": 144}),
        "flow-matching": Recipe(24_000, {"width": 144}),
    },
    "icons": {
        "gan": Recipe(7000, {"width": 32}),
        "vae": Recipe(6000, {"width": 28, "latent": 24, "couplings": 6}),
        "vq": Recipe(8000, {"width": 32, "grid": 8, "codes": 128, "depth": 3}),
        "flow": Recipe(3500, {"width": 48, "couplings": 8}),
        "diffusion": Recipe(12_000, {"width": 32}),
        "flow-matching": Recipe(8000, {"width": 32}),
    },
}


def train(data: str, family: str, runs: Path) -> None:
    """Until the recipe is done; a checkpoint about every EVERY_SECONDS, and a picture of samples beside it."""
    recipe, folder = RECIPES[data][family], runs / f"{data}-{family}"
    plan = Plan(recipe.steps)
    training = training_of(family.removesuffix(shelf.PLANE), sets.get(data), plan, recipe.options, EVERY_SECONDS)
    losses: dict[str, float] = {}
    for event in training.run(folder):
        if isinstance(event, Report):
            losses = {name: round(loss, 4) for name, loss in event.losses.items()}
        elif isinstance(event, Resumed) and event.note:
            print(data, family, event.note, flush=True)
        elif isinstance(event, Saved):
            samples(training.averaged, sets.get(data).classes).save(folder.with_suffix(".png"))
            print(f"{data} {family} step {event.step} {training.seconds:.0f} s {losses}", flush=True)


@torch.no_grad()
def samples(model: Any, classes: int) -> Image.Image:
    """Six rows of one sample of each class, nothing picked."""
    labels = torch.arange(SHOWN) % classes
    *_, last = model.states(base_noise(model, 0, SHOWN), labels, Sampling())
    sheet = film.sheet(pixels(last.x), classes)
    return Image.fromarray(np.repeat(np.repeat(sheet, 2, 0), 2, 1))


def export(runs: Path, out: Path) -> None:
    """Packs what is there, finished or not, and writes how many steps and seconds each took."""
    took: dict[str, Any] = {}
    for data, recipes in RECIPES.items():
        for family, recipe in recipes.items():
            checkpoint = Checkpoints(runs / f"{data}-{family}").newest()
            if checkpoint is None:
                continue
            model = build(family.removesuffix(shelf.PLANE), sets.get(data), recipe.options)
            model.load_state_dict(checkpoint.part(AVERAGED))
            made = shelf.save(model, family, data, recipe.options, out)
            took[made.stem] = {"steps": checkpoint.step, "seconds": round(checkpoint.counts["seconds"])}
            print(made.name, made.stat().st_size, took[made.stem])
    (out / "training.json").write_text(json.dumps(took, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the shipped models of every family.")
    parser.add_argument("--data", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    parser.add_argument("--families", nargs="+", help="all by default")
    parser.add_argument("--runs", type=Path, default=Path("runs/families"), help="the folder for checkpoints")
    parser.add_argument("--export", type=Path, help="pack what is trained into this folder instead of training")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.export:
        export(args.runs, args.export)
        return
    for data in args.data:
        for family in args.families or RECIPES[data]:
            train(data, family, args.runs)


if __name__ == "__main__":
    main()
