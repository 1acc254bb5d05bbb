"""A grid over up to three settings: every cell a picture of its own, and one sheet of them all."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.events import Event, Result, StopEarly
from pipelines.generators import series
from pipelines.generators.axis import NONE, Axis, fields, placed
from pipelines.generators.sheet import Layout, Titles, draw
from pipelines.generators.titles import titles
from pipelines.params import Choice, Text, param
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import recipe

_FIELD = Choice(fields)
_VALUES = Text(2000)


@dataclass(frozen=True)
class GridRequest(TextToImageRequest):
    """A request for a picture, and up to three of its settings with the values that each shall take."""

    x_field: str = param(NONE, _FIELD, "What changes from column to column.")
    x_values: str = param("", _VALUES, "Its values: 1,2,3 or 1-5 or 1-10 (+3) or 1-10 [4] or a|b.")
    y_field: str = param(NONE, _FIELD, "What changes from row to row.")
    y_values: str = param("", _VALUES, "Its values.")
    z_field: str = param(NONE, _FIELD, "What changes from one block of rows and columns to the next.")
    z_values: str = param("", _VALUES, "Its values.")

    def check(self) -> None:
        super().check()
        series.check(self.cells())

    def axes(self) -> tuple[Axis | None, Axis | None, Axis | None]:
        """The axes x, y and z, None where one is not used. Raises BadRequest."""
        given = ((self.x_field, self.x_values), (self.y_field, self.y_values), (self.z_field, self.z_values))
        x, y, z = (None if field == NONE else Axis.read(field, values) for field, values in given)
        used = [axis for axis in (x, y, z) if axis]
        if not used:
            raise BadRequest("a grid needs a setting that changes; got none. Choose one for x, y or z.")
        if len({axis.changes for axis in used}) < len(used):
            got = ", ".join(axis.field for axis in used)
            raise BadRequest("each axis of a grid needs a setting or words of its own; got {got}.", got=got)
        return x, y, z

    def saved_pixels(self) -> int:
        """Of the cells and of their sheet, where no axis changes the size."""
        cells = math.prod(len(axis.values) for axis in self.axes() if axis)
        return 2 * cells * super().saved_pixels() // self.count

    def cells(self) -> list[TextToImageRequest]:
        """The request of every picture, x fastest, then y, then z. Raises BadRequest for a value that does not go."""
        own = {field.name for field in TextToImageRequest.fields()}
        base = {name: value for name, value in self.values().items() if name in own} | {"count": 1}
        used = [axis for axis in reversed(self.axes()) if axis]
        cells = []
        _check_number(used)
        for values in itertools.product(*(axis.values for axis in used)):
            cell = placed(base, list(zip(used, values, strict=True)))
            request = TextToImageRequest.parse(cell)
            left_out = self.left_out or request.left_out
            cells.append(dataclasses.replace(request, pictures=self.pictures, parent=self.parent, left_out=left_out))
        return cells


class Grid:
    """The generator over text-to-image. Stopped early, it keeps the cells that are finished and their sheet."""

    name = "grid"
    request_type = GridRequest

    def stream(self, request: GridRequest, devices: DeviceManager) -> Iterator[Event]:
        """Progress and a frame for every cell, each cell's Result, then one Result of the sheet."""
        request.check()
        request = request.resolved()
        cells = request.cells()
        pictures: list[np.ndarray] = []
        try:
            for event in series.run(cells, devices):
                if isinstance(event, Result):
                    pictures += list(event.images)
                yield event
        except StopEarly:
            pass
        if pictures:
            yield _sheet(request, pictures, len(cells))


def _sheet(request: GridRequest, pictures: list[np.ndarray], number: int) -> Result:
    """Its recipe tells the axes and, of each finished cell of so many, its place on the sheet."""
    axes = request.axes()
    places: list[np.ndarray | None] = [*pictures, *[None] * (number - len(pictures))]
    edges = Titles(*(titles(axis) for axis in axes))
    layout = Layout.of(places, edges)
    told = [{"field": axis.field, "values": list(axis.values)} for axis in axes if axis]
    cells = [list(layout.cell(i)) for i in range(len(pictures))]
    more: dict[str, Any] = {"axes": told, "cells": cells, "notes": []}
    unfinished = len(pictures) < number
    if unfinished:
        more["unfinished"] = {"step": len(pictures), "of": number}
    image = draw(places, edges)
    return Result(image[None], (recipe.new(Grid.name, request.json_values(), **more),), unfinished, len(pictures))


def _check_number(axes: list[Axis]) -> None:
    """Before any is built: fifty values on each of three axes are 125,000."""
    number = int(np.prod([len(axis.values) for axis in axes]))
    if number > series.MOST_REQUESTS:
        sides = " x ".join(str(len(axis.values)) for axis in axes)
        raise BadRequest(
            "a grid of {sides} has {number} cells; at most {most} go. Take fewer values.",
            sides=sides,
            number=number,
            most=series.MOST_REQUESTS,
        )
