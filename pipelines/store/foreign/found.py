"""What a picture says, before and after the request itself has looked at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import BadRequest
from pipelines.params import Request
from pipelines.prompts import parameters

MOST_UNKNOWN = 100
LONGEST_VALUE = 400  # characters of a value that is only shown


@dataclass(frozen=True)
class ForeignSettings:
    """A tool's name, values for fields of ours that nobody has checked, and what we have no field for."""

    tool: str
    values: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """A setting that cannot be applied: its name as the other tool or we say it, its value, and why, if we know it."""

    name: str
    value: str
    why: str = ""


@dataclass(frozen=True)
class CheckedSettings:
    """`tool` is "" where nothing was said. `settings` are fields that the request takes, all of them together, and
    `unsaid` all others as they were where the picture was made."""

    tool: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    unknown: tuple[Unknown, ...] = ()
    unsaid: dict[str, Any] = field(default_factory=dict)


def checked(said: ForeignSettings | None, request_type: type[Request]) -> CheckedSettings:
    """What was said, checked: field by field and, as they come, against each other."""
    if said is None:
        return CheckedSettings()
    order = [f.name for f in request_type.fields()]
    settings: dict[str, Any] = {}
    unknown = [Unknown(one_line(name), one_line(value)) for name, value in said.other.items()]
    for name in sorted(said.values, key=lambda name: order.index(name) if name in order else len(order)):
        value = said.values[name]
        try:
            settings[name] = request_type.parse({**settings, name: _words(name, value)}).json_values()[name]
        except BadRequest as error:
            unknown.append(Unknown(one_line(name), one_line(value), str(error)))
    if "prompt" in settings:
        settings["prompt"] = said.values["prompt"]  # as it was written
    return CheckedSettings(one_line(said.tool), settings, tuple(unknown[:MOST_UNKNOWN]))


def _words(name: str, value: object) -> object:
    """A prompt without the parameters at its end, which would change the other settings of its picture."""
    return parameters.words(value) if name == "prompt" and isinstance(value, str) else value


def one_line(value: object) -> str:
    """A stranger's value as one line of text that any page can show."""
    text = "".join(c for c in str(value)[: 2 * LONGEST_VALUE] if c.isprintable() or c in "\n\t")
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"


def picked(source: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The values of `source` under our names, as far as they are numbers or text."""
    return {ours: source[theirs] for theirs, ours in names.items() if _plain(source.get(theirs))}


def left(source: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """What else `source` says, except for nothing: null, "", [], {} and false."""
    return {
        name: value for name, value in source.items() if name not in known and value not in (None, "", [], {}, False)
    }


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
