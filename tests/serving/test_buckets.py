"""Buckets in constant time are those of a count by hand, for all boundaries and all numbers."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from secateur.serving.encoding import buckets
from secateur.serving.encoding.buckets import Buckets

EXTREMES = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1.7e308]

doubles = st.floats(allow_nan=False)
boundaries = st.lists(
    st.one_of(doubles, st.floats(0, 1000), st.integers(0, 20).map(float)), unique=True, max_size=12
).map(sorted)


def by_hand(edges: list[float], number: float) -> int:
    return len(edges) + 1 if math.isnan(number) else sum(edge <= number for edge in edges)


@given(st.lists(boundaries, min_size=1, max_size=4), st.lists(st.floats(), max_size=8))
def test_a_bucket_is_the_number_of_boundaries_reached(
    fields: list[list[float]], others: list[float]
) -> None:
    rows = []
    for edges in fields:
        beside = [math.nextafter(edge, to) for edge in edges for to in (-math.inf, math.inf)]
        rows.append([*edges, *beside, *others, *EXTREMES, -math.nan])
    width = max(map(len, rows))
    numbers = np.array([row + [1.0] * (width - len(row)) for row in rows])
    expected = [[by_hand(e, x) for x in row] for e, row in zip(fields, numbers, strict=True)]
    assert Buckets(fields).ids(numbers).tolist() == expected


def test_quantiles_of_counts_rates_and_durations_need_few_cells() -> None:
    counts = [0.0, 1.0, 2.0, 5.0, 20.0, 100.0, 1000.0]
    rates = [0.0, 0.12, 0.1931, 0.25, 0.31, 0.3105, 0.42, 0.9]
    durations = [float(x) for x in np.geomspace(3000, 400_000, 31).round()]
    found = Buckets([counts, rates, durations])
    assert not found._bisected
    assert found.resident_bytes < 12 * buckets.MOST_CELLS


def test_boundaries_too_close_to_each_other_are_bisected() -> None:
    edges = [1.0, math.nextafter(1.0, 2), 1e300]
    found = Buckets([[5.0], edges])
    assert [*found._bisected] == [1]
    numbers = np.array([[4.9, 5.0, math.nan], [1.0, math.nextafter(1.0, 2), math.nan]])
    assert found.ids(numbers).tolist() == [[0, 1, 2], [1, 2, 4]]
