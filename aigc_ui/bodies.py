"""The JSON object in a request's body, or a sentence that says what is wrong with it."""

import json
from typing import Any, NoReturn

from fastapi import Request

from pipelines.errors import BadRequest


async def read(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises BadRequest."""
    raw = await request.body()
    try:
        values = json.loads(raw or b"{}", parse_constant=_not_a_number)
    except RecursionError:
        raise BadRequest("The request's JSON is nested too deeply. Send a flat object.") from None
    except ValueError:  # cut off, not UTF-8, or a number of thousands of digits
        raise BadRequest("The request's body is not valid JSON. Send an object like {...} in UTF-8.") from None
    return mapping(values, "the body")


async def read_known(request: Request, defaults: dict[str, Any]) -> dict[str, Any]:
    """The same with defaults for what it leaves out; other fields are refused."""
    values = await read(request)
    for name in values:
        if name not in defaults:
            raise BadRequest(f"unknown field {name[:40]!r}; known are {', '.join(defaults)}.")
    return defaults | values


def mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object; got a {type(value).__name__}.")
    return value


def _not_a_number(constant: str) -> NoReturn:
    raise BadRequest(f"{constant} is not a number that JSON or a picture can use. Send a finite one.")
