"""Names what a picture shows by its nearest neighbour among all subjects and shapes, in plain pixel features.

The features (colours and edges of what differs from the background, blurred) were not learned, so not with the
generator either. A picture of two things is cut in two along their relation, and each part is named alone.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.data import scenes, styles, subjects
from pipelines.data.scenes import COLOURS, SIZE, Scene, Thing
from pipelines.evaluation.parts import Picture, blockiness, border_colour, bounding_box, split

GRID = 24
BLOCKS = 200.0
"""How much the place of the steps counts beside the other features when a style is named."""


def judge(picture: Picture, wanted: Scene) -> dict[str, bool]:
    """Whether the background, and each thing as first and among the first five of all, are as wanted."""
    background = background_of(picture)
    parts = _parts(picture, wanted)
    grounds = [wanted.background if wanted.style else background] * len(parts)  # a style changes the colours' names
    if wanted.relation == "inside":
        grounds[0] = background_of(parts[0])
    ranks = [
        _rank(_label(thing), ranking(part, ground, wanted.style))
        for part, ground, thing in zip(parts, grounds, wanted.things, strict=True)
    ]
    right = background == wanted.background or bool(wanted.style)
    verdict = {"background": right, "top1": all(r == 0 for r in ranks), "top5": all(r < 5 for r in ranks)}
    if wanted.style:
        verdict["style"] = style_of(picture, wanted) == wanted.style
    return verdict | {"all": verdict["background"] and verdict["top1"] and verdict.get("style", True)}


def _rank(label: str, ranked: list[str]) -> int:
    """The place of a label; behind all others where it cannot be there, as a red shape on red."""
    return ranked.index(label) if label in ranked else len(ranked)


def ranking(picture: Picture, background: str, style: str = "") -> list[str]:
    """Every subject and every shape in every colour, the likeliest first, for one thing on a plain background."""
    seen = features(picture, style)
    labels, known = _known(background, style)
    return [labels[i] for i in np.argsort(np.square(known - seen).sum(axis=1))]


def style_of(picture: Picture, wanted: Scene) -> str:
    """The style in which the wanted scene comes nearest to the picture; "" is flat."""

    def distance(style: str) -> float:
        drawn = scenes.draw(Scene(wanted.background, wanted.things, wanted.relation, style))
        steps = BLOCKS * (blockiness(drawn) - blockiness(picture)) ** 2
        return steps + float(np.square(features(drawn, style) - features(picture, style)).sum())

    return min(("", *styles.STYLES), key=distance)


def background_of(picture: Picture) -> str:
    """The named colour nearest to the median of the border."""
    seen = border_colour(picture)
    return min(COLOURS, key=lambda name: float(np.square(seen - COLOURS[name]).sum()))


def features(picture: Picture, style: str = "") -> NDArray[np.float32]:
    """What differs from the background, cut to its bounding box, GRID x GRID: blurred colours, edges both ways."""
    cut = Image.fromarray(picture).crop(bounding_box(picture, style)).resize((GRID * 2, GRID * 2), Image.Resampling.BOX)
    soft = cut.filter(ImageFilter.GaussianBlur(1.5)).resize((GRID, GRID), Image.Resampling.BOX)
    colours = np.asarray(soft, dtype=np.float32) / 255  # (GRID, GRID, 3)
    light = np.asarray(cut.convert("L").filter(ImageFilter.GaussianBlur(1.0)), dtype=np.float32) / 255
    down, right = np.gradient(light)
    edges = np.abs(np.stack((down, right), axis=-1)).reshape(GRID, 2, GRID, 2, 2).mean(axis=(1, 3))
    return np.concatenate([colours.ravel(), 2.0 * edges.ravel()]).astype(np.float32)


def _parts(picture: Picture, wanted: Scene) -> list[Picture]:
    """One picture for each wanted thing, in their order."""
    if not wanted.relation:
        return [picture]
    lower = wanted.things[1]
    return split(picture, wanted.relation, lower.y - lower.radius * scenes.reach_up(lower.noun))


def _label(thing: Thing) -> str:
    return f"{thing.colour} {thing.noun}".strip()


@cache
def _known(background: str, style: str) -> tuple[list[str], NDArray[np.float32]]:
    """Labels and features of every subject, and every shape in every colour, alone on this background."""
    things = [Thing(name, "", "", SIZE / 2, SIZE / 2, 54.0) for name in subjects.names()]
    things += [
        Thing(shape, colour, "", SIZE / 2, SIZE / 2, 30.0)
        for shape in scenes.SHAPES
        for colour in COLOURS
        if colour != background
    ]
    pictures = [scenes.draw(Scene(background, (thing,), "", style)) for thing in things]
    return [_label(thing) for thing in things], np.stack([features(picture, style) for picture in pictures])
