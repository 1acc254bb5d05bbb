"""Names things on a plain ground by their nearest neighbour among all artists' drawings and all shapes.

A picture of two things is cut in two along their relation, and each part is named alone; a group is taken apart into
what hangs together.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.data import compositions, drawings, recolouring, scene_parser, styles
from pipelines.data.compositions import Composition, Figure
from pipelines.evaluation import drawing_features, parts
from pipelines.evaluation.parts import Picture

FIRST = 5
PART = 0.2
"""Of the largest part's pixels; smaller ones are specks, or loose ends of a drawing."""
ERODED = 2
"""Pixels that are taken off the edges, at most, to part things that touch."""
BLOCKS = 200.0
"""How much the place of the steps counts beside the other features when a style is named."""


def judge_one(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """Ground, name as first and among the first five, and the colour where one is wanted."""
    figure, ground = wanted.figures[0], ground_of(picture)
    verdict = {"ground": ground == wanted.ground} | _named(picture, figure, ground)
    if not figure.colour or figure.is_shape:
        return verdict | {"all": verdict["ground"] and verdict["top1"]}
    return verdict | {"all": verdict["ground"] and verdict["top5"] and verdict["colour"]}


def judge_named(picture: Picture, figure: Figure, also: Sequence[str] = ()) -> dict[str, bool]:
    """Whether one thing, on whatever ground, has the name or one of `also` among its first five, and the colour."""
    verdict = _named(picture, figure, ground_of(picture), also)
    return {"subject": verdict["top5"]} | ({"colour": verdict["colour"]} if "colour" in verdict else {})


def judge_two(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """Ground, and each of two things where it should be; what is only beside the other may be on either side."""
    ground = ground_of(picture)
    orders = ("left of", "right of") if wanted.relation == "beside" else (wanted.relation,)
    found = [_both(picture, replace(wanted, relation=relation), ground) for relation in orders]
    best = max(found, key=lambda verdict: sum(verdict.values()))
    return best | {"ground": ground == wanted.ground, "all": ground == wanted.ground and all(best.values())}


def judge_group(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """Ground, how many there are, and whether each has the wanted name among its first five."""
    ground = ground_of(picture)
    parts = most_parts(picture)
    count = len(parts) == len(wanted.figures)
    figure = wanted.figures[0]
    named = [_named(part, figure, ground) for part in parts[:6]]
    verdict = {"ground": ground == wanted.ground, "count": count}
    verdict["thing"] = bool(named) and all(n["top5"] and n.get("colour", True) for n in named)
    return verdict | {"all": all(verdict.values())}


def judge_styled(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """The name among drawings in the wanted style, and the style."""
    ground, figure = str(wanted.ground), wanted.figures[0]
    known = drawing_features.known(ground, wanted.style)
    ranked = _ranked(known.labels, known.distances(picture, wanted.style))
    label = label_of(figure)
    verdict = {"top1": ranked[0] == label, "top5": label in ranked[:FIRST]}
    verdict["style"] = style_of(picture, wanted) == wanted.style
    return verdict | {"all": verdict["top5"] and verdict["style"]}


def names(picture: Picture, ground: str, colour: str = "") -> list[str]:
    """Every subject and every shape in every colour, the likeliest first; subjects in their own colours or in
    `colour`."""
    own = drawing_features.known(ground)
    far = dict(zip(own.labels, own.distances(picture), strict=True))
    if colour and colour != ground:
        dyed = drawing_features.known(ground, "", colour)
        for label, distance in zip(dyed.labels, dyed.distances(picture), strict=True):
            far[label] = min(far[label], distance)
    return sorted(far, key=lambda label: far[label])


def ground_of(picture: Picture) -> str:
    """The named colour nearest to the median of the border."""
    return recolouring.nearest(parts.border_colour(picture))


def label_of(figure: Figure) -> str:
    return f"{figure.colour} {figure.noun}" if figure.is_shape else figure.noun


def colour_of(picture: Picture, noun: str, ground: str) -> str:
    """The colour of the part that changes its colour, where the noun's nearest drawing has it; "" if there is none."""
    seen = drawing_features.cut(picture)
    plain, turned = drawing_features.features(np.stack([seen, seen[:, ::-1]]))
    dyed = [(artist, c) for artist in drawings.artists(noun, "red") for c in recolouring.COLOURS if c != ground]
    rows = _dyed_features(noun, ground)
    straight, mirrored = (np.square(rows - one).sum(axis=1) for one in (plain, turned))
    place = int(np.minimum(straight, mirrored).argmin())
    part = drawing_features.region(noun, *dyed[place], ground)
    pixels = (seen if straight[place] <= mirrored[place] else seen[:, ::-1])[part]
    return recolouring.nearest(np.median(pixels, axis=0)) if len(pixels) else ""


def most_parts(picture: Picture) -> list[Picture]:
    """The parts after as many pixels are taken off as leave the most of them."""
    return max((separate(picture, eroded) for eroded in range(ERODED + 1)), key=len)


def separate(picture: Picture, eroded: int = 0) -> list[Picture]:
    """One picture for each part that hangs together, the others painted over; specks are left out.

    So many pixels are taken off the edges first, to part what only touches.
    """
    core = parts.differs(picture)
    for _ in range(eroded):
        core = ~scene_parser.dilated(~core)
    regions = scene_parser.regions(core)
    largest = max((int(region.sum()) for region in regions), default=0)
    ground = parts.border_colour(picture).astype(np.uint8)
    found = []
    for region in regions:
        if region.sum() >= PART * largest:
            for _ in range(eroded + 1):
                region = scene_parser.dilated(region)
            found.append(np.where(region[..., None], picture, ground))
    return found


def style_of(picture: Picture, wanted: Composition) -> str:
    """The style in which the wanted thing, as any of its artists drew it, comes nearest to the picture; "" is flat."""

    def distance(style: str) -> float:
        figure = wanted.figures[0]
        return min(
            _apart(picture, compositions.draw(replace(wanted, figures=(other,), style=style)), style)
            for other in _as_others_draw(figure)
        )

    return min(("", *styles.STYLES), key=distance)


def _as_others_draw(figure: Figure) -> list[Figure]:
    if figure.is_shape:
        return [figure]
    turns = (False, True) if drawings.table()[figure.noun].may_mirror else (False,)
    artists = drawings.artists(figure.noun, figure.colour)
    return [replace(figure, artist=artist, mirrored=turn) for artist in artists for turn in turns]


def _apart(picture: Picture, drawn: Picture, style: str) -> float:
    steps = BLOCKS * (parts.blockiness(drawn) - parts.blockiness(picture)) ** 2
    cuts = np.stack([drawing_features.cut(drawn, style), drawing_features.cut(picture, style)])
    one, other = drawing_features.features(cuts)
    return steps + float(np.square(one - other).sum())


def _named(picture: Picture, figure: Figure, ground: str, also: Sequence[str] = ()) -> dict[str, bool]:
    labels = {label_of(figure), *also}
    dyed = bool(figure.colour) and not figure.is_shape
    seen = colour_of(picture, figure.noun, ground) if dyed else ""
    ranked = names(picture, ground, seen)
    verdict = {"top1": ranked[0] in labels, "top5": not labels.isdisjoint(ranked[:FIRST])}
    return verdict | ({"colour": seen == figure.colour} if dyed else {})


def _both(picture: Picture, wanted: Composition, ground: str) -> dict[str, bool]:
    halves = _parts(picture, wanted)
    grounds = [ground_of(halves[0]) if wanted.relation == "inside" else ground, ground]
    named = [_named(part, figure, g) for part, figure, g in zip(halves, wanted.figures, grounds, strict=True)]
    coloured = [verdict["colour"] for verdict in named if "colour" in verdict]
    verdict = {key: all(one[key] for one in named) for key in ("top1", "top5")}
    return verdict | ({"colour": all(coloured)} if coloured else {})


def _parts(picture: Picture, wanted: Composition) -> list[Picture]:
    """One picture for each of two wanted things, in their order."""
    lower = wanted.figures[1]
    joint = lower.y - lower.radius * compositions.reach(lower.noun, lower.artist)[0]
    return parts.split(picture, wanted.relation, joint)


def _ranked(labels: tuple[str, ...], distances: NDArray[np.float32]) -> list[str]:
    return [labels[i] for i in np.argsort(distances)]


@lru_cache(512)
def _dyed_features(noun: str, ground: str) -> NDArray[np.float32]:
    """(artists * colours, F), in the order of `colour_of`."""
    return drawing_features.features(
        np.stack([
            drawing_features.template(noun, artist, colour, ground)
            for artist in drawings.artists(noun, "red")
            for colour in recolouring.COLOURS
            if colour != ground
        ])
    )  # fmt: skip
