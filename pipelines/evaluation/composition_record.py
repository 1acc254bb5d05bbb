"""A composition as plain JSON, and another that says the same: other jitter, other artists, another such place."""

import dataclasses
from typing import Any

import numpy as np

from pipelines.data import composing
from pipelines.data.compositions import Composition, Figure
from pipelines.data.places import Place, random_place, spots
from pipelines.data.places.spots import Spot


def to_json(composition: Composition) -> dict[str, Any]:
    """What differs from the defaults, numbers to a tenth of a pixel."""
    record: dict[str, Any] = {"ground": composition.ground}
    if composition.place is not None:
        record["ground"] = list(dataclasses.astuple(composition.place))
    if composition.figures:
        record["figures"] = [_figure_to_json(figure) for figure in composition.figures]
    return record | {key: word for key in ("relation", "style") if (word := getattr(composition, key))}


def from_json(record: dict[str, Any]) -> Composition:
    ground = record["ground"]
    figures = tuple(_figure_from_json(figure) for figure in record.get("figures", ()))
    return Composition(
        ground if isinstance(ground, str) else Place(*ground),
        figures,
        record.get("relation", ""),
        record.get("style", ""),
    )


def redrawn(composition: Composition, rng: np.random.Generator) -> Composition:
    """Another composition with the same plain sentence, varied as much as the evaluation's truth is."""
    looks = [figure.appearance for figure in composition.figures]
    place = composition.place
    if place is None:
        return composing.on_plain(rng, str(composition.ground), looks, composition.relation, composition.style, 1.0)
    at = composition.figures[0].spot.where if composition.figures and composition.figures[0].spot else None
    while True:
        other = random_place(rng, place.kind, place.time, place.weather, place.season)
        if at is None:
            return Composition(other, (), "", composition.style)
        if at in spots.where(other):  # a city has a river or none
            return composing.standing(rng, other, at, looks)


def _figure_to_json(figure: Figure) -> dict[str, Any]:
    record = {}
    for field in dataclasses.fields(figure):
        value = getattr(figure, field.name)
        if value == field.default:
            continue
        if isinstance(value, Spot):
            value = [value.where, *(round(float(number), 1) for number in dataclasses.astuple(value)[1:])]
        record[field.name] = round(float(value), 1) if isinstance(value, float) else value
    return record


def _figure_from_json(record: dict[str, Any]) -> Figure:
    spot = record.get("spot")
    return Figure(**{**record, "spot": Spot(*spot) if spot else None})
