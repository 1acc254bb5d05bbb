"""Messages between the studio and a confined child: a JSON object and bytes that go with it, each with its length."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_HEAD = struct.Struct("<IQ")
MOST_JSON_BYTES = 2**26


def write(stream: IO[bytes], message: dict[str, Any], data: bytes | memoryview = b"") -> None:
    text = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(text), len(data)) + text)
    stream.write(data)
    stream.flush()


def read(stream: IO[bytes], most_bytes: int) -> tuple[dict[str, Any], bytes]:
    """Raises EOFError when the other side has ended, ValueError for more than `most_bytes` of data."""
    text_length, length = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if text_length > MOST_JSON_BYTES or length > most_bytes:
        raise ValueError(f"a message of {text_length} + {length} bytes is too long")
    return json.loads(_exactly(stream, text_length)), _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
