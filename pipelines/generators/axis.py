"""One axis of a grid: which setting of a request changes, and through which values; or which words of a prompt do.

The values of words to be replaced begin with what is sought: red|blue|green is red, then blue and green for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest
from pipelines.generators.values import MOST_VALUES, numbers, parts
from pipelines.params import Choice, Curve, Range, Text
from pipelines.requests import names
from pipelines.requests.text_to_image import TextToImageRequest

NONE = "none"
REPLACED = {"prompt_replace": "prompt", "negative_prompt_replace": "negative_prompt"}
"""Axes of words, and the text that they stand in. There may be several of them in a grid."""


FIXED = ("count", "branch_from")


def fields() -> tuple[str, ...]:
    """What an axis may change: every setting of a picture but how many there are and which one they branch from, of
    several units those of the first, and words of the prompts."""
    known = (
        f
        for f in TextToImageRequest.fields()
        if isinstance(f.spec, Range | Choice | Text | Curve) and f.name not in FIXED and f.name == f.declared
    )
    return (NONE, *REPLACED, *(field.name for field in known))


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
        values: list[str] = []
        for part in parts(text):
            values += numbers(field, part, whole) if isinstance(spec, Range) else [part]
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

    @property
    def changes(self) -> tuple[str, str]:
        """What no other axis of the same grid may change: the setting, or the words that are sought."""
        return self.field, self.values[0] if self.field in REPLACED else ""


def placed(request: Mapping[str, Any], chosen: Sequence[tuple[Axis, str]]) -> dict[str, Any]:
    """The request's values with one of each axis in its place. Raises BadRequest where a prompt lacks what is sought.

    Words come last and all at once: none is sought in what another one wrote."""
    values = dict(request)
    for axis, value in chosen:
        if axis.field not in REPLACED:
            values |= names.resolved({axis.field: value})
    for name, text in REPLACED.items():
        words = {axis.values[0]: value for axis, value in chosen if axis.field == name}
        if words:
            values[text] = _replaced(text, str(values[text]), words)
    return values


def _replaced(field: str, text: str, words: Mapping[str, str]) -> str:
    pattern = "|".join(re.escape(sought) for sought in sorted(words, key=len, reverse=True))
    missing = set(words) - set(filter(None, re.findall(pattern, text)))
    if missing:
        raise BadRequest(
            "{field} does not say {words!r}, which the axis replaces. Write it there.",
            field=field,
            words=min(missing)[:40],
        )
    return re.sub(pattern, lambda match: words[match[0]], text)
