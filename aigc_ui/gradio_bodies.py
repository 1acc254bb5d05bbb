"""What may be sent to Gradio: plain values for handlers and endpoints that the page has, and never a file's place.

Gradio takes an object like {"path": ..., "meta": {"_type": "gradio.FileData"}} anywhere in a body for a file that it
has received, and copies whatever lies at that path to where clients can fetch it. Nothing of ours sends such objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest, NotFound
from pipelines.files import bounded_json

FILE_KEYS = frozenset({"path", "url", "meta", "_type", "orig_name", "is_stream"})
"""The keys of Gradio's descriptions of files; an object with any of them is refused."""
JOIN = "/gradio_api/queue/join"
CANCEL = "/gradio_api/cancel"
RESET = "/gradio_api/reset"
CALL = "/gradio_api/call/"
CALL_BY_NAME = "/gradio_api/call/v2/"


@dataclass(frozen=True)
class Handlers:
    """What the page runs on the server.

    inputs: for each number of a handler, how many values it takes. endpoints: for each name of a public one, its
    number and the names of its values, True for those with a default. components: the numbers of the page's parts.
    """

    inputs: Mapping[int, int]
    endpoints: Mapping[str, tuple[int, Mapping[str, bool]]]
    components: frozenset[int]

    @classmethod
    def of(cls, blocks: Any) -> Handlers:
        """Of a gr.Blocks that is built."""
        run = {number: fn for number, fn in blocks.fns.items() if fn.fn is not None}
        public = {fn.api_name: number for number, fn in run.items() if fn.api_visibility == "public"}
        described = blocks.get_api_info()["named_endpoints"]
        endpoints = {
            name: (
                number,
                {p["parameter_name"]: p["parameter_has_default"] for p in described[f"/{name}"]["parameters"]},
            )
            for name, number in public.items()
        }
        return cls({number: len(fn.inputs) for number, fn in run.items()}, endpoints, frozenset(blocks.blocks))


def checked(path: str, raw: bytes, handlers: Handlers) -> dict[str, Any]:
    """The body for Gradio's route at `path`, made anew of what is known to be harmless. Raises StudioError."""
    body = bounded_json.loads(raw)
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object; got a {kind}.", kind=type(body).__name__)
    refuse_files(body)
    _refuse_broken_text(body)
    path = path.rstrip("/")
    if path == JOIN:
        return _join(body, handlers)
    if path == CANCEL:
        return {"session_hash": session(body), "event_id": _name(body, "event_id"), "fn_index": _number(body, handlers)}
    if path == RESET:
        return {"event_id": _name(body, "event_id")}
    if path.startswith(CALL_BY_NAME):
        return _by_name(path.removeprefix(CALL_BY_NAME), body, handlers)
    return _by_place(path.removeprefix(CALL), body, handlers)


def refuse_files(value: Any) -> None:
    """Raises BadRequest where an object anywhere in `value` could be taken for a file."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if named := FILE_KEYS & part.keys():
                raise BadRequest(
                    "an object with the key {key!r} could name a file; none is taken here. Send a picture's bytes to "
                    "/api/v1/inputs and use the id that it answers.",
                    key=min(named),
                )
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def session(values: Mapping[str, Any]) -> str:
    """The page's or script's name for itself. Raises BadRequest."""
    return _name(values, "session_hash")


def _join(body: dict[str, Any], handlers: Handlers) -> dict[str, Any]:
    number = _number(body, handlers)
    trigger = body.get("trigger_id")
    if trigger is not None and (type(trigger) is not int or trigger not in handlers.components):
        raise NotFound("trigger_id names nothing on this page. Reload the page.")
    return {
        "data": _values(body, handlers.inputs[number]),
        "event_data": body.get("event_data"),
        "fn_index": number,
        "session_hash": session(body),
        "trigger_id": trigger,
    }


def _by_place(name: str, body: dict[str, Any], handlers: Handlers) -> dict[str, Any]:
    number, _ = _endpoint(name, handlers)
    given = {"session_hash": session(body)} if body.get("session_hash") is not None else {}
    return {"data": _values(body, handlers.inputs[number]), **given}


def _by_name(name: str, body: dict[str, Any], handlers: Handlers) -> dict[str, Any]:
    _, known = _endpoint(name, handlers)
    for word in body:
        if word not in known:
            raise BadRequest(
                "unknown value {word!r}. The endpoint's values are listed at /gradio_api/info.", word=word[:40]
            )
    if missing := [word for word, has_default in known.items() if not has_default and word not in body]:
        raise BadRequest("{missing} is missing; /{name} has no default for it.", missing=missing[0], name=name)
    return body


def _endpoint(name: str, handlers: Handlers) -> tuple[int, Mapping[str, bool]]:
    if name not in handlers.endpoints:
        raise NotFound(
            "there is no endpoint {name!r}; there are {known}.",
            name=name[:40],
            known=", ".join(sorted(handlers.endpoints)),
        )
    return handlers.endpoints[name]


def _values(body: dict[str, Any], count: int) -> list[Any]:
    values = body.get("data")
    if not isinstance(values, list) or len(values) != count:
        given = f"{len(values)}" if isinstance(values, list) else f"a {type(values).__name__}"
        raise BadRequest(
            "data must be a list of {count} values, one for each input; got {got}.", count=count, got=given
        )
    return values


def _number(body: dict[str, Any], handlers: Handlers) -> int:
    number = body.get("fn_index")
    if not isinstance(number, int) or isinstance(number, bool):
        raise BadRequest("fn_index must be a whole number.")
    if number not in handlers.inputs:
        raise NotFound("there is no handler {number} on this page. Reload the page.", number=str(number)[:20])
    return number


def _name(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not re.fullmatch(r"[\w-]{1,64}", value, re.ASCII):
        raise BadRequest("{key} must be 1 to 64 letters, digits, - or _.", key=key)
    return value


def _refuse_broken_text(body: dict[str, Any]) -> None:
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("the body holds half of a character. Send text in UTF-8.") from None
