"""Errors as programs written for OpenAI's interface read them.

{"error": {"message": "n must be ...", "type": "invalid_request_error", "param": "n", "code": "bad_request"}}
"""

from typing import Any

from pipelines.errors import BadRequest, NotFound, Sentence

PREFIX = "/v1/"
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class UnknownModel(NotFound):
    code = "model_not_found"


class UnknownField(BadRequest):
    code = "unknown_parameter"


def status_of(status: int) -> int:
    """What is wrong with a request is 400 there."""
    return 400 if status == 422 else status


def body(status: int, code: str, sentence: Sentence) -> dict[str, Any]:
    """`param` is the field that the sentence names, where it names one."""
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    named = sentence.values.get("name")
    return {"error": {"message": str(sentence), "type": kind, "param": named, "code": code}}
