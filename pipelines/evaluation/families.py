"""How good every shipped family is, measured the same way for all of them on the same data.

    python -m pipelines evaluate families

Fréchet distance and precision and recall (arXiv:1904.06991) in the features of a judge of ours, Fréchet distance in
pixels, the judge's agreement with the label that was asked for, bits a dimension where there is a likelihood, and time.
Each figure is the mean over FOLDS draws with seeds of their own, with half the width of its 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs
from pipelines.evaluation.frechet import distance
from pipelines.families import Sampling, names, shelf

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.data.sets import DataSet

FOLDS, SAMPLES = 4, 298
"""Samples a fold, few enough for the held-out digits: a Fréchet distance depends on the number."""
T_95 = 3.182
"""Of Student's distribution with FOLDS - 1 degrees of freedom."""
NEIGHBOUR = 3
TIMED = 10
"""Samples of one batch whose time is taken, the median of five goes."""
STEPS = 20
FIGURES = ("frechet", "frechet_pixels", "precision", "recall", "accuracy")
OUT = shelf.FOLDER / "scores.json"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines evaluate families", description=__doc__)
    parser.add_argument("--data", nargs="+", default=["digits", "icons"])
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go, as JSON")
    args = parser.parse_args(arguments)
    report = {data: evaluate(data) for data in args.data}
    args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(table(report))


def evaluate(data: str) -> dict[str, dict[str, Any]]:
    """The figures of every family and, under "data", of training pictures beside the held-out ones."""
    report: dict[str, dict[str, Any]] = {}
    for family in ("data", *names()):
        if family != "data" and (data, family) not in shelf.available():
            continue
        report[family] = _of_data(data) if family == "data" else _of_family(data, family)
        print(data, family, report[family], flush=True)
    return report


def _of_data(data: str) -> dict[str, Any]:
    """What training pictures score against held-out ones: the best that a family can hope for."""
    from pipelines.data import sets

    known = sets.get(data)
    x, labels = known.training()
    return _figures(known, [(x[places], labels[places]) for places in _real_folds(labels, known.classes)])


def _asked_labels(classes: int) -> Tensor:
    """(SAMPLES,): each class as often, the same in every fold of a family and of the data."""
    return libs.torch().arange(SAMPLES) % classes


def _real_folds(labels: Tensor, classes: int) -> list[Tensor]:
    """FOLDS times (SAMPLES,) places of training pictures with the labels that families are asked for, none twice.

    Drawn without regard to class, a fold would lie further from the held-out pictures than samples, by its class mix.
    """
    torch = libs.torch()
    draw = torch.Generator().manual_seed(0)
    wanted = _asked_labels(classes).repeat(FOLDS)
    places = torch.empty_like(wanted)
    for label in range(classes):
        own = (labels == label).nonzero().flatten()
        rows = wanted == label
        places[rows] = own[torch.randperm(len(own), generator=draw)[: int(rows.sum())]]
    return list(places.split(SAMPLES))


def _of_family(data: str, family: str) -> dict[str, Any]:
    torch = libs.torch()
    shipped = shelf.load(data, family)
    folds = []
    with torch.inference_mode():
        for fold in range(FOLDS):
            labels = _asked_labels(shipped.data.classes)
            z = shipped.noise(1000 * (fold + 1), SAMPLES)
            *_, last = shipped.model.states(z, labels, Sampling(STEPS))
            folds.append((last.x.clamp(-1, 1), labels))
        figures = _figures(shipped.data, folds) | _cost(shipped)
    with torch.no_grad():
        return figures | _likelihood(shipped)


def _figures(known: DataSet, folds: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Any]:
    from pipelines.evaluation import picture_judge

    judge = picture_judge.load(known.name)
    real = known.held_out()[0][:SAMPLES]
    rows = []
    with libs.torch().inference_mode():
        theirs = judge.features(real)
        scale = theirs.std(0).mean()  # so that the figures do not depend on how loud the judge happens to speak
        theirs = theirs / scale
        for x, labels in folds:
            made = judge.features(x) / scale
            precision, recall = precision_recall(theirs, made)
            rows.append({
                "frechet": distance(_array(theirs), _array(made)),
                "frechet_pixels": distance(coarse(real), coarse(x)),
                "precision": precision,
                "recall": recall,
                "accuracy": picture_judge.accuracy(judge, x, labels),
            })  # fmt: skip
    return {name: interval([row[name] for row in rows]) for name in FIGURES}


def interval(values: Sequence[float]) -> list[float]:
    """The mean and half the width of its 95 % interval, by Student's distribution."""
    return [round(mean(values), 4), round(T_95 * stdev(values) / math.sqrt(len(values)), 4)]


def precision_recall(real: Tensor, made: Tensor, neighbour: int = NEIGHBOUR) -> tuple[float, float]:
    """The share of made features among the real ones, and of real ones among the made: (N, D) and (M, D).

    A set reaches, around each of its members, as far as that member's `neighbour`th nearest in the set.
    """
    return _covered(made, real, neighbour), _covered(real, made, neighbour)


def _covered(asked: Tensor, members: Tensor, neighbour: int) -> float:
    reach = libs.torch().cdist(members, members).kthvalue(neighbour + 1, dim=1).values
    return float((libs.torch().cdist(asked, members) <= reach).any(1).double().mean())


def coarse(x: Tensor) -> np.ndarray:
    """(N, C, S, S) -> (N, C * 64): each picture as 8 x 8 colours in [0, 1]."""
    small = libs.torch().nn.functional.adaptive_avg_pool2d(x, 8)
    return _array((small.flatten(1) + 1) / 2)


def _array(x: Tensor) -> np.ndarray:
    return x.double().numpy()


def _cost(shipped: shelf.Shipped) -> dict[str, Any]:
    z = shipped.noise(0, TIMED)
    labels = libs.torch().arange(TIMED) % shipped.data.classes
    seconds, evaluations = [], 0
    for _ in range(5):
        began = time.perf_counter()
        *_, last = shipped.model.states(z, labels, Sampling(STEPS))
        seconds.append(time.perf_counter() - began)
        evaluations = last.evaluations
    return {
        "milliseconds": round(1000 * sorted(seconds)[2] / TIMED, 3),
        "evaluations": evaluations,
        "parameters": sum(p.numel() for p in shipped.model.parameters()),
    }


def _likelihood(shipped: shelf.Shipped) -> dict[str, Any]:
    x, labels = shipped.data.held_out()
    draw = libs.torch().Generator().manual_seed(0)
    bits = shipped.model.bits_per_dim(x[:SAMPLES], labels[:SAMPLES], draw, shipped.data.levels)
    if bits is None:
        return {}
    return {"bits": [round(float(bits.mean()), 3), round(1.96 * float(bits.std()) / math.sqrt(len(bits)), 3)]}


def table(report: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Markdown, a row a family."""
    names = ("frechet", "frechet_pixels", "precision", "recall", "accuracy", "bits")
    lines = [
        "| data | family | Fréchet (features) | Fréchet (pixels) | precision | recall | class | bits/dim "
        "| ms | calls | weights |",
        "|---" * 11 + "|",
    ]
    for data, rows in report.items():
        for family, row in rows.items():
            told = [f"{row[name][0]:g} ± {row[name][1]:g}" if name in row else "–" for name in names]
            told += [f"{row[name]:,}" if name in row else "–" for name in ("milliseconds", "evaluations", "parameters")]
            lines.append(f"| {data} | {family} | " + " | ".join(told) + " |")
    return "\n".join(lines)
