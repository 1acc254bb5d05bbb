"""What a request's field may hold, said once on the field: bounds, default and help.

Sliders, validation, the command line, the HTTP API and recipes all follow from these.

    @dataclass(frozen=True)
    class Wave(Request):
        length: int = param(20, Range(1, 1000), "how many points")
        shape: str = param("sine", Choice(("sine", "saw")), "the form of the wave")

    Wave.parse({"length": "5"})      # Wave(length=5, shape="sine")
    Wave.parse({"length": 5000})     # BadRequest: length must be 1 to 1000; got 5000.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import BadRequest, NotFound, Sentence


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
                "{name} must be {low:g} to {high:g}; got {got}.",
                name=name,
                low=self.low,
                high=self.high,
                got=described(value),
            )
        if kind is int and self.step and (number - self.low) % self.step:
            raise BadRequest(
                "{name} must be {low:g} plus a multiple of {step:g}; got {got}.",
                name=name,
                low=self.low,
                step=self.step,
                got=described(value),
            )
        return number


@dataclass(frozen=True)
class Choice:
    """One of a few names. `options` may be a function where the names are only known later; `includes` then says of
    one name whether it is among them, where that costs less than all of them."""

    options: tuple[str, ...] | Callable[[], tuple[str, ...]]
    includes: Callable[[str], bool] | None = None

    def names(self) -> tuple[str, ...]:
        return self.options() if callable(self.options) else self.options

    def _has(self, name: str) -> bool:
        return self.includes(name) if self.includes else name in self.names()

    def check(self, name: str, value: object, kind: type) -> str:
        if not isinstance(value, str) or not self._has(value):
            raise BadRequest(
                "{name} must be one of {names}; got {got}.",
                name=name,
                names=_listed(self.names()),
                got=described(value),
            )
        return value


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


def param(default: Any, spec: Spec, help: str) -> Any:
    """A dataclass field with its bounds and help."""
    return dataclasses.field(default=default, metadata={"spec": spec, "help": help})


@dataclass(frozen=True)
class Field:
    """One field of a request as others see it: its name, type, default, bounds and help."""

    name: str
    kind: type
    default: Any
    spec: Spec
    help: str


@dataclass(frozen=True)
class Request:
    """All inputs of one generation and nothing else. Subclass it with `param` fields.

    `pictures` is no field of that kind: the pixels, uint8 (H, W, 3), of the pictures whose ids the fields hold, by the
    field's name. They are attached right before the generator runs and never stored.
    """

    pictures: Mapping[str, NDArray[np.uint8]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        return tuple(
            Field(f.name, type(f.default), f.default, f.metadata["spec"], f.metadata["help"])
            for f in dataclasses.fields(cls)
            if "spec" in f.metadata
        )

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """A checked request from loose values (JSON, form fields, a recipe). Raises BadRequest."""
        known = {f.name: f for f in cls.fields()}
        for name in values:
            if name not in known:
                raise BadRequest(
                    "unknown field {name}; known are {known}.", name=described(name), known=_listed(tuple(known))
                )
        checked: dict[str, Any] = {n: known[n].spec.check(n, value, known[n].kind) for n, value in values.items()}
        request = cls(**checked)
        request.check()
        return request

    def check(self) -> None:
        """Rules that span several fields; override to add them. Raises BadRequest."""

    def resolved(self) -> Self:
        """The same request with everything drawn that it leaves to chance; override it where something is."""
        return self

    def saved_pixels(self) -> int:
        """About how many pixels its pictures have together; 0 where nobody can tell."""
        return 0

    def values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in self.fields()}

    def picture_ids(self) -> dict[str, str]:
        """The id of each picture that this request names, by its field."""
        names = (field.name for field in self.fields() if isinstance(field.spec, Picture))
        return {name: picture_id for name in names if (picture_id := getattr(self, name))}

    def with_pictures(self, load: Callable[[str], NDArray[np.uint8]]) -> Self:
        """The same request with the pixels that `load` finds for its ids. Raises what `load` raises."""
        return dataclasses.replace(self, pictures={name: load(i) for name, i in self.picture_ids().items()})

    def picture(self, name: str) -> NDArray[np.uint8] | None:
        """The pixels for a Picture field, None where it is empty. Raises NotFound where nobody attached them."""
        if not getattr(self, name):
            return None
        if name not in self.pictures:
            raise NotFound(
                "the picture that {name} names was not handed over. Send the picture itself again.", name=name
            )
        return self.pictures[name]


def _number(name: str, value: object, kind: type) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest("{name} must be a number; got {got}.", name=name, got=described(value))
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


def _figure(number: float) -> str:
    """So short that it reads back exactly."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


def described(value: object) -> str:
    """A value as JSON names it, short: 5, 'text', true, null, a list of 3, an object."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return Sentence("a list of {number}", number=len(value))
    if isinstance(value, Mapping):
        return Sentence("an object")
    if isinstance(value, str):
        return _cut(repr(value[:80]))
    return _cut(f"{value}") if isinstance(value, int | float) else Sentence("something else")


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _listed(names: tuple[str, ...], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
