"""One axis of a grid: which setting of a request changes, and through which values, written as people write them.

1, 2, 5            these numbers                 karras|simple    these choices
1-5                every whole number            red|blue|green   for the prompt: red, then blue and green for it
1-10 (+3)          1, 4, 7, 10                   0-1 (+0.25)      for numbers that are no whole ones too
1-10 [4]           4 of them, evenly spread
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.errors import BadRequest
from pipelines.params import Choice, Curve, Range, Text
from pipelines.requests import names
from pipelines.requests.text_to_image import TextToImageRequest

NONE = "none"
REPLACE = "prompt_replace"
MOST_VALUES = 50
_NUMBER = r"(-?\d{1,12}(?:\.\d{1,12})?)"
_RANGE = re.compile(rf"{_NUMBER}\s*-\s*{_NUMBER}\s*(?:\(\s*\+?{_NUMBER}\s*\)|\[\s*(\d{{1,4}})\s*\])?")


def fields() -> tuple[str, ...]:
    """What an axis may change: every setting of a picture but how many there are, of several units those of the first,
    and words of the prompt."""
    known = (
        f
        for f in TextToImageRequest.fields()
        if isinstance(f.spec, Range | Choice | Text | Curve) and f.name != "count" and f.name == f.declared
    )
    return (NONE, REPLACE, *(field.name for field in known))


@dataclass(frozen=True)
class Axis:
    """A setting and the values it takes, as text; the request itself checks them."""

    field: str
    values: tuple[str, ...]

    @classmethod
    def read(cls, field: str, text: str) -> "Axis":
        """Raises BadRequest where there are no values, too many, or what should be a range is none."""
        spec = next((f.spec for f in TextToImageRequest.fields() if f.name == field), Text())
        whole = any(f.name == field and f.kind is int for f in TextToImageRequest.fields())
        parts = [part.strip() for part in text.split("|" if "|" in text else ",")]
        values: list[str] = []
        for part in parts:
            values += _numbers(field, part, whole) if isinstance(spec, Range) else [part]
        if not any(values):
            raise BadRequest(
                "the axis {field} needs values, such as 1-5 or 1,2,3 or a|b; got {got!r}.", field=field, got=text[:40]
            )
        if len(values) > MOST_VALUES:
            raise BadRequest(
                "the axis {field} has {number} values; at most {most} go. Take fewer.",
                field=field,
                number=len(values),
                most=MOST_VALUES,
            )
        return cls(field, tuple(values))

    def set(self, request: Mapping[str, Any], value: str) -> dict[str, Any]:
        """The request's values with this one in its place. Raises BadRequest where the prompt lacks what is sought."""
        if self.field != REPLACE:
            return {**request, **names.resolved({self.field: value})}
        prompt, sought = str(request["prompt"]), self.values[0]
        if sought not in prompt:
            raise BadRequest(
                "the prompt does not say {words!r}, which the axis replaces. Write it in the prompt.", words=sought[:40]
            )
        return {**request, "prompt": prompt.replace(sought, value)}


def _numbers(field: str, part: str, whole: bool) -> list[str]:
    found = _RANGE.fullmatch(part)
    if not found:
        return [part]
    first, last, by, count = found.groups()
    start, end = float(first), float(last)
    if count is not None:
        _check_count(field, int(count), part)
        spread = np.linspace(start, end, int(count))
        return [f"{value:.6g}" if not whole else str(round(value)) for value in spread]
    step = float(by) if by else 1.0
    if step <= 0 or end < start:
        raise BadRequest("the axis {field} must count up, such as 1-10 (+3); got {got!r}.", field=field, got=part[:40])
    _check_count(field, int((end - start) / step + 1e-9) + 1, part)
    values = start + step * np.arange(int((end - start) / step + 1e-9) + 1)
    return [str(round(value)) if whole and float(value).is_integer() else f"{value:.6g}" for value in values]


def _check_count(field: str, count: int, part: str) -> None:
    if not 1 <= count <= MOST_VALUES:
        raise BadRequest(
            "the axis {field} has {count} values in {part!r}; 1 to {most} go.",
            field=field,
            count=count,
            part=part[:40],
            most=MOST_VALUES,
        )
