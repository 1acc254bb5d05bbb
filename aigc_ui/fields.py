"""A request's fields as the HTTP API and the page's own scripts take them."""

from typing import Any

from aigc_ui import looks
from pipelines.params import Choice, Curve, Field, Flag, Picture, Range, Request, Text


def listed(request_type: type[Request], bench: str) -> list[dict[str, Any]]:
    """All fields of a request: name, type, default, help, bounds, and what its control looks like on that bench."""
    return [described(field) | {"look": looks.look(field, bench).to_json()} for field in request_type.fields()]


def described(field: Field) -> dict[str, Any]:
    match field.spec:
        case Range():
            bounds: dict[str, Any] = {"low": field.spec.low, "high": field.spec.high, "step": field.spec.step}
        case Choice():
            bounds = {"options": list(field.spec.names())}
        case Text():
            bounds = {"max_length": field.spec.max_length}
        case Picture():
            bounds = {"picture": True}
        case Flag():
            bounds = {"flag": True}
        case Curve():
            bounds = {"most_points": field.spec.most}
    return {
        "name": field.name,
        "type": field.kind.__name__,
        "default": field.default,
        "help": field.help,
        **{name: bound for name, bound in bounds.items() if bound is not None},
    }
