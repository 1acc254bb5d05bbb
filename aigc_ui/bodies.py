"""The JSON object in a request's body, or a sentence that says what is wrong with it."""

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from pipelines import bounded_json
from pipelines.errors import BadRequest
from pipelines.params import described

SMALL = 2**16
"""Bytes that are parsed at once; more would hold up all others, so that is done in a thread."""
AT_ONCE = 2
"""Large bodies that are parsed at a time: each costs a multiple of its bytes."""


async def read(request: Request) -> dict[str, Any]:
    """The JSON object in the request's body. Raises BadRequest."""
    raw = b"".join([chunk async for chunk in request.stream()]) or b"{}"  # and not kept, as request.body() would
    if len(raw) <= SMALL:
        return mapping(bounded_json.loads(raw), "the body")
    return mapping(await to_thread.run_sync(bounded_json.loads, raw, limiter=_parsing(request)), "the body")


def _parsing(request: Request) -> CapacityLimiter:
    """The app's own threads for bodies, so that these and its other work do not wait for one another."""
    state = request.app.state
    if not hasattr(state, "parsing"):
        state.parsing = CapacityLimiter(AT_ONCE)
    return state.parsing


async def read_known(request: Request, defaults: dict[str, Any]) -> dict[str, Any]:
    """The same with defaults for what it leaves out; other fields are refused."""
    values = await read(request)
    for name in values:
        if name not in defaults:
            raise BadRequest(f"unknown field {name[:40]!r}; known are {', '.join(defaults)}.")
    return defaults | values


def mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object; got {described(value)}.")
    return value
