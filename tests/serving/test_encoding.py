import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import UsageError
from secateur.contracts.features import BucketField
from secateur.encoding.spelling import canonical
from secateur.identity import hash_id
from secateur.serving.encoding.encoders import (
    BucketEncoder,
    CategoryEncoder,
    HashedEncoder,
    KeyedEncoder,
)

VALUES = ["7", "-3", "0", "007", "3.5", "NORMAL", "a b", "10000000000000000", "yes", "1"]

raw = st.one_of(
    st.none(),
    st.sampled_from(VALUES),
    st.sampled_from(
        [" 7 ", "7.0", "-3.00", "", "  ", "nan", "normal", "07", "true", "FALSE", "1e+16"]
    ),
    st.integers(-10, 10),
    st.booleans(),
    st.integers(-40, 40).filter(bool).map(lambda i: i / 4),
    st.just(float("nan")),
    st.integers(-10, 10).map(np.int64),
    st.text(max_size=3),
)


@given(st.lists(raw, max_size=20))
def test_a_value_is_found_by_its_canonical_spelling(values: list[object]) -> None:
    ids = dict(zip(VALUES, range(len(VALUES)), strict=True))
    expected = [ids.get(canonical(value) or "", len(VALUES)) for value in values]
    encoder = CategoryEncoder(VALUES)
    assert encoder.encode(values).tolist() == expected
    assert [encoder.id_of(value) for value in values] == expected


@given(
    st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=20),
    st.lists(st.integers(0, 2**64 - 1) | st.none(), max_size=20),
)
def test_a_hash_is_found_like_in_a_dictionary(known: list[int], others: list[int | None]) -> None:
    encoder = HashedEncoder(np.array(known, np.uint64))
    wanted = [*known, *others]
    expected = [known.index(h) if h in known else len(known) for h in wanted]
    spelled = [None if h is None else f"{h:016x}" for h in wanted]
    assert encoder.encode(spelled).tolist() == expected
    assert [encoder.id_of(h) for h in spelled] == expected
    assert encoder.encode(["", None]).tolist() == [len(known)] * 2


@pytest.mark.parametrize("value", ["user 7", "abc", "123456789012345678", 7, "-23456789012345a"])
def test_what_is_no_hash_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="16 hex digits"):
        HashedEncoder(np.array([7], np.uint64)).encode([value])


@given(
    st.lists(st.floats(allow_nan=False, width=32), unique=True, max_size=8).map(sorted),
    st.lists(st.floats() | st.integers(-100, 100) | st.none(), max_size=20),
)
def test_a_bucket_is_the_number_of_boundaries_reached(
    boundaries: list[float], numbers: list[float | None]
) -> None:
    field = BucketField("x", "item", tuple(boundaries))
    expected = [
        field.oov if x is None or math.isnan(x) else sum(b <= x for b in boundaries)
        for x in numbers
    ]
    encoder = BucketEncoder(field)
    assert encoder.encode(numbers).tolist() == expected
    assert [encoder.id_of(x) for x in numbers] == expected


def test_a_number_may_come_as_text() -> None:
    encoder = BucketEncoder(BucketField("x", "item", (1.0, 2.0)))
    assert encoder.encode(["0.5", " 1.50 ", "2", "", "many"]).tolist() == [0, 1, 2, 3, 3]


def test_a_user_is_hashed_by_the_canonical_spelling() -> None:
    key = b"sixteen bytes or more"
    known = [int(hash_id(key, user), 16) for user in ("16", "17", "18")]
    encoder = KeyedEncoder(HashedEncoder(np.array(known, np.uint64)), key)
    users = [17, "17.0", 17.0, " 18", "19", None, float("nan")]
    assert encoder.encode(users).tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert [encoder.id_of(user) for user in users] == [1, 1, 1, 2, 3, 3, 3]
