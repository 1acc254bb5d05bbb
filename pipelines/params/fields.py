"""A request's field as others see it, and how a dataclass declares it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.params.specs import Spec

Needs = tuple[tuple[str, ...], ...]
"""Fields without which another one changes nothing: of each group at least one must differ from its default."""


@dataclass(frozen=True)
class Field:
    """One field of a request as others see it: its name, type, default, bounds and help.

    `declared` is the name as it stands on the field: of several units that of the first.
    `place` leads to its value: the attribute of the request, or that of a part and what lies in there. `infotext` is
    the key that A1111's text has for it, "" where that text says it otherwise or not at all. `needs` are the fields
    without which it changes nothing.
    """

    name: str
    kind: type
    default: Any
    spec: Spec
    help: str
    declared: str = ""
    place: tuple[str | int, ...] = ()
    infotext: str = ""
    needs: Needs = ()

    def idle(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
        """Whether the field changes nothing in a request of these values."""
        return not all(any(_is_set(values.get(name), defaults.get(name)) for name in group) for group in self.needs)


def param(
    default: Any,
    spec: Spec,
    help: str,
    *,
    name: str = "",
    infotext: str = "",
    needs: Sequence[str | Sequence[str]] = (),
) -> Any:
    """A dataclass field with its bounds and help. `name`: what the request calls it, where that is not the attribute's
    name; the rest as in `Field`, a group of `needs` that is one field without its tuple."""
    groups = tuple((group,) if isinstance(group, str) else tuple(group) for group in needs)
    more = {"spec": spec, "help": help, "name": name, "infotext": infotext, "needs": groups}
    return dataclasses.field(default=default, metadata=more)


@dataclass(frozen=True)
class Part:
    """Fields of a request that one idea reads. Subclass it with `param` fields, whose `name` is what the request, as
    everybody outside sees it, calls them: flat, without parts."""

    def check(self) -> None:
        """Rules that span several of its fields; override to add them. Raises BadRequest."""


@dataclass(frozen=True)
class Unit(Part):
    """A part that a request has several of. The names of the first are as declared; "control_image" of the second is
    "control2_image"."""

    MOST: ClassVar[int] = 3

    number: int = dataclasses.field(default=1, kw_only=True)

    def numbered(self, name: str) -> str:
        """A name of the first unit as this one's: "control_image" -> "control2_image"."""
        return _numbered(name, self.number, "_")


def part(kind: type[Part]) -> Any:
    """A dataclass field that holds a part."""
    return dataclasses.field(default=kind(), metadata={"part": kind})


def units(kind: type[Unit]) -> Any:
    """A dataclass field that holds as many units as there may be, in order; those that are not used hold defaults."""
    return dataclasses.field(
        default=tuple(kind(number=number) for number in range(1, kind.MOST + 1)), metadata={"units": kind}
    )


def fields_of(cls: type, place: tuple[str | int, ...] = (), number: int = 1) -> Iterator[Field]:
    """The fields that a dataclass declares, those of its parts where the part stands."""
    for f in dataclasses.fields(cls):
        here = (*place, f.name)
        if "part" in f.metadata:
            yield from fields_of(f.metadata["part"], here)
        elif "units" in f.metadata:
            kind = f.metadata["units"]
            for i in range(kind.MOST):
                yield from fields_of(kind, (*here, i), i + 1)
        elif "spec" in f.metadata:
            yield _field(f, here, number)


def replaced(holder: Any, changes: Mapping[tuple[str | int, ...], Any]) -> Any:
    """A dataclass, or a tuple of them, with other values at these places."""
    if () in changes:
        return changes[()]
    inner: dict[Any, dict[tuple[str | int, ...], Any]] = {}
    for (first, *rest), value in changes.items():
        inner.setdefault(first, {})[tuple(rest)] = value
    if isinstance(holder, tuple):
        return tuple(replaced(one, inner[i]) if i in inner else one for i, one in enumerate(holder))
    return dataclasses.replace(holder, **{n: replaced(getattr(holder, n), more) for n, more in inner.items()})


def value_at(holder: Any, place: Sequence[str | int]) -> Any:
    for step in place:
        holder = holder[step] if isinstance(step, int) else getattr(holder, step)
    return holder


def _field(f: "dataclasses.Field[Any]", place: tuple[str | int, ...], number: int) -> Field:
    more = f.metadata
    declared, label, needs = more["name"] or f.name, more["infotext"], more["needs"]
    name, label = _numbered(declared, number, "_"), _numbered(label, number, " ")
    needs = tuple(tuple(_numbered(n, number, "_") for n in group) for group in needs)
    return Field(name, type(f.default), f.default, more["spec"], more["help"], declared, place, label, needs)


def _numbered(name: str, number: int, gap: str) -> str:
    """With the number behind its first word; itself for the first of all and for no name."""
    if number == 1 or not name:
        return name
    first, found, rest = name.partition(gap)
    return f"{first}{number}{found}{rest}"


def _is_set(value: object, default: object) -> bool:
    if isinstance(value, list | tuple):  # JSON has no tuples
        return tuple(value) != default
    return value is not None and value != default
