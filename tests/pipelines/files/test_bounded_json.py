"""Strangers' JSON is bounded before it is parsed, in time that grows with its bytes alone."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import BadRequest
from pipelines.files import bounded_json

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(ANY)
def test_ordinary_json_is_read_as_json_reads_it(value: object) -> None:
    raw = json.dumps(value).encode()
    assert bounded_json.loads(raw, most_depth=100, most_values=1000) == value


@pytest.mark.parametrize("text", [r"[[[\"", "\\", '\\"[', "{" * 50, "," * 500, '"' * 7])
def test_brackets_and_quotes_in_strings_do_not_count(text: str) -> None:
    assert bounded_json.loads(json.dumps({"a": text}).encode(), most_depth=1, most_values=4) == {"a": text}


def test_depth_is_bounded_to_the_level() -> None:
    assert bounded_json.loads(b"[" * 5 + b"]" * 5, most_depth=5)
    with pytest.raises(BadRequest, match="more than 4 levels"):
        bounded_json.loads(b"[" * 5 + b"]" * 5, most_depth=4)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 10_000_000,
        b"[" + b"[]," * 4_000_000,
        b'"' * 10_000_000,
        b'"\\' * 5_000_000,
        b'{"a":"b",' * 1_000_000,
        b'"' + b'\\"' * 5_000_000,
        b"]" * 10_000_000,
        b"9" * 10_000_000,
    ],
)
def test_ten_megabytes_of_anything_cost_less_than_a_second_or_two(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(BadRequest):
        bounded_json.loads(raw)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[" * 40 + b"]" * 40, "nested more than"),
        (b"[" + b"0," * 250_000 + b"0]", "holds more than"),
        (json.dumps("\u4e00" * 2**20, ensure_ascii=False).encode(), "beyond ASCII"),
        (json.dumps("\u4e00" * 2**19).encode(), "beyond ASCII"),
    ],
    ids=["levels", "values", "letters", "escaped letters"],
)
def test_what_a_request_may_hold_is_bounded_though_nobody_says_by_how_much(raw: bytes, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        bounded_json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"NaN", b"[1e999999999999, Infinity]", b'{"a": "\xff"}', b"\xff"])
def test_what_is_no_json_is_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        bounded_json.loads(raw)
