"""Random compositions, by kind: what a network that paints from words is shown."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from pipelines.data import drawings, recolouring, scenes, styles
from pipelines.data.compositions import SIZE, Composition, Figure, reach
from pipelines.data.places import Place, random_place, spots

COLOURS = tuple(recolouring.COLOURS)
JITTER = 0.6
"""Of what the evaluation's scenes vary by: where a thing stands to the pixel is the slowest to learn."""
STYLED, COLOURED, SMALL = 0.15, 0.45, 0.15
"""Shares: of compositions in a style, of subjects that can change their colour and do, of small subjects."""
RELATIONS = (*scenes.RELATIONS, "beside")
RADII = {1: {"small": 30.0, "": 52.0, "large": 60.0}, 2: {"small": 18.0, "": 28.0}, 3: {"": 20.0}}
GROUP_RADII = {2: 29.0, 3: 27.0, 4: 27.0, 5: 23.0}
SHAPE_SHARE = 0.85
"""Of a group's radius, for shapes: they fill their circle."""
CENTRES = {1: (64.0,), 2: (32.0, 96.0), 3: (22.0, 64.0, 106.0)}
GROUPS = {
    2: ((32.0, 64.0), (96.0, 64.0)),
    3: ((64.0, 36.0), (33.0, 92.0), (95.0, 92.0)),
    4: ((34.0, 34.0), (94.0, 34.0), (34.0, 94.0), (94.0, 94.0)),
    5: ((28.0, 28.0), (100.0, 28.0), (64.0, 64.0), (28.0, 100.0), (100.0, 100.0)),
}
"""Where so many of the same stand when nothing is said of it."""
HEIGHT_OF = {"tiny": 0.8, "small": 1.05, "medium": 1.35, "large": 1.6, "huge": 1.9}
"""How high a subject stands in a place, in heights that perspective would give it: what is asked for is looked at."""
SCENERY = (
    "beach", "desert", "desert island", "landscape", "sunrise", "sunset", "city", "night city", "milky way", "mountain",
    "snow-capped mountain", "volcano",
)  # fmt: skip
NOT_IN_PLACES = ("sky", "symbol", "body", "hand")
"""A place has a sky of its own, and parts of a body lie about in none."""
Look = tuple[str, str, str]  # noun, colour, size
Rng = np.random.Generator


def one_shape(rng: Rng) -> Composition:
    ground = _ground(rng)
    return on_plain(rng, ground, [_shape(rng, ground, 1)], "", _style(rng))


def one_subject(rng: Rng) -> Composition:
    ground = _ground(rng)
    return on_plain(rng, ground, [_subject(rng, ground, 1)], "", _style(rng))


def two_things(rng: Rng) -> Composition:
    """One thing placed to another."""
    ground, relation = _ground(rng), _pick(rng, RELATIONS)
    first, second = _thing(rng, ground, 2), _thing(rng, ground, 2)
    if relation == "inside":
        second = (_pick(rng, scenes.CONTAINERS), _colour(rng, ground, first[1]), "")
    if relation == "on" and rng.random() < 0.5:
        second = (_pick(rng, scenes.PEDESTALS), _colour(rng, ground, first[1]), "")
    if relation in ("inside", "on"):
        first = (first[0] if first[0] != "ring" else "star", first[1], "")
    return on_plain(rng, ground, [first, second], relation, _style(rng) if rng.random() < 0.3 else "")


def several_things(rng: Rng) -> Composition:
    """A group of two to five of the same, or two or three in a row or a column."""
    ground, order = _ground(rng), "column" if rng.random() < 0.4 else "row"
    if rng.random() < 0.6:
        count = int(rng.choice([2, 3, 4, 5], p=[0.25, 0.25, 0.25, 0.25]))
        return on_plain(rng, ground, [(*_thing(rng, ground, 3)[:2], "")] * count, "group")
    if rng.random() < 0.3:
        return on_plain(rng, ground, [_thing(rng, ground, 3)] * int(rng.integers(2, 4)), order)
    return on_plain(rng, ground, [_thing(rng, ground, 3) for _ in range(3)], order)


def place_alone(rng: Rng) -> Composition:
    return Composition(random_place(rng), (), "", _style(rng) if rng.random() < 0.3 else "")


def in_place(rng: Rng) -> Composition:
    """One to three things that stand, swim or fly in a place."""
    place = random_place(rng)
    at = _pick(rng, spots.where(place))
    count = 1 if at == "top" or rng.random() < 0.75 else int(rng.choice([2, 3], p=[0.75, 0.25]))
    fitting = fitting_in(at)
    if count > 1 and rng.random() < 0.6:
        looks = [_subject_of(rng, _pick(rng, fitting), "", SMALL / 2)] * count
    else:
        looks = [_subject_of(rng, _pick(rng, fitting), "", SMALL / 2) for _ in range(count)]
    return standing(rng, place, at, looks)


KINDS: Mapping[str, tuple[float, Callable[[Rng], Composition]]] = {
    "one subject": (0.28, one_subject),
    "one shape": (0.06, one_shape),
    "two things": (0.24, two_things),
    "several things": (0.12, several_things),
    "place": (0.08, place_alone),
    "in a place": (0.22, in_place),
}
"""The share of each kind in what the model sees."""


def on_plain(
    rng: Rng, ground: str, looks: list[Look], relation: str, style: str = "", jitter: float = JITTER
) -> Composition:
    """Places figures of (noun, colour, size) on a plain ground as `relation` says, some pixels off; an artist is drawn
    for all that look the same."""
    artists = {look: _artist(rng, look) for look in dict.fromkeys(looks)}
    turned = rng.random() < 0.3
    zoom = [1 + jitter * rng.uniform(-0.05, 0.05) for _ in looks]
    if relation == "inside":
        x, y = (SIZE / 2 + jitter * rng.uniform(-2, 2) for _ in "xy")
        spots_ = [(x, y, scenes.CONTENT_RADIUS * zoom[0]), (x, y, scenes.CONTAINER_RADIUS * (zoom[1] + 1) / 2)]
    elif relation == "on":
        spots_ = _stacked(rng, looks, artists, zoom, jitter)
    else:
        radii = [_radius(look, len(looks), relation) * factor for look, factor in zip(looks, zoom, strict=True)]
        spots_ = [(*c, r) for c, r in zip(_centres(len(looks), relation, rng, jitter), radii, strict=True)]
    figures = tuple(
        Figure(*look, artists[look], turned and _mirrors(look), *spot) for look, spot in zip(looks, spots_, strict=True)
    )
    return Composition(ground, figures, relation, style)


def standing(rng: Rng, place: Place, at: str, looks: list[Look]) -> Composition:
    """Figures of (noun, colour, size) on spots of a place, each as high as its kind is among things."""
    artists = {look: _artist(rng, look) for look in dict.fromkeys(looks)}
    where = spots.spots(place, len(looks), rng, at)
    figures = []
    for look, spot in zip(looks, where, strict=True):
        height = HEIGHT_OF[drawings.table()[look[0]].height]
        fitted = spots.Spot(spot.where, spot.x, spot.foot, spot.height * (height if at != "sky" else height**0.5))
        mirrored = bool(rng.random() < 0.4) and _mirrors(look)
        figures.append(Figure(*look, artists[look], mirrored, spot=fitted))
    return Composition(place, tuple(figures))


def is_shape(look: Look) -> bool:
    """A heart or star without a colour is the drawn one, with a colour the shape."""
    return look[0] in scenes.SHAPES and bool(look[1])


def fitting_in(at: str) -> tuple[str, ...]:
    """The subjects that may be where a spot is."""
    return _FITTING[at]()


@cache
def nouns() -> tuple[str, ...]:
    """The subjects that are drawn alone: a drawn beach or sunset is a place, and places are painted."""
    return tuple(noun for noun in drawings.names() if noun not in SCENERY)


def _by_place(*wanted: str) -> Callable[[], tuple[str, ...]]:
    @cache
    def find() -> tuple[str, ...]:
        known = drawings.table()
        return tuple(n for n in nouns() if known[n].place in wanted and known[n].kind not in NOT_IN_PLACES)

    return find


def _on_a_table() -> tuple[str, ...]:
    known = drawings.table()
    return tuple(n for n in _by_place("ground", "any")() if known[n].height in ("tiny", "small"))


_FITTING = {
    "ground": _by_place("ground", "any"),
    "floor": _by_place("ground", "any"),
    "table": _on_a_table,
    "bed": _on_a_table,
    "top": _by_place("ground"),
    "water": _by_place("water"),
    "sky": _by_place("sky"),
    "within": _by_place("any", "sky", "water"),
}


def _stacked(
    rng: Rng, looks: list[Look], artists: dict[Look, str], zoom: list[float], jitter: float
) -> list[tuple[float, float, float]]:
    """The first on top of the second."""
    radius = scenes.PEDESTAL_RADIUS * zoom[1]
    x, y = SIZE / 2 + jitter * rng.uniform(-6, 6), 97.0 + jitter * rng.uniform(-3, 3)
    top = y - radius * reach(looks[1][0], artists[looks[1]])[0]
    above = scenes.ON_TOP_RADIUS * zoom[0]
    over = top + 1 - above * reach(looks[0][0], artists[looks[0]])[1]
    return [(x + jitter * rng.uniform(-3, 3), over, above), (x, y, radius)]


def _centres(count: int, relation: str, rng: Rng, jitter: float) -> list[tuple[float, float]]:
    middle = SIZE / 2
    if count == 1:
        return [(middle + jitter * rng.uniform(-5, 5), middle + jitter * rng.uniform(-5, 5))]
    if relation == "group":
        return [(x + jitter * rng.uniform(-3, 3), y + jitter * rng.uniform(-3, 3)) for x, y in GROUPS[count]]
    along = [place + jitter * rng.uniform(-2, 2) for place in CENTRES[count]]
    if relation in ("right of", "below"):
        along.reverse()
    across = [middle + jitter * rng.uniform(-5, 5) for _ in along]
    sideways = relation in ("left of", "right of", "beside", "row")
    return [(p, q) if sideways else (q, p) for p, q in zip(along, across, strict=True)]


def _radius(look: Look, count: int, relation: str) -> float:
    if relation == "group":
        return GROUP_RADII[count] * (SHAPE_SHARE if is_shape(look) else 1.0)
    return (scenes.SHAPE_RADII if is_shape(look) else RADII)[count][look[2]]


def _thing(rng: Rng, ground: str, count: int) -> Look:
    return _shape(rng, ground, count) if rng.random() < 0.4 else _subject(rng, ground, count)


def _shape(rng: Rng, ground: str, count: int) -> Look:
    return _pick(rng, scenes.SHAPES), _colour(rng, ground), _pick(rng, tuple(scenes.SHAPE_RADII[count]))


def _subject(rng: Rng, ground: str, count: int) -> Look:
    noun, colour, size = _subject_of(rng, _pick(rng, nouns()), ground, SMALL)
    if count == 1 and size == "small" and rng.random() < 0.3:
        size = "large"
    return noun, colour, size if size in RADII[count] else ""


def _subject_of(rng: Rng, noun: str, ground: str, small: float) -> Look:
    """With a colour where it may have one, never the ground's."""
    colour = ""
    if noun not in scenes.SHAPES and drawings.artists(noun, "red") and rng.random() < COLOURED:
        colour = _colour(rng, ground)
    return noun, colour, "small" if rng.random() < small else ""


def _artist(rng: Rng, look: Look) -> str:
    if is_shape(look):
        return ""
    return _pick(rng, drawings.artists(look[0], look[1]))


def _mirrors(look: Look) -> bool:
    return not is_shape(look) and drawings.table()[look[0]].may_mirror


def _colour(rng: Rng, *others: str) -> str:
    return _pick(rng, tuple(c for c in COLOURS if c not in others))


def _ground(rng: Rng) -> str:
    return "white" if rng.random() < 0.35 else _pick(rng, COLOURS)


def _style(rng: Rng) -> str:
    return _pick(rng, styles.STYLES) if rng.random() < STYLED else ""


def _pick(rng: Rng, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
