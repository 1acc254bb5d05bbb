"""Reads a scene back from its pixels: background, and for each thing its colour, shape, size and place.

It knows the shapes' outlines and nothing of the model, and is right on every scene that `scenes.draw` draws;
that is what makes the score of a picture exact.
"""

from collections import deque
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.data.scenes import COLOURS, RADII, SHAPES, SIZE, Scene, Thing, mask

BORDER = 2
SMALLEST = 24
"""Fewer pixels than this are a speck, not a thing."""
GRID = 32
"""Outlines are compared after scaling their bounding box to GRID x GRID."""


def parse(picture: NDArray[np.uint8]) -> Scene:
    """The scene that `picture`, uint8 (64, 64, 3), shows; a scene without things if there is only background."""
    names = _nearest_colours(picture)
    border = np.concatenate(
        [names[:BORDER].ravel(), names[-BORDER:].ravel(), names[:, :BORDER].ravel(), names[:, -BORDER:].ravel()]
    )
    background = int(np.bincount(border, minlength=len(COLOURS)).argmax())
    distance = np.abs(picture.astype(int) - np.array(list(COLOURS.values()))[background]).max(axis=-1)
    regions = [region for region in _regions(distance > 48) if region.sum() >= SMALLEST]
    regions.sort(key=lambda region: -int(region.sum()))
    things = tuple(_thing(picture, region, names, background, len(regions)) for region in regions)
    return Scene(tuple(COLOURS)[background], things)


def agrees(picture: NDArray[np.uint8], wanted: Scene) -> dict[str, bool]:
    """Whether background, count, colours, shapes, sizes and relation are as wanted, and `all` of them."""
    seen = parse(picture)
    count = len(seen.things) == len(wanted.things)
    pairs = list(zip(_in_order(seen, wanted), wanted.things, strict=True)) if count else []
    verdict = {
        "background": seen.background == wanted.background,
        "count": count,
        "colour": count and all(a.colour == b.colour for a, b in pairs),
        "shape": count and all(a.shape == b.shape for a, b in pairs),
        "size": count and all(a.size == b.size for a, b in pairs),
        "relation": count and _stands(tuple(a for a, _ in pairs), wanted.relation),
    }
    return verdict | {"all": all(verdict.values())}


def _in_order(seen: Scene, wanted: Scene) -> tuple[Thing, ...]:
    """The seen things in the order that fits the wanted ones best by colour and shape."""
    if len(seen.things) != 2:
        return seen.things
    fit = [
        sum((a.colour == b.colour) + (a.shape == b.shape) for a, b in zip(order, wanted.things, strict=True))
        for order in (seen.things, seen.things[::-1])
    ]
    if fit[0] == fit[1]:  # twins: only the place can tell them apart
        return seen.things if _stands(seen.things, wanted.relation) else seen.things[::-1]
    return seen.things if fit[0] > fit[1] else seen.things[::-1]


def _stands(things: tuple[Thing, ...], relation: str) -> bool:
    if not relation:
        return True
    dx, dy = things[0].x - things[1].x, things[0].y - things[1].y
    along, across = (dx, dy) if relation in ("left of", "right of") else (dy, dx)
    before = relation in ("left of", "above")
    return abs(along) > abs(across) and (along < 0) == before


def _thing(picture: NDArray[np.uint8], region: NDArray[np.bool_], names: NDArray, background: int, count: int) -> Thing:
    inside = names[region & (names != background)]
    colour = int(np.bincount(inside, minlength=len(COLOURS)).argmax()) if inside.size else background
    coverage = _coverage(picture, region, background, colour)
    shape = _shape(coverage)
    solid = coverage > 0.5
    ys, xs = np.nonzero(solid if solid.any() else region)
    left, right, top, bottom = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
    half = _half_width(shape, right - left, bottom - top)
    radii = RADII[min(count, 2)]
    size = min(radii, key=lambda name: abs(radii[name] - half))
    return Thing(shape, tuple(COLOURS)[colour], size, (left + right) / 2, (top + bottom) / 2, half)


def _coverage(
    picture: NDArray[np.uint8], region: NDArray[np.bool_], background: int, colour: int
) -> NDArray[np.float64]:
    """How much of each pixel the thing covers, from the mix of the two colours: (64, 64) in [0, 1]."""
    palette = np.array(list(COLOURS.values()), dtype=float)
    axis = palette[colour] - palette[background]
    mix = ((picture - palette[background]) @ axis) / max(float(axis @ axis), 1.0)
    near = region.copy()
    near[1:] |= region[:-1]
    near[:-1] |= region[1:]
    near[:, 1:] |= region[:, :-1]
    near[:, :-1] |= region[:, 1:]
    return np.where(near, mix.clip(0, 1), 0.0)


def _half_width(shape: str, width: int, height: int) -> float:
    """The radius in the sense of `scenes.RADII` of a shape whose bounding box is width x height."""
    full = np.asarray(mask(shape, SIZE / 2, SIZE / 2, SIZE / 4)) > 127
    ys, xs = np.nonzero(full)
    unit = (SIZE / 4) / np.array([xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min()])
    return float((np.array([width, height]) * unit).mean())


def _shape(coverage: NDArray[np.float64]) -> str:
    seen = _normalised(coverage)
    if seen is None:
        return SHAPES[0]
    solid = coverage > 0.5
    half = round(max(np.ptp(np.nonzero(solid)[axis]) + 1 for axis in (0, 1)) / 2)
    templates = _templates(min(max(half, 3), SIZE // 2 - 2))
    overlap = {s: np.minimum(seen, t).sum() / np.maximum(seen, t).sum() for s, t in templates.items()}
    return max(overlap, key=lambda shape: overlap[shape])


@cache
def _templates(radius: int) -> dict[str, NDArray[np.float64]]:
    """Each shape as it looks when drawn this small, so that a small diamond is not taken for a circle."""
    drawn = {shape: _normalised(np.asarray(mask(shape, SIZE / 2, SIZE / 2, radius)) / 255) for shape in SHAPES}
    return {shape: picture for shape, picture in drawn.items() if picture is not None}


def _normalised(coverage: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The bounding box of the covered part, resampled to GRID x GRID; its aspect ratio is lost on purpose."""
    ys, xs = np.nonzero(coverage > 0.5)
    if not ys.size:
        return None
    box = coverage[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    rows = np.linspace(0, box.shape[0] - 1, GRID)
    columns = np.linspace(0, box.shape[1] - 1, GRID)
    return _bilinear(box, rows, columns)


def _bilinear(box: NDArray[np.float64], rows: NDArray, columns: NDArray) -> NDArray[np.float64]:
    r, c = rows.astype(int), columns.astype(int)
    r1, c1 = np.minimum(r + 1, box.shape[0] - 1), np.minimum(c + 1, box.shape[1] - 1)
    fr, fc = (rows - r)[:, None], (columns - c)[None, :]
    top = box[r][:, c] * (1 - fc) + box[r][:, c1] * fc
    bottom = box[r1][:, c] * (1 - fc) + box[r1][:, c1] * fc
    return top * (1 - fr) + bottom * fr


def _nearest_colours(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    palette = np.array(list(COLOURS.values()), dtype=float)
    return ((picture[..., None, :] - palette) ** 2).sum(axis=-1).argmin(axis=-1)


def _regions(foreground: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Connected parts (by edges and corners) of a mask, as masks."""
    left = foreground.copy()
    parts = []
    while left.any():
        start = tuple(int(i) for i in np.argwhere(left)[0])
        part = np.zeros_like(left)
        queue = deque([start])
        left[start] = False
        while queue:
            y, x = queue.popleft()
            part[y, x] = True
            for ny in range(max(0, y - 1), min(SIZE, y + 2)):
                for nx in range(max(0, x - 1), min(SIZE, x + 2)):
                    if left[ny, nx]:
                        left[ny, nx] = False
                        queue.append((ny, nx))
        parts.append(part)
    return parts
