"""What a field may hold: a number in a range, one of a few names, text, yes or no, a picture, a curve."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest, Sentence

LARGEST_OF_JAVASCRIPT = 2**53 - 1
MOST_PIXELS = 2**24
"""Of one picture, 4096 x 4096: as large a start picture is kept, a canvas painted, a second pass made. Whether it fits
into memory is another question, see `pipelines.diffusion.footprint`."""


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; an int field takes multiples of `step` only."""

    low: float
    high: float
    step: float | None = None

    def check(self, name: str, value: object, kind: type) -> int | float:
        number = _number(name, value, kind)
        if not self.low <= number <= self.high:
            raise BadRequest(
                "{name} must be {low} to {high}; got {got}.",
                name=name,
                low=_written(self.low),
                high=_written(self.high),
                got=described(value),
            )
        if kind is int and self.step and (number - self.low) % self.step:
            raise BadRequest(
                "{name} must be {low} plus a multiple of {step}; got {got}.",
                name=name,
                low=_written(self.low),
                step=_written(self.step),
                got=described(value),
            )
        return number


@dataclass(frozen=True)
class Choice:
    """One of a few names. `options` may be a function where the names are only known later; `resolve` then says which
    of them a given name means, None for none, where that costs less than all of them."""

    options: tuple[str, ...] | Callable[[], tuple[str, ...]]
    resolve: Callable[[str], str | None] | None = None

    def names(self) -> tuple[str, ...]:
        return self.options() if callable(self.options) else self.options

    def _meant(self, name: str) -> str | None:
        return self.resolve(name) if self.resolve else name if name in self.names() else None

    def check(self, name: str, value: object, kind: type) -> str:
        meant = self._meant(value) if isinstance(value, str) else None
        if meant is None:
            raise BadRequest(
                "{name} must be one of {names}; got {got}.",
                name=name,
                names=listed(self.names()),
                got=described(value),
            )
        return meant


@dataclass(frozen=True)
class Text:
    """Words of at most `max_length` characters; control characters other than tab and new line are refused."""

    max_length: int = 2000

    def check(self, name: str, value: object, kind: type) -> str:
        if not isinstance(value, str):
            raise BadRequest("{name} must be text; got {got}.", name=name, got=described(value))
        if len(value) > self.max_length:
            raise BadRequest(
                "{name} must be at most {max_length} characters; got {got}. Shorten it.",
                name=name,
                max_length=self.max_length,
                got=len(value),
            )
        if any(ord(c) < 32 and c not in "\t\n\r" or 0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise BadRequest("{name} holds control characters that no prompt needs. Remove them.", name=name)
        return value


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    def check(self, name: str, value: object, kind: type) -> bool:
        known = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
        if isinstance(value, bool | str) and value in known:
            return known[value]
        raise BadRequest("{name} must be true or false; got {got}.", name=name, got=described(value))


@dataclass(frozen=True)
class Picture:
    """The id of a kept picture (see pipelines.store.inputs), or "" for none."""

    def check(self, name: str, value: object, kind: type) -> str:
        if isinstance(value, str) and re.fullmatch(r"([0-9a-f]{64})?", value):
            return value
        raise BadRequest(
            "{name} must be the id of a kept picture, 64 of 0-9 and a-f, or empty; got {got}.",
            name=name,
            got=described(value),
        )


@dataclass(frozen=True)
class Curve:
    """Points (x, y) of a curve drawn by hand, at most `most`; none at all for no curve. Kept in the order of x.

    As text, where there is nothing else: "0 9; 0.5 4; 1 1".
    """

    most: int = 100

    def check(self, name: str, value: object, kind: type) -> tuple[tuple[float, float], ...]:
        if isinstance(value, str):
            value = [point.split() for point in value.split(";") if point.strip()]
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise BadRequest(
                "{name} must be a list of at most {most} points [x, y]; got {got}.",
                name=name,
                most=self.most,
                got=described(value),
            )
        points = []
        for point in value:
            if not isinstance(point, list | tuple) or len(point) != 2:
                raise BadRequest(
                    "{name} must be a list of points [x, y]; got {got} among them.", name=name, got=described(point)
                )
            points.append((float(_number(name, point[0], float)), float(_number(name, point[1], float))))
        return tuple(sorted(points))

    @staticmethod
    def text(points: Sequence[Sequence[float]]) -> str:
        return "; ".join(f"{_figure(x)} {_figure(y)}" for x, y in points)


Spec = Range | Choice | Text | Flag | Picture | Curve


def _written(bound: float | None) -> int | float | None:
    """A bound as people write it: 4294967296, not 4.29497e+09."""
    return int(bound) if bound is not None and bound == int(bound) else bound


def _number(name: str, value: object, kind: type) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest("{name} must be a number; got {got}.", name=name, got=described(value))
    if kind is int and isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", value):
        return int(value)  # exact, as a float is not beyond 2^53
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise BadRequest("{name} must be a number; got {got}.", name=name, got=described(value)) from None
    if not math.isfinite(number):
        raise BadRequest("{name} must be a finite number; got {got}.", name=name, got=described(value))
    if kind is not int:
        return number
    if number != int(number):
        raise BadRequest("{name} must be a whole number; got {got}.", name=name, got=described(value))
    return int(value) if isinstance(value, int) else int(number)


def exact(value: Any) -> Any:
    """A value as JSON that every program reads exactly: whole numbers that JavaScript would round become text."""
    return str(value) if isinstance(value, int) and abs(value) > LARGEST_OF_JAVASCRIPT else value


def _figure(number: float) -> str:
    """So short that it reads back exactly."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


def described(value: object) -> str:
    """A value as a person reads it, short: 5, 'text', true, nothing, a list of 3, an object."""
    if value is None:
        return Sentence("nothing")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return Sentence("a list of {number}", number=len(value))
    if isinstance(value, Mapping):
        return Sentence("an object")
    if isinstance(value, str):
        return _cut(repr(value[:80]))
    return _cut(f"{value}") if isinstance(value, int | float) else Sentence("something else")


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def listed(names: tuple[str, ...], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
