"""Quick JSON means what Python's means, to the last digit and the last oddity."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.server.json_bytes import json_bytes, read_json

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(LEAVES, lambda of: st.lists(of) | st.dictionaries(st.text(), of))


def same(one: Any, other: Any) -> bool:
    """Equal in value and type all through; NaN equals NaN, and -0.0 does not equal 0.0."""
    return repr(one) == repr(other)


@given(VALUES, st.booleans())
def test_what_python_writes_is_read_as_python_reads_it(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert same(read_json(data), json.loads(data))


@pytest.mark.parametrize(
    "data",
    [
        *(b"NaN", b"[-Infinity]", b"[1e400]", b"-0.0", b"[18446744073709551617]", b'{"a":1,"a":2}'),
        *(b'"\\ud800"', b"\xef\xbb\xbf{}", '"é"'.encode("utf-16"), b" [ 1 ,\t2\r\n] "),
    ],
)
def test_oddities_are_read_as_python_reads_them(data: bytes) -> None:
    assert same(read_json(data), json.loads(data))


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b"\xff", b"nul", b"1 2", b'{"a"}'])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(data)
    with pytest.raises(RecursionError):
        read_json(b"[" * 100_000)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_scores_have_the_digits_that_python_writes(scores: list[float]) -> None:
    values = np.array(scores, np.float32).tolist()
    written = json_bytes({"data": values})
    assert b" " not in written
    assert same(json.loads(written), {"data": values})


def test_a_score_that_is_none_is_null() -> None:
    assert json_bytes([math.nan]) == b"[null]"
