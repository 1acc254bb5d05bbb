"""The JSON object in a request's body, or a sentence that says what is wrong with it."""

from typing import Any

from fastapi import Request

from pipelines import bounded_json
from pipelines.errors import BadRequest


async def read(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises BadRequest."""
    values = bounded_json.loads(await request.body() or b"{}")
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
