"""JSON from strangers: its depth and the number of its values are known before it is parsed.

Parsing costs by values, not by bytes: 48 MB of nested lists take gigabytes, 48 MB of one picture in base64 do not.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from pipelines.errors import BadRequest, Sentence

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
MOST_DEPTH = 32
MOST_VALUES = 100_000
MOST_WIDE = 2**21
"""Bytes of all strings with letters beyond ASCII: with one such letter a string takes up to four bytes for each."""
BODY = Sentence("the body")


def loads(raw: bytes, most_depth: int = MOST_DEPTH, most_values: int = MOST_VALUES, label: str = BODY) -> Any:
    """The value in `raw`. Raises BadRequest for what is deeper, holds more values, or is no JSON in UTF-8."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")  # a byte order mark
    check(raw, most_depth, most_values, label)
    try:
        value = json.loads(_NOT_ASCII.sub(_escaped, raw).decode("ascii"), parse_constant=_not_a_number)
        if _HALF.search(raw):
            _check_letters(value)
        return value
    except (ValueError, RecursionError):  # cut off, not UTF-8, half a letter, or a number of thousands of digits
        raise _not_json(label) from None


def check(raw: bytes, most_depth: int, most_values: int, label: str = BODY) -> None:
    """Raises BadRequest for too much structure; strings, however long, count as one value each. Linear in bytes."""
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")  # the quotes that are left begin and end strings
    if unescaped.count(b'"') > 4 * most_values:
        raise _too_many(label, most_values)
    parts = unescaped.split(b'"')
    outside = b"".join(parts[::2])
    if sum(len(text) for text in parts[1::2] if not text.isascii() or b"\\u" in text) > MOST_WIDE:
        raise BadRequest(
            "{label} holds more than {most} MB of text beyond ASCII. Send less of it.",
            label=label,
            most=MOST_WIDE // 2**20,
        )
    if sum(map(outside.count, (b",", b"[", b"]", b"{", b"}"))) > 2 * most_values:
        raise _too_many(label, most_values)
    if not outside.isascii():
        raise _not_json(label)
    if _depth(outside) > most_depth:
        raise BadRequest(
            "{label} is nested more than {most_depth} levels deep. Send a flatter object.",
            label=label,
            most_depth=most_depth,
        )


def _not_json(label: str) -> BadRequest:
    return BadRequest("{label} is not valid JSON. Send an object like {{...}} in UTF-8.", label=label)


def _check_letters(value: Any) -> None:
    """Raises ValueError for half a surrogate pair: no answer, file or page could hold it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if not one.isascii():
                one.encode("utf-8")
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def _escaped(letters: re.Match[bytes]) -> bytes:
    """As JSON writes them in ASCII, so that the whole is never held at four bytes a letter."""
    return json.dumps(letters[0].decode("utf-8"))[1:-1].encode("ascii")


def _too_many(label: str, most_values: int) -> BadRequest:
    return BadRequest("{label} holds more than {most_values} values. Send less.", label=label, most_values=most_values)


def _depth(outside: bytes) -> int:
    """Of brackets outside strings."""
    depth = deepest = 0
    for bracket in re.findall(rb"[\[\]{}]", outside):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _not_a_number(constant: str) -> NoReturn:
    raise BadRequest("{constant} is not a number that JSON or a picture can use. Send a finite one.", constant=constant)
