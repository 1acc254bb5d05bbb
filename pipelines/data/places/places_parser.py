"""Reads a place back from its pixels: kind, time, weather and season, by the nearest mean of drawn examples.

Features are plain (colours, roughness, specks); distances are measured in the spread that places of one look have
among themselves (Fisher's linear discriminants). No network, nothing of the model that is judged.

`python -m pipelines.data.places.places_parser` draws the examples and writes the table again, which is due after any
change to how places are drawn.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from pipelines.data import subjects
from pipelines.data.places.drawing import draw
from pipelines.data.places.features import features
from pipelines.data.places.paint import SIZE
from pipelines.data.places.place import KINDS, combinations, random_place

FILE = Path(__file__).parents[3] / "assets" / "data" / "places" / "looks.npz"
EXAMPLES = 32
"""Drawn for each look; two thirds of them with a thing in the middle, half blurred, noisy, or in other colours."""
DIRECTIONS = 96
PARTS = ("kind", "time", "weather", "season")
SOFT = 1.0
"""Looks this many units of squared spread farther than the nearest count 1/sqrt(e) in the vote."""

Look = tuple[str, str, str, str]


@dataclass(frozen=True, eq=False)
class Looks:
    """`means` (looks, DIRECTIONS) of features, centred on `centre` (F,) and projected by `directions`
    (F, DIRECTIONS)."""

    names: tuple[Look, ...]
    centre: NDArray[np.floating]
    directions: NDArray[np.floating]
    means: NDArray[np.floating]


def read(picture: NDArray[np.uint8]) -> dict[str, str]:
    """The kind, time, weather and season that a uint8 (SIZE * n, SIZE * n, 3) picture shows.

    It always answers with the nearest look, also for a picture that shows no place.
    """
    table = looks()
    here = (features(picture) - table.centre) @ table.directions
    far = ((table.means - here) ** 2).sum(axis=1)
    votes = np.exp(-SOFT * (far - far.min()) / 2)
    return {part: _most(votes, [name[i] for name in table.names]) for i, part in enumerate(PARTS)}


def agrees(picture: NDArray[np.uint8], wanted: dict[str, str]) -> dict[str, bool]:
    """Whether each wanted part is as wanted, and `all` of them."""
    seen = read(picture)
    verdict = {part: seen[part] == wanted[part] for part in wanted}
    return verdict | {"all": all(verdict.values())}


def _most(votes: NDArray[np.floating], names: list[str]) -> str:
    sums: dict[str, float] = {}
    for vote, name in zip(votes, names, strict=True):
        sums[name] = sums.get(name, 0.0) + float(vote)
    return max(sums, key=lambda name: sums[name])


@cache
def looks() -> Looks:
    with np.load(FILE) as stored:
        centre, directions, means = (stored[key].astype(np.float32) for key in ("centre", "directions", "means"))
        rows = [line.split("|") for line in str(stored["names"]).split("\n")]
    names = tuple((kind, time, weather, season) for kind, time, weather, season in rows)
    return Looks(names, centre, directions, means)


def measure(rng: np.random.Generator) -> Looks:
    """Draws the examples and finds the directions in which looks differ most for their spread."""
    names = [(kind, *look) for kind in KINDS for look in combinations(kind)]
    every = np.stack([_examples(name, rng) for name in names])  # (looks, EXAMPLES, F)
    means = every.mean(axis=1)
    inner = (every - means[:, None]).reshape(-1, every.shape[-1])
    within = inner.T @ inner / len(inner)
    within += np.eye(len(within)) * 0.02 * np.trace(within) / len(within)
    values, vectors = np.linalg.eigh(within)
    whitening = vectors / np.sqrt(values)
    centre = means.mean(axis=0)
    spread = (means - centre) @ whitening
    turned = np.linalg.svd(spread, full_matrices=False)[2][:DIRECTIONS].T
    directions = whitening @ turned
    return Looks(tuple(names), centre, directions, (means - centre) @ directions)


def _examples(name: Look, rng: np.random.Generator) -> NDArray[np.float64]:
    rows = []
    for index in range(EXAMPLES):
        image = Image.fromarray(draw(random_place(rng, *name)))
        if index % 3:
            _paste_anything(image, rng)
        if index % 6 == 1:
            image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.9)))
        elif index % 6 == 4:
            image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.88, 1.12))
            image = ImageEnhance.Color(image).enhance(rng.uniform(0.8, 1.25))
        pixels = np.asarray(image)
        if index % 6 == 2:
            noisy = pixels + rng.normal(0, rng.uniform(2, 6), pixels.shape)
            pixels = noisy.clip(0, 255).astype(np.uint8)
        rows.append(features(pixels))
    return np.stack(rows).astype(np.float64)


def _paste_anything(image: Image.Image, rng: np.random.Generator) -> None:
    names = subjects.names()
    x, y = SIZE / 2 + rng.uniform(-26, 26), 84 + rng.uniform(-26, 20)
    subjects.paste(image, names[int(rng.integers(len(names)))], x, y, rng.uniform(12, 30))


def main() -> None:
    table = measure(np.random.default_rng(0))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        FILE,
        names=np.array("\n".join("|".join(name) for name in table.names)),
        centre=table.centre.astype(np.float16),
        directions=table.directions.astype(np.float32),
        means=table.means.astype(np.float16),
    )
    print(f"{len(table.names)} looks in {FILE.name}")


if __name__ == "__main__":
    main()
