"""The JSON object in a request's body, or a sentence that says what is wrong with it."""

from typing import Any

from fastapi import Request

from aigc_ui.rooms import Rooms
from pipelines.errors import BadRequest
from pipelines.files import bounded_json
from pipelines.params import described

SMALL = 2**16
"""Bytes that are parsed at once; more would hold up all others, so that is done in a thread."""


async def read(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises BadRequest."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) <= SMALL:
        return mapping(bounded_json.loads(await request.body() or b"{}"), bounded_json.BODY)
    rooms: Rooms = request.app.state.rooms
    return mapping(
        await rooms.parsing.with_body(request, lambda raw: bounded_json.loads(raw or b"{}")), bounded_json.BODY
    )


async def read_known(request: Request, defaults: dict[str, Any]) -> dict[str, Any]:
    """The same with defaults for what it leaves out; other fields are refused."""
    values = await read(request)
    for name in values:
        if name not in defaults:
            raise BadRequest("unknown field {name!r}; known are {known}.", name=name[:40], known=", ".join(defaults))
    return defaults | values


def mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("{name} must be a JSON object; got {got}.", name=name, got=described(value))
    return value
