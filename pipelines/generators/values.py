"""The values of a grid's axis, written as people write them, A1111's users among them.

1, 2, 5            these numbers                 karras|simple    these choices
1-5                every whole number            "a, b", c        a, b, then c: quotation marks as in CSV files
1-10 (+3)          1, 4, 7, 10                   0-1 (+0.25)      for numbers that are no whole ones too
10-1 (-3)          10, 7, 4, 1
1-10 [4]           4 of them, evenly spread
"""

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal

from pipelines.errors import BadRequest

MOST_VALUES = 50
_NUMBER = r"([+-]?\d{1,20}(?:\.\d{1,12})?)"
_RANGE = re.compile(rf"{_NUMBER}\s*-\s*{_NUMBER}\s*(?:\(\s*{_NUMBER}\s*\)|\[\s*(\d{{1,4}})\s*\])?")


def parts(text: str) -> list[str]:
    """What bars or else commas and line ends part, by the rules of CSV: between "quotes" they part nothing."""
    rows = _rows(text, "|")
    if all(len(row) <= 1 for row in rows):
        rows = _rows(text, ",")
    return [part.strip() for row in rows for part in row]


def _rows(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True))


def numbers(field: str, part: str, whole: bool) -> list[str]:
    """The numbers of a range, exactly as decimals count; of anything else itself. `whole`: the field takes no others.

    Raises BadRequest for a range that leads nowhere or has too many."""
    match = _RANGE.fullmatch(part)
    if not match:
        return [part]
    first, last, by, count = match.groups()
    start, end = Decimal(first), Decimal(last)
    if count is not None:
        return list(_spread(start, end, _checked(field, int(count), part), whole))
    step = Decimal(by) if by else Decimal(1)
    if not step or (end - start) * step < 0:
        raise BadRequest(
            "the axis {field} must count from one number to the other, such as 1-10 (+3) or 10-1 (-3); got {got!r}.",
            field=field,
            got=part[:40],
        )
    return [_text(start + step * i) for i in range(_checked(field, int((end - start) / step) + 1, part))]


def _spread(start: Decimal, end: Decimal, count: int, whole: bool) -> Iterator[str]:
    """Evenly from the first to the last; whole ones cut off, not rounded, as A1111 does it."""
    for i in range(count):
        value = start + (end - start) * i / max(1, count - 1)
        yield str(int(value)) if whole else f"{value:.6g}"


def _text(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _checked(field: str, count: int, part: str) -> int:
    if not 1 <= count <= MOST_VALUES:
        raise BadRequest(
            "the axis {field} has {count} values in {part!r}; 1 to {most} go.",
            field=field,
            count=count,
            part=part[:40],
            most=MOST_VALUES,
        )
    return count
