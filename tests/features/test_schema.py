"""Vocabularies, boundaries and ids, without Spark."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import Refused, ScenarioError
from secateur.contracts.features import BucketField
from secateur.features.counting import Counts, number_of, quantile_boundaries
from secateur.features.encoding import bucket_ids, numbers
from secateur.features.schema import demand_fields
from secateur.features.split import split_days
from secateur.scenario import Features

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def counts_of(values: list[float]) -> Counts:
    distinct, rows = np.unique(np.array(values), return_counts=True)
    return Counts(pa.array([repr(float(v)) for v in distinct]), pa.array(rows))


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(2, 20))
def test_boundaries_are_numpys_quantiles_above_the_least_value(
    values: list[float], buckets: int
) -> None:
    cuts = np.quantile(values, np.arange(1, buckets) / buckets, method="inverted_cdf")
    expected = [c for c in np.unique(cuts) if c > min(values)]
    found = quantile_boundaries(counts_of(values), buckets)
    assert list(found) == expected
    assert all(np.diff(found) > 0)


@given(st.lists(FINITE, max_size=20), st.lists(FINITE | st.just(float("nan")), max_size=50))
def test_a_bucket_is_the_number_of_boundaries_at_or_below(
    cuts: list[float], values: list[float]
) -> None:
    field = BucketField("x", "item", tuple(sorted(set(cuts))))
    ids = bucket_ids(field, np.array(values, dtype=np.float64))
    expected = [
        field.oov if np.isnan(v) else sum(cut <= v for cut in field.boundaries) for v in values
    ]
    assert ids.tolist() == expected
    assert ids.dtype == np.int32


def test_every_bucket_holds_about_its_share_of_the_rows() -> None:
    values = [float(v) for v in range(1000)]
    field = BucketField("x", "item", quantile_boundaries(counts_of(values), 10))
    shares = np.bincount(bucket_ids(field, np.array(values)), minlength=field.size)
    assert shares[:-1].min() >= 99
    assert shares[-1] == 0


def test_a_field_without_any_number_has_one_bucket_and_one_for_missing() -> None:
    nothing = Counts(pa.array(["x", "nan"]), pa.array([3, 1]))
    field = BucketField("x", "item", quantile_boundaries(nothing, 8))
    assert field.size == 2
    assert bucket_ids(field, numbers(pa.array(["x", None, "7"]))).tolist() == [1, 1, 0]


def test_texts_that_spell_no_number_are_missing() -> None:
    found = numbers(pa.array(["1", "2.5", "-3e2", "x", None, "1"]))
    np.testing.assert_array_equal(found, [1, 2.5, -300, np.nan, np.nan, 1])
    assert np.isnan(number_of("12 apples"))


def test_the_last_days_confirm_those_before_tune_the_rest_train() -> None:
    features = Features(fields=(), tune_days=2, confirm_days=1)
    found = split_days(["d5", "d1", "d2", "d4", "d3"], features)
    assert found == {"train": ("d1", "d2"), "tune": ("d3", "d4"), "confirm": ("d5",)}
    with pytest.raises(Refused, match="none to train"):
        split_days(["d1", "d2", "d3"], features)


def features(*names: str, hashed: str = "uid") -> Features:
    fields = [{"name": n, "owner": "user", "hashed": n == hashed} for n in names]
    return Features.model_validate({"fields": fields})


def test_fields_are_checked_against_the_events() -> None:
    columns = ["uid", "tab", "label"]
    demand_fields(features("uid", "tab"), "uid", columns)
    with pytest.raises(Refused, match=r"no column \['page'\]"):
        demand_fields(features("uid", "page"), "uid", columns)
    with pytest.raises(ScenarioError, match="label"):
        demand_fields(features("uid", "label"), "uid", columns)
    with pytest.raises(ScenarioError, match="twice"):
        demand_fields(features("uid", "tab", "tab"), "uid", columns)
    for wrong in (features("uid", "tab", hashed="tab"), features("uid", hashed="")):
        with pytest.raises(ScenarioError, match="hashed = true is for uid"):
            demand_fields(wrong, "uid", columns)
