"""What a list, a history and a vector may look like, and what numbers become."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import UsageError
from secateur.contracts.features import ListField, NumberField, VectorField
from secateur.serving.encoding.encoders import CategoryEncoder
from secateur.serving.encoding.number_encoder import NumberEncoder
from secateur.serving.encoding.sequences import encode_list, encode_vector

KNOWN = ["a", "b", "7", "c"]
TAGS = ListField("tags", "item", 5, 3, "|")
SEEN = ListField("seen", "user", 5, 3, None, shares="item", history=True)
PLACE = VectorField("place", "context", 2, ",")


def ids(field: ListField, column: object) -> list[list[int]]:
    padded = encode_list(field, CategoryEncoder(KNOWN).encode, column)
    assert padded.dtype == np.int32
    return [[i for i in row if i >= 0] for row in padded.tolist()]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([["a", "b"], ["c"], [], None], [[0, 1], [3], [], []]),
        (["a|b", "c", "", None], [[0, 1], [3], [], []]),
        ([["a"], "b|c"], [[0], [1, 3]]),
        ([["a"], 7], [[0], [2]]),
        (["a|b", 7.0, float("nan")], [[0, 1], [2], []]),
        ("a|7.0|x", [[0, 2, 4]]),
        (None, [[]]),
        ([], [[]]),
        ([7, 7.0], [[2, 2]]),
        (np.array(["a|b", "c"], object), [[0, 1], [3]]),
        ([np.array(["a", "b"], object)], [[0, 1]]),
        ([["a", None, float("nan"), "", "b"]], [[0, 1]]),
        (["a| |b"], [[0, 1]]),
        ([["a", "b", "c", "7"]], [[0, 1, 3]]),
    ],
)
def test_a_list_is_rows_of_values_or_of_texts(column: object, expected: list[list[int]]) -> None:
    assert ids(TAGS, column) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["a", "b"], [[0, 1]]),
        (["a", "b", "c", "7"], [[1, 3, 2]]),
        ([["a", "b", "c", "7"], ["x"]], [[1, 3, 2], [4]]),
        (("c",), [[3]]),
        ([None, ["a"]], [[], [0]]),
    ],
)
def test_a_history_is_its_last_items_and_may_stand_for_all(
    column: object, expected: list[list[int]]
) -> None:
    assert ids(SEEN, column) == expected


@pytest.mark.parametrize(
    ("field", "column", "message"),
    [
        (SEEN, "a b", "'a b' is no row"),
        (SEEN, [["a"], "b"], "'b' is no row"),
        (TAGS, 7, "holds 7, where a sequence belongs"),
        (SEEN, [["a"], 7], "7 is no row"),
    ],
)
def test_what_is_no_list_is_refused(field: ListField, column: object, message: str) -> None:
    with pytest.raises(UsageError, match=f"column {field.name}.*{message}"):
        ids(field, column)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([[1, 2], [3, 4.5]], [[1, 2], [3, 4.5]]),
        (np.array([[1, 2], [3, 4]], np.float32), [[1, 2], [3, 4]]),
        ([1.5, 2], [[1.5, 2]]),
        (["1,2", " 3, 4", "", None], [[1, 2], [3, 4], [0, 0], [0, 0]]),
        ("1,2", [[1, 2]]),
        ([[1, None], [1, float("inf")], ["1", "x"]], [[0, 0]] * 3),
    ],
)
def test_a_vector_is_numbers_or_text_and_zeros_where_missing(
    column: object, expected: list[list[float]]
) -> None:
    found = encode_vector(PLACE, column)
    assert found.dtype == np.float32
    assert found.tolist() == expected


def test_a_vector_of_another_length_is_zeros_as_it_was_in_training() -> None:
    found = encode_vector(PLACE, [[1, 2], [1, 2, 3], [1], "1,2,3", np.array([1.0])])
    assert found.tolist() == [[1, 2], *[[0, 0]] * 4]


@pytest.mark.parametrize("column", [[[-0.0, -1e-50]], ["-0.0,-0"], [np.array([-0.0, -0.0])]])
def test_a_zero_of_a_vector_has_no_sign_as_it_has_none_in_training(column: object) -> None:
    assert not np.signbit(encode_vector(PLACE, column)).any()


def test_what_is_no_vector_is_refused() -> None:
    with pytest.raises(UsageError, match="column place: 7 is no row"):
        encode_vector(PLACE, [[1, 2], 7])


numbers = st.floats(-1e6, 1e6)
raw = st.one_of(numbers, st.none(), st.just(float("nan")), numbers.map(str), st.just("many"))
rising = st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=6, unique=True).map(sorted)


def spelled(value: float | str | None) -> float | None:
    try:
        number = float("nan" if value is None else value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


@given(st.lists(raw), st.floats(-10, 10), st.sampled_from([0.0, 0.5, 3.0]))
def test_numbers_are_scaled_as_the_contract_says(
    values: list[float | str | None], mean: float, deviation: float
) -> None:
    log, standard, both = (
        NumberEncoder(NumberField("x", "item", scale, mean, deviation)).encode(values)  # type: ignore[arg-type]
        for scale in ("log", "standard", "standard_log")
    )
    known = [spelled(value) for value in values]
    logs = [0.0 if x is None else math.copysign(math.log(1 + abs(x)), x) for x in known]
    standards = [0.0 if x is None else (x - mean) / (deviation or 1) for x in known]
    boths = [
        0.0 if x is None else (logged - mean) / (deviation or 1)
        for x, logged in zip(known, logs, strict=True)
    ]
    assert log.dtype == standard.dtype == both.dtype == np.float32
    assert both.tolist() == pytest.approx(boths, rel=1e-5, abs=1e-6)
    assert log.tolist() == pytest.approx(logs, rel=1e-6, abs=1e-9)
    assert standard.tolist() == pytest.approx(standards, rel=1e-6, abs=1e-9)


@given(rising, st.lists(st.floats(-200, 200), min_size=1))
def test_a_quantile_is_linear_between_knots(knots: list[float], values: list[float]) -> None:
    field = NumberField("x", "item", "quantile", knots=tuple(knots))
    found = NumberEncoder(field).encode([*knots, *values])
    shares = [i / (len(knots) - 1) for i in range(len(knots))]
    assert found[: len(knots)].tolist() == pytest.approx(shares, abs=1e-6)
    for x, share in zip(values, found[len(knots) :].tolist(), strict=True):
        below = sum(knot <= x for knot in knots)
        if below in (0, len(knots)):
            assert share == (below > 0)
        else:
            assert shares[below - 1] - 1e-6 <= share <= shares[below] + 1e-6
