"""Finds a subject in a picture of a place: whether its drawings fit somewhere better than those of other subjects.

Every drawing is laid on every spot of the picture at the heights that the place gives to its kind, and is worth how
much nearer it comes to the picture than the bare surroundings do (each row's median): the logarithm of the two squared
errors' ratio, more for more pixels. The wanted subject is found if it is worth more than every one of OTHERS subjects
that could be there as well, drawn by lot from its name. Nothing was learned.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import composing, drawings
from pipelines.data.compositions import SIZE, Composition, Figure
from pipelines.data.places import Place, places_parser, random_place, spots
from pipelines.evaluation import parts
from pipelines.evaluation.parts import Picture

OTHERS = 20
HALF = SIZE // 2
"""Pictures are searched at half their size."""
STEP = 1.13
"""From one height that is tried to the next."""
NOISE = 0.005
"""The squared error of a pixel, of colours in [0, 1], that says nothing."""
BESIDE = (20, 23, 26, 29, 32)
"""The longer side of one of two things on a plain ground, in pixels of the half-size picture."""
PARTS = ("kind", "time", "weather")
Planes = NDArray[np.float32]


def judge(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """Kind, time and weather of the place; of a place with a subject in it, which hides some of the sky, kind and time,
    and whether the subject is found."""
    place, figures = wanted.place, wanted.figures
    assert place is not None
    parts = PARTS[: 2 if figures else 3]
    seen = places_parser.read(picture)
    verdict = {part: seen[part] == getattr(place, part) for part in parts}
    for figure in figures[:1]:
        light = replace(place, time=seen["time"], weather=seen["weather"])
        verdict["subject"] = finds(picture, light, figure)
    return verdict | {"all": all(verdict.values())}


def finds(picture: Picture, place: Place, figure: Figure) -> bool:
    assert figure.spot is not None
    at = figure.spot.where
    shade = np.array(spots.shade(place), np.float32)
    search = Search(picture)
    worth = {
        noun: search.best(
            noun,
            figure.colour if noun == figure.noun else "",
            heights(noun, place.kind, at, figure.size),
            at == "water",
            shade,
        )
        for noun in (figure.noun, *others(figure.noun, composing.fitting_in(at)))
    }
    return max(worth, key=lambda noun: worth[noun]) == figure.noun


def finds_on_plain(picture: Picture, figure: Figure) -> bool:
    """The same for one of two things on a plain ground, wherever it is."""
    search = Search(picture, parts.border_colour(picture))
    rivals = others(figure.noun, composing.nouns())
    worth = {noun: search.best(noun, "", BESIDE, False, np.ones(3, np.float32)) for noun in (figure.noun, *rivals)}
    return max(worth, key=lambda noun: worth[noun]) == figure.noun


@cache
def others(noun: str, fitting: tuple[str, ...]) -> tuple[str, ...]:
    rng = np.random.default_rng(zlib.crc32(noun.encode()))
    pool = [other for other in fitting if other != noun]
    return tuple(pool[i] for i in rng.permutation(len(pool))[:OTHERS])


@cache
def heights(noun: str, kind: str, at: str, size: str = "") -> tuple[int, ...]:
    """The heights that places of this kind give to the noun, in pixels of the half-size picture."""
    low, high = _heights(kind, at)
    factor = composing.HEIGHT_OF[drawings.table()[noun].height] ** (0.5 if at == "sky" else 1.0) * spots.SIZES[size] / 2
    count = max(1, round(np.log(high / low) / np.log(STEP)) + 1)
    return tuple(dict.fromkeys(round(h * factor) for h in np.geomspace(low, high, count)))


@cache
def _heights(kind: str, at: str) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    found = []
    while len(found) < 40:
        place = random_place(rng, kind)
        if at in spots.where(place):
            found.append(spots.spots(place, 1, rng, at)[0].height)
    return min(found), max(found)


class Search:
    """One picture, and what drawings are worth in it; `ground` is its colour where it is plain."""

    def __init__(self, picture: Picture, ground: NDArray[np.floating] | None = None) -> None:
        small = np.asarray(Image.fromarray(picture).resize((HALF, HALF), Image.Resampling.BOX), np.float32) / 255
        around = np.median(small, axis=1, keepdims=True) if ground is None else np.asarray(ground) / 255
        around = np.broadcast_to(around, small.shape).astype(np.float32)
        pictures = np.stack([small, small[:, ::-1]])  # mirrored, instead of the templates
        grounds = np.stack([around, around[:, ::-1]])
        # |P - T|^2 and |B - T|^2 over a template T, for every place of it: correlations with its mask and its colours.
        self.squares = _spectrum(np.square(pictures).sum(axis=-1))
        self.colours = _spectrum(pictures.transpose(3, 0, 1, 2))  # (3, 2, HALF, HALF // 2 + 1)
        self.ground_squares = _spectrum(np.square(grounds).sum(axis=-1))
        self.ground_colours = _spectrum(grounds.transpose(3, 0, 1, 2))

    def best(self, noun: str, colour: str, sizes: Sequence[int], afloat: bool, shade: NDArray[np.float32]) -> float:
        """The most that any drawing of the noun is worth anywhere."""
        turns = 2 if drawings.table()[noun].may_mirror else 1
        found = [
            self._worth(*template, shade, turns)
            for artist in drawings.artists(noun, colour)
            for size in sizes
            if (template := _template(noun, artist, colour, size, afloat)) is not None
        ]
        return max(found, default=-1.0)

    def _worth(
        self, mask: NDArray[np.complex64], paint: NDArray[np.complex64], energy: Planes, box: tuple[int, int],
        shade: NDArray[np.float32], turns: int,
    ) -> float:  # fmt: skip
        own = float((energy * shade**2).sum())
        dyed = paint * shade[:, None, None]  # (3, HALF, HALF // 2 + 1)
        pictures = mask * self.squares[:turns] - 2 * np.einsum("chw,cnhw->nhw", dyed, self.colours[:, :turns])
        grounds = mask * self.ground_squares[:turns] - 2 * np.einsum(
            "chw,cnhw->nhw", dyed, self.ground_colours[:, :turns]
        )
        left, bare = np.fft.irfft2(np.stack([pictures, grounds]), (HALF, HALF)) + own
        rows, columns = HALF - box[0] + 1, HALF - box[1] + 1
        area = float(mask[0, 0].real)
        near, far = (np.maximum(errors[:, :rows, :columns], 0) + NOISE * area for errors in (left, bare))
        return float(np.sqrt(area) * np.log((far / near).max()))


def _spectrum(planes: NDArray[np.floating]) -> NDArray[np.complex64]:
    return np.fft.rfft2(planes).astype(np.complex64)


@lru_cache(4096)
def _template(
    noun: str, artist: str, colour: str, high: int, afloat: bool
) -> tuple[NDArray[np.complex64], NDArray[np.complex64], Planes, tuple[int, int]] | None:
    """Conjugate spectra of a drawing's mask and of its colours in it, the squares of its colours summed over the mask
    (3,), and its height and width; None if it is larger than the picture."""
    across, down = drawings.aspect(noun, artist)
    longest = max(4, round(high if across > down else high / down))
    small = np.asarray(drawings.cutout(noun, artist, colour, longest).convert("RGBA"), np.float32) / 255
    if afloat:
        small = small[: max(1, round(len(small) * spots.AFLOAT))]
    if max(small.shape[:2]) > HALF:
        return None
    mask = small[..., 3]
    paint = small[..., :3].transpose(2, 0, 1) * mask
    spectra = [np.conj(np.fft.rfft2(plane, (HALF, HALF))).astype(np.complex64) for plane in (mask, paint)]
    energy = np.square(small[..., :3] * np.sqrt(mask)[..., None]).sum(axis=(0, 1))
    return spectra[0], spectra[1], energy, small.shape[:2]
