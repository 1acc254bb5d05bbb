"""The JSON object in a request's body, or a sentence that says what is wrong with it."""

from typing import Any

from fastapi import Request

from aigc_ui.rooms import Rooms
from pipelines import bounded_json
from pipelines.errors import BadRequest

PARSED_AT_ONCE = 64 * 1024
"""Bytes; more would keep the event loop from everybody else for milliseconds."""


async def read(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises BadRequest."""
    body = await request.body() or b"{}"
    if len(body) <= PARSED_AT_ONCE:
        return mapping(bounded_json.loads(body), "the body")
    rooms: Rooms = request.app.state.rooms
    return mapping(await rooms.parsing.answer(request, lambda: bounded_json.loads(body)), "the body")


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
