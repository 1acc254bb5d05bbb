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

GRID = 24
SEAM = 24
"""How far from the middle, in pixels, the gap between two things may lie."""
CONTRAST = {"pastel": 18, "night": 14}
"""How far a pixel must be from the background, of 255, to belong to the thing, where a style leaves little contrast."""
USUAL_CONTRAST = 40
BLOCKS = 200.0
"""How much the place of the steps counts beside the other features when a style is named."""
INSIDE = 23
"""Half the side of the window that holds what is inside a container."""
MIDDLE = slice(SIZE // 2 - INSIDE, SIZE // 2 + INSIDE)

Picture = NDArray[np.uint8]


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
        steps = BLOCKS * (_blockiness(drawn) - _blockiness(picture)) ** 2
        return steps + float(np.square(features(drawn, style) - features(picture, style)).sum())

    return min(("", *styles.STYLES), key=distance)


def background_of(picture: Picture) -> str:
    """The named colour nearest to the median of the border."""
    seen = _border_colour(picture)
    return min(COLOURS, key=lambda name: float(np.square(seen - COLOURS[name]).sum()))


def features(picture: Picture, style: str = "") -> NDArray[np.float32]:
    """What differs from the background, cut to its bounding box, GRID x GRID: blurred colours, edges both ways."""
    cut = (
        Image.fromarray(picture).crop(_bounding_box(picture, style)).resize((GRID * 2, GRID * 2), Image.Resampling.BOX)
    )
    soft = cut.filter(ImageFilter.GaussianBlur(1.5)).resize((GRID, GRID), Image.Resampling.BOX)
    colours = np.asarray(soft, dtype=np.float32) / 255  # (GRID, GRID, 3)
    light = np.asarray(cut.convert("L").filter(ImageFilter.GaussianBlur(1.0)), dtype=np.float32) / 255
    down, right = np.gradient(light)
    edges = np.abs(np.stack((down, right), axis=-1)).reshape(GRID, 2, GRID, 2, 2).mean(axis=(1, 3))
    return np.concatenate([colours.ravel(), 2.0 * edges.ravel()]).astype(np.float32)


def _blockiness(picture: Picture) -> float:
    """The share of all change between neighbouring pixels that lies on the borders of pixel art's blocks."""
    change = np.abs(np.diff(picture.astype(int), axis=1)).sum(axis=(0, 2)).astype(float)
    change += np.abs(np.diff(picture.astype(int), axis=0)).sum(axis=(1, 2))
    return float(change[styles.PIXEL - 1 :: styles.PIXEL].sum() / max(change.sum(), 1.0))


def _parts(picture: Picture, wanted: Scene) -> list[Picture]:
    """One picture for each wanted thing, in their order."""
    match wanted.relation:
        case "":
            return [picture]
        case "inside":
            return [picture[MIDDLE, MIDDLE], _without_middle(picture)]
        case "left of" | "right of":
            seam = _seam(picture, axis=0)
            parts = [picture[:, :seam], picture[:, seam:]]
        case "on":
            seam = _joint(wanted)
            parts = [picture[:seam], picture[seam:]]
        case _:
            seam = _seam(picture, axis=1)
            parts = [picture[:seam], picture[seam:]]
    return parts if wanted.relation in ("left of", "above", "on") else parts[::-1]


def _without_middle(picture: Picture) -> Picture:
    """The container without its content: the middle painted over with the colour at its edge."""
    whole = picture.copy()
    whole[MIDDLE, MIDDLE] = _border_colour(picture[MIDDLE, MIDDLE]).astype(np.uint8)
    return whole


def _joint(wanted: Scene) -> int:
    """The row where the lower of two things begins, by the plan of the wanted scene."""
    lower = wanted.things[1]
    return round(lower.y - lower.radius * scenes.reach_up(lower.noun))


def _seam(picture: Picture, axis: int) -> int:
    """The emptiest column (axis 0) or row (axis 1) near the middle."""
    filled = _differs(picture).sum(axis=axis)
    near = np.arange(SIZE // 2 - SEAM, SIZE // 2 + SEAM)
    return int(near[np.lexsort((np.abs(near - SIZE // 2), filled[near]))[0]])


def _differs(picture: Picture, style: str = "") -> NDArray[np.bool_]:
    distance = np.abs(picture.astype(int) - _border_colour(picture)).max(axis=-1)
    return distance > CONTRAST.get(style, USUAL_CONTRAST)


def _border_colour(picture: Picture) -> NDArray[np.float64]:
    """The median colour of the outermost pixels, (3,)."""
    return np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), axis=0)


def _bounding_box(picture: Picture, style: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what differs from the border's colour, specks left out."""
    differs = _differs(picture, style)
    columns, rows = np.nonzero(differs.sum(axis=0) >= 2)[0], np.nonzero(differs.sum(axis=1) >= 2)[0]
    if not columns.size or not rows.size:
        return (0, 0, picture.shape[1], picture.shape[0])
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


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
