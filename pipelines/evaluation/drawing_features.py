"""Plain pixel features of a thing on a plain ground, and of all drawings and shapes as they look on it.

Nothing in them was learned: blurred colours, and edges both ways, of what differs from the ground, cut to its box.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import composing, drawings, recolouring, scenes, styles
from pipelines.evaluation.parts import Picture, bounding_box

GRID = 20
CELL = 2 * GRID
EDGES = 2.0
"""How much edges count beside colours."""
TEMPLATE = 72
"""The longer side of a drawing when its features are taken, divisible by a block of pixel art."""
MARGIN = 4


@dataclass(frozen=True, eq=False)
class Known:
    """`rows` (N, F) of features; rows `starts[i]` to the next are of `labels[i]`; those that `mirrors` (N,) may also be
    seen mirrored. `squares` (N,) are the rows' lengths squared."""

    labels: tuple[str, ...]
    starts: NDArray[np.int64]
    rows: NDArray[np.float32]
    squares: NDArray[np.float32]
    mirrors: NDArray[np.bool_]

    def distances(self, picture: Picture, style: str = "") -> NDArray[np.float32]:
        """(labels,) squared distance of the picture to the nearest row of each label."""
        seen = cut(picture, style)
        plain, turned = features(np.stack([seen, seen[:, ::-1]]))
        straight = self.squares - 2 * self.rows @ plain + plain @ plain
        mirrored = self.squares - 2 * self.rows @ turned + turned @ turned
        nearest = np.where(self.mirrors, np.minimum(straight, mirrored), straight)
        return np.minimum.reduceat(nearest, self.starts)


@lru_cache(96)
def known(ground: str, style: str = "", colour: str = "") -> Known:
    """All subjects in their artists' colours and all shapes in all colours, on this ground; with `colour`, only the
    subjects that can have it, in it."""
    entries: list[tuple[str, Picture, bool]] = []
    table = drawings.table()
    for noun in composing.nouns():
        for artist in drawings.artists(noun, colour):
            entries.append((noun, template(noun, artist, colour, ground, style), table[noun].may_mirror))
    if not colour:
        shades = [other for other in recolouring.COLOURS if other != ground]
        entries += [(f"{c} {s}", shape_template(s, c, ground, style), False) for s in scenes.SHAPES for c in shades]
    labels = [label for label, _, _ in entries]
    starts = [i for i, label in enumerate(labels) if not i or labels[i - 1] != label]
    rows = np.concatenate(
        [features(np.stack([c for _, c, _ in entries[i : i + 256]])) for i in range(0, len(entries), 256)]
    )
    return Known(
        tuple(labels[i] for i in starts),
        np.array(starts),
        rows,
        np.square(rows).sum(axis=1),
        np.array([mirrors for _, _, mirrors in entries]),
    )


@lru_cache(4096)
def template(noun: str, artist: str, colour: str, ground: str, style: str = "") -> Picture:
    """The drawing on the ground, cut to what can be seen of it, (CELL, CELL, 3)."""
    return cut(_framed(_small(noun, artist, colour), ground, style), style)


def region(noun: str, artist: str, colour: str, ground: str) -> NDArray[np.bool_]:
    """What of `template` is the part that changes its colour, (CELL, CELL)."""
    small = _small(noun, artist, colour)
    box = bounding_box(_framed(small, ground, ""))
    mask = Image.new("L", (small.width + 2 * MARGIN, small.height + 2 * MARGIN))
    mask.paste(drawings.region(noun, artist).resize(small.size, Image.Resampling.BOX), (MARGIN, MARGIN))
    return np.asarray(mask.crop(box).resize((CELL, CELL), Image.Resampling.BOX)) > 230


@cache
def shape_template(shape: str, colour: str, ground: str, style: str = "") -> Picture:
    cover = scenes.mask(shape, TEMPLATE / 2, TEMPLATE / 2, TEMPLATE / 2 - MARGIN, TEMPLATE)
    picture = Image.new("RGB", cover.size, recolouring.COLOURS[ground])
    picture.paste(recolouring.COLOURS[colour], (0, 0, *cover.size), cover)
    return cut(np.asarray(styles.apply(style, picture)), style)


def features(cuts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, CELL, CELL, 3) -> (N, F): blurred colours in [0, 1], and edges down and across."""
    blur, halve = _blur(1.0), _halve() @ _blur(1.5)
    colours = cuts.astype(np.float32).transpose(0, 3, 1, 2) / 255  # (N, 3, CELL, CELL)
    soft = halve @ colours @ halve.T  # (N, 3, GRID, GRID)
    light = blur @ np.tensordot(colours, np.array([0.299, 0.587, 0.114], np.float32), (1, 0)) @ blur.T
    down, across = np.gradient(light, axis=(1, 2))
    edges = [_halve() @ np.abs(change) @ _halve().T for change in (down, across)]  # twice (N, GRID, GRID)
    flat = [soft.reshape(len(cuts), -1), *(EDGES * edge.reshape(len(cuts), -1) for edge in edges)]
    return np.concatenate(flat, axis=1).astype(np.float32)


def cut(picture: Picture, style: str = "") -> Picture:
    """What differs from the ground, cut to its box and brought to (CELL, CELL, 3)."""
    part = Image.fromarray(picture).crop(bounding_box(picture, style))
    return np.asarray(part.resize((CELL, CELL), Image.Resampling.BOX))


@lru_cache(6000)
def _small(noun: str, artist: str, colour: str) -> Image.Image:
    return drawings.cutout(noun, artist, colour, TEMPLATE - 2 * MARGIN).convert("RGBA")


def _framed(small: Image.Image, ground: str, style: str) -> Picture:
    """On the ground, with a margin of it."""
    block = styles.PIXEL if style == "pixel" else 1  # whole blocks
    width, height = (-(-(side + 2 * MARGIN) // block) * block for side in small.size)
    picture = Image.new("RGB", (width, height), recolouring.COLOURS[ground])
    picture.paste(small, (MARGIN, MARGIN), small)
    return np.asarray(styles.apply(style, picture))


@cache
def _blur(sigma: float) -> NDArray[np.float32]:
    """(CELL, CELL): a Gaussian along one axis, its weights summing to 1 also at the edge."""
    at = np.arange(CELL)
    weights = np.exp(-((at[:, None] - at) ** 2) / (2 * sigma**2))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@cache
def _halve() -> NDArray[np.float32]:
    """(GRID, CELL): the mean of every two."""
    return np.repeat(np.eye(GRID, dtype=np.float32) / np.float32(2), 2, axis=1)
