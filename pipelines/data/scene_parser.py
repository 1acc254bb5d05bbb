"""Reads a scene of shapes back from its pixels: background, and for each thing its colour, shape, size and place.

It knows the shapes' outlines and nothing of the model, and is right on every scene of shapes that `scenes.draw` draws;
that is what makes the score of a picture exact.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from pipelines.data.scenes import COLOURS, CONTAINER_RADIUS, SHAPE_RADII, SHAPES, SIZE, Scene, Thing, mask

BORDER = 3
SMALLEST = 30
"""A thing keeps at least this many pixels when its edge is taken off; less is a speck or the blur between colours."""
REGROWTH = 4
GRID = 32
"""Outlines are compared after scaling their bounding box to GRID x GRID."""
TOUCHING = 5
"""Pixels between two things, at most, for one to be on the other."""

Mask = NDArray[np.bool_]
Palette = Mapping[str, tuple[int, int, int]]


def parse(picture: NDArray[np.uint8], palette: Palette = COLOURS) -> Scene:
    """The scene that `picture`, uint8 (SIZE, SIZE, 3), shows in colours of the palette; a scene without things if there
    is only background."""
    names = _nearest_colours(picture, palette)
    border = np.concatenate(
        [names[:BORDER].ravel(), names[-BORDER:].ravel(), names[:, :BORDER].ravel(), names[:, -BORDER:].ravel()]
    )
    background = int(np.bincount(border, minlength=len(palette)).argmax())
    parts = [
        (colour, region)
        for colour in range(len(palette))
        if colour != background
        for region in regions(_eroded(names == colour))
        if region.sum() >= SMALLEST
    ]
    parts = [(colour, _regrown(region, names == colour)) for colour, region in parts]
    parts.sort(key=lambda entry: -int(entry[1].sum()))
    things = tuple(_thing(region, tuple(palette)[colour], parts) for colour, region in parts)
    return Scene(tuple(palette)[background], things)


def agrees(picture: NDArray[np.uint8], wanted: Scene, palette: Palette = COLOURS) -> dict[str, bool]:
    """Whether background, count, colours, shapes, sizes and relation are as wanted, and `all` of them.

    The size is that of the words: things inside or on one another have none.
    """
    seen = parse(picture, palette)
    count = len(seen.things) == len(wanted.things)
    pairs = list(zip(_in_order(seen, wanted), wanted.things, strict=True)) if count else []
    sized = wanted.relation not in ("inside", "on")
    verdict = {
        "background": seen.background == wanted.background,
        "count": count,
        "colour": count and all(a.colour == b.colour for a, b in pairs),
        "shape": count and all(a.noun == b.noun for a, b in pairs),
        "size": count and (not sized or all(a.size == b.size for a, b in pairs)),
        "relation": count and stands(tuple(a for a, _ in pairs), wanted.relation),
    }
    return verdict | {"all": all(verdict.values())}


def _in_order(seen: Scene, wanted: Scene) -> tuple[Thing, ...]:
    """The seen things in the order that fits the wanted ones best: by colour and shape, then by place."""

    def fit(order: tuple[Thing, ...]) -> tuple[int, bool]:
        alike = sum((a.colour == b.colour) + (a.noun == b.noun) for a, b in zip(order, wanted.things, strict=True))
        return alike, stands(order, wanted.relation)

    return max(permutations(seen.things), key=fit)


def stands(things: Sequence[Thing], relation: str) -> bool:
    """Whether the things stand to one another as `relation` says."""
    match relation:
        case "":
            return True
        case "row" | "column":
            sideways = relation == "row"
            places = [(t.x, t.y) if sideways else (t.y, t.x) for t in things]
            level = float(np.ptp([across for _, across in places])) < SIZE / 4
            return level and all(b[0] - a[0] > SIZE / 8 for a, b in zip(places, places[1:], strict=False))
        case "inside":
            inner, outer = things
            return _contains(outer, inner)
        case "on":
            upper, lower = things
            gap = (lower.y - lower.radius) - (upper.y + upper.radius)
            return abs(gap) <= TOUCHING + SIZE / 12 and upper.y < lower.y and abs(upper.x - lower.x) < lower.radius
        case _:
            dx, dy = things[0].x - things[1].x, things[0].y - things[1].y
            along, across = (dx, dy) if relation in ("left of", "right of") else (dy, dx)
            apart = not any(_contains(a, b) for a, b in (things, things[::-1]))
            return apart and abs(along) > abs(across) and (along < 0) == (relation in ("left of", "above"))


def _contains(outer: Thing, inner: Thing) -> bool:
    return outer.radius > 1.4 * inner.radius and max(abs(outer.x - inner.x), abs(outer.y - inner.y)) < outer.radius / 2


def _thing(region: Mask, colour: str, parts: list[tuple[int, Mask]]) -> Thing:
    whole = region.copy()
    for _, other in parts:
        if other is not region and _surrounds(region, other):
            whole |= dilated(other)
    shape = _shape(whole)
    left, top, right, bottom = _box(whole)
    half = _half_width(shape, right - left, bottom - top)
    radii = SHAPE_RADII[min(len(parts), 3)]
    size = min(radii, key=lambda name: abs(radii[name] - half))
    return Thing(shape, colour, size, (left + right) / 2, (top + bottom) / 2, half)


def _surrounds(outer: Mask, inner: Mask) -> bool:
    a, b = _box(outer), _box(inner)
    return a[0] < b[0] and a[1] < b[1] and a[2] > b[2] and a[3] > b[3]


def _box(region: Mask) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    columns, rows = np.nonzero(region.any(axis=0))[0], np.nonzero(region.any(axis=1))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _half_width(shape: str, width: int, height: int) -> float:
    """The radius in the sense of `scenes.SHAPE_RADII` of a shape whose bounding box is width x height."""
    left, top, right, bottom = _box(np.asarray(mask(shape, SIZE / 2, SIZE / 2, SIZE / 4)) > 127)
    unit = (SIZE / 4) / np.array([right - left, bottom - top])
    return float((np.array([width, height]) * unit).mean())


def _shape(region: Mask) -> str:
    seen = _normalised(region)
    left, top, right, bottom = _box(region)
    half = round(max(right - left, bottom - top) / 2)
    templates = _templates(min(max(half, 5), round(CONTAINER_RADIUS)))
    overlap = {s: np.minimum(seen, t).sum() / np.maximum(seen, t).sum() for s, t in templates.items()}
    return max(overlap, key=lambda shape: overlap[shape])


@cache
def _templates(radius: int) -> dict[str, NDArray[np.float64]]:
    """Each shape as it looks when drawn this small."""
    drawn = {shape: np.asarray(mask(shape, SIZE / 2, SIZE / 2, radius)) > 127 for shape in SHAPES}
    return {shape: _normalised(region) for shape, region in drawn.items()}


def _normalised(region: Mask) -> NDArray[np.float64]:
    """The bounding box, resampled to GRID x GRID; its aspect ratio is lost on purpose."""
    left, top, right, bottom = _box(region)
    box = region[top:bottom, left:right].astype(float)
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


def _nearest_colours(picture: NDArray[np.uint8], palette: Palette) -> NDArray[np.int64]:
    colours = np.array(list(palette.values()), dtype=np.float32)
    flat = picture.reshape(-1, 3).astype(np.float32)
    distance = (colours**2).sum(axis=1) - 2 * flat @ colours.T
    return distance.argmin(axis=1).reshape(picture.shape[:2])


def _regrown(core: Mask, region: Mask) -> Mask:
    """The core with the tips that the erosion took, but not along a thin seam."""
    for _ in range(REGROWTH):
        core = dilated(core) & region
    return core


def _eroded(region: Mask) -> Mask:
    """What is left when every pixel with a neighbour outside, in a 3x3 window, is taken away."""
    return ~dilated(~region)


def dilated(region: Mask) -> Mask:
    wide = region.copy()
    wide[1:] |= region[:-1]
    wide[:-1] |= region[1:]
    full = wide.copy()
    full[:, 1:] |= wide[:, :-1]
    full[:, :-1] |= wide[:, 1:]
    return full


def regions(foreground: Mask) -> list[Mask]:
    """Connected parts (by edges and corners) of a mask, as masks."""
    left = foreground.copy()
    parts = []
    while left.any():
        start = tuple(int(i) for i in np.unravel_index(int(left.argmax()), left.shape))
        part = np.zeros_like(left)
        queue = deque([start])
        left[start] = False
        while queue:
            y, x = queue.popleft()
            part[y, x] = True
            for ny in range(max(0, y - 1), min(left.shape[0], y + 2)):
                for nx in range(max(0, x - 1), min(left.shape[1], x + 2)):
                    if left[ny, nx]:
                        left[ny, nx] = False
                        queue.append((ny, nx))
        parts.append(part)
    return parts
