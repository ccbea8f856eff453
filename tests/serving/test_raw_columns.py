"""However a caller holds a column, its ids are those of its values one by one."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secateur.contracts.features import BucketField, CategoryField
from secateur.encoding.numbers import number_of
from secateur.encoding.spelling import canonical
from secateur.serving.encoding.encoders import BucketEncoder, CategoryEncoder
from secateur.serving.encoding.number_encoder import numbers_of
from secateur.serving.encoding.raw_columns import MANY, single
from secateur.serving.encoding.request_columns import Columns, IdColumns, candidates

Level = IntEnum("Level", {"LOW": 3, "HIGH": 4})

VOCABULARIES = [
    ["7", "-3", "0", "007", "3.5", "NORMAL", "a b", "10000000000000000", "yes", "1", "é", "0.1"],
    [str(n) for n in range(-5, 30)],
    ["9155697141", "6355810746", "6618412736", str(2**63), str(-(2**63)), str(2**63 - 1)],
    ["NORMAL", "AD"],
    [],
]
whole = st.integers(-40, 40) | st.sampled_from(
    [2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 10**400, 9155697141]
)
weird = st.one_of(
    whole,
    st.none(),
    st.booleans(),
    st.floats(),
    st.sampled_from([-0.0, 7.0, 1e16, float("nan"), float("inf")]),
    st.sampled_from(["07", "7.0", " 7 ", "", "  ", "-0", "-0.0", "nan", "NORMAL", "é", "e\u0301"]),
    st.sampled_from([b"7", "7", np.int64(7), np.float32(7), np.str_("7"), np.bool_(1), Level.LOW]),
    st.sampled_from(["true", "False", "1e-05", "1.0E7", np.float32(0.1), 0.10000000149011612]),
    st.text(max_size=3),
)
columns = st.lists(whole, max_size=12) | st.lists(weird, max_size=12)


def one_by_one(vocabulary: Sequence[str], values: Sequence[object]) -> list[int]:
    """As the vocabulary was made, by the canonical spelling."""
    ids = {value: i for i, value in enumerate(vocabulary)}
    return [ids.get(canonical(value) or "", len(vocabulary)) for value in values]


@example(VOCABULARIES[0], [np.bool_(1), np.bool_(0)])
@example(VOCABULARIES[0], ["NORMAL", -0.0, 7, 7.0, True, None])
@example(VOCABULARIES[0], [7, "NORMAL", "7.0", None, -0.0])
@given(st.sampled_from(VOCABULARIES), columns)
def test_any_list_has_the_ids_of_its_values(vocabulary: list[str], values: list[object]) -> None:
    encoder = CategoryEncoder(vocabulary)
    assert encoder.encode(values).tolist() == one_by_one(vocabulary, values)
    assert encoder.encode(tuple(values)).tolist() == one_by_one(vocabulary, values)


integers = [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64]


@given(st.sampled_from(VOCABULARIES), st.sampled_from(integers), st.lists(whole, max_size=12))
def test_an_array_of_any_kind_has_the_ids_of_its_values(
    vocabulary: list[str], kind: type[np.integer[Any]], values: list[int]
) -> None:
    bounds = np.iinfo(kind)
    array = np.array([v for v in values if bounds.min <= v <= bounds.max], kind)
    expected = one_by_one(vocabulary, array.tolist())
    assert CategoryEncoder(vocabulary).encode(array).tolist() == expected
    strided = np.repeat(array, 2)[::2]
    assert CategoryEncoder(vocabulary).encode(strided).tolist() == expected


@given(st.lists(weird, max_size=12))
def test_any_list_has_the_numbers_of_its_values(values: list[object]) -> None:
    expected = [number_of(value) for value in values]
    assert np.array_equal(numbers_of(values), expected, equal_nan=True)


DATE, MOMENT = np.datetime64("2024-03-01"), np.datetime64("2024-03-01T00:00:00")


@pytest.mark.parametrize(
    "values",
    [
        [2**63, 2.0**63],
        [2.0**63, 2**63, 2.0**63],
        [DATE, MOMENT],
        [MOMENT, DATE],
        np.array([MOMENT, MOMENT], "datetime64[ns]"),
        pd.Series([7, None], dtype="Int64"),
        pd.Series([None, "7.0"], dtype="string"),
        pd.Series([True, None, True], dtype="boolean"),
    ],
    ids=repr,
)
def test_values_that_seem_equal_have_each_the_id_of_its_own_spelling(values: Any) -> None:
    known = ["7", "1", str(2**63), f"{2**63 // 1000 + 1}000", "2024-03-01", "2024-03-01 00:00:00"]
    side = IdColumns((CategoryField("c", "item", len(known) + 1, 1),))
    encoders = {"c": CategoryEncoder(known)}
    expected = one_by_one(known, list(values))
    assert set(expected) & set(range(len(known)))
    assert side.ids_by_row({"c": values}, encoders, len(values))[:, 0].tolist() == expected
    once = side.shared_ids({"c": values}, encoders)
    assert once is None or {once.item()} == set(expected)


def test_a_number_beyond_all_doubles_is_in_the_last_bucket() -> None:
    encoder = BucketEncoder(BucketField("x", "item", (1.0, 2.0)))
    assert encoder.encode([10**400, -(10**400), 1.5]).tolist() == [2, 0, 1]
    assert [encoder.id_of(10**400), encoder.id_of(-(10**400))] == [2, 0]


FIELDS = (BucketField("age", "user", (1.0, 7.0)), BucketField("size", "item", ()))
SHAPES: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    lambda v: np.array(v, object),
    lambda v: np.array(v, np.float64),
    lambda v: np.array(v, np.float32),
]


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 1.0, 6.5, 7.0, 8.0]), min_size=1, max_size=6),
    st.sampled_from(SHAPES),
)
def test_a_side_says_once_what_is_the_same_for_all(
    values: list[float], shape: Callable[[list[Any]], Any]
) -> None:
    side = IdColumns(FIELDS)
    encoders = {field.name: BucketEncoder(field) for field in FIELDS}
    ages, sizes = [sum(b <= v for b in (1.0, 7.0)) for v in values], [0] * len(values)
    given: Columns = {"age": shape(values), "size": 3.0}
    expected = [list(pair) for pair in zip(ages, sizes, strict=True)]
    assert candidates(given, {}) == len(values)
    assert side.ids_by_row(given, encoders, len(values)).tolist() == expected
    once = side.shared_ids(given, encoders)
    if len(set(values)) == 1:
        assert once is not None
        assert once.tolist() == expected[:1]
    else:
        assert once is None


@pytest.mark.parametrize("column", [[], [1, 2], [1, "1"], (), np.array([1, 2]), [[1], [2]]])
def test_many_values_are_not_one(column: object) -> None:
    assert single(column) is MANY


@pytest.mark.parametrize("column", [7, [7], [7, 7], (7, 7.0), np.array([7, 7]), np.full(3, 7.0)])
def test_one_value_is_found(column: object) -> None:
    assert single(column) == 7
    assert type(single(column)) in (int, float)
