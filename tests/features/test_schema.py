"""Vocabularies, boundaries and ids, without Spark."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import Refused
from secateur.contracts.features import SPLITS, BucketField, CounterMeaning
from secateur.encoding.numbers import number_in
from secateur.encoding.scales import bucket_ids, scale
from secateur.features.columns.number_columns import (
    Sample,
    bucket_field,
    column_numbers,
    number_field,
)
from secateur.features.schema import counter_meaning, demand_event_columns
from secateur.features.split import split_days, split_hours
from secateur.scenario import Features, FieldSpec

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def sample(values: list[float]) -> Sample:
    return Sample.of(np.array(values, np.float64), np.ones(len(values), np.int64))


def spec(**settings: object) -> FieldSpec:
    return FieldSpec.model_validate({"name": "x", "owner": "item", **settings})


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(2, 20))
def test_boundaries_are_numpys_quantiles_above_the_least_value(
    values: list[float], buckets: int
) -> None:
    cuts = np.quantile(values, np.arange(1, buckets) / buckets, method="inverted_cdf")
    expected = [c for c in np.unique(cuts) if c > min(values)]
    found = bucket_field(spec(kind="bucket", buckets=buckets), sample(values)).boundaries
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
    field = bucket_field(spec(kind="bucket", buckets=10), sample(values))
    shares = np.bincount(bucket_ids(field, np.array(values)), minlength=field.size)
    assert shares[:-1].min() >= 99
    assert shares[-1] == 0


def test_a_field_without_any_number_has_one_bucket_and_one_for_missing() -> None:
    nothing = Sample.of(column_numbers(pa.array(["x", "nan", "inf"])), np.array([3, 1, 1]))
    field = bucket_field(spec(kind="bucket"), nothing)
    assert field.size == 2
    assert bucket_ids(field, column_numbers(pa.array(["x", None, "7"]))).tolist() == [1, 1, 0]
    for name in ("log", "standard", "standard_log", "quantile"):
        number = number_field(spec(kind="number", scale=name), nothing)
        assert scale(number, np.array([np.nan, np.inf])).tolist() == [0, 0]


@given(st.lists(FINITE, min_size=1, max_size=100))
def test_a_quantile_rises_from_0_at_the_least_train_value_to_1_at_the_greatest(
    values: list[float],
) -> None:
    field = number_field(spec(kind="number", scale="quantile", buckets=4), sample(values))
    found = scale(field, np.sort(np.array(values)))
    assert all(np.diff(field.knots) > 0)
    assert all(np.diff(found) >= 0)
    if len(field.knots) > 1:
        assert (found[0], found[-1]) == (0, 1)


def test_equal_numbers_deviate_by_1_and_a_number_too_great_for_float32_is_missing() -> None:
    field = number_field(spec(kind="number", scale="standard"), sample([5.0] * 3))
    assert (field.mean, field.deviation) == (5, 1)
    assert scale(field, np.array([7.0, 1e300])).tolist() == [2, 0]


def test_texts_that_spell_no_number_are_missing() -> None:
    found = column_numbers(pa.array(["1", "2.5", "-3e2", "x", None, "1"]))
    np.testing.assert_array_equal(found, [1, 2.5, -300, np.nan, np.nan, 1])
    assert np.isnan(number_in("12 apples"))


def test_the_last_days_confirm_those_before_tune_the_rest_train() -> None:
    features = Features(fields=(), tune_days=2, confirm_days=1)
    found = split_days(["d5", "d1", "d2", "d4", "d3"], features)
    assert found == {"train": ("d1", "d2"), "tune": ("d3", "d4"), "confirm": ("d5",)}
    with pytest.raises(Refused, match="none to train"):
        split_days(["d1", "d2", "d3"], features)


def features(*names: str) -> Features:
    return Features.model_validate({"fields": [{"name": n, "owner": "user"} for n in names]})


def test_the_events_have_the_columns_that_are_read() -> None:
    columns = ["uid", "tab", "label"]
    demand_event_columns(features("uid", "tab"), columns)
    with pytest.raises(Refused, match=r"no column \['page'\]"):
        demand_event_columns(features("uid", "page"), columns)
    with pytest.raises(Refused, match="label_saved"):
        demand_event_columns(features("uid", "tab"), columns, ["label_saved"])


def test_what_is_made_of_many_events_has_no_columns_name() -> None:
    seen = {"name": "tab", "owner": "user", "kind": "history", "shares": "page"}
    page = {"name": "page", "owner": "item"}
    wanted = Features.model_validate({"fields": [page, seen]})
    demand_event_columns(wanted, ["uid", "page"])
    with pytest.raises(Refused, match=r"\['tab'\] are columns of the events already"):
        demand_event_columns(wanted, ["uid", "page", "tab"])


DAY_MS = 86_400_000


def test_hours_split_the_last_day_and_what_they_reach_of_the_one_before() -> None:
    days = ("2024-03-01", "2024-03-02")
    end = 19_784 * DAY_MS + DAY_MS  # of 2024-03-02 in UTC
    hour = DAY_MS // 24
    found = split_hours(days, (end - 8 * hour, end - 3 * hour), "UTC")
    assert found.days == {"train": [*days], "tune": [days[1]], "confirm": [days[1]]}
    times = np.array([end - 8 * hour - 1, end - 8 * hour, end - 3 * hour - 1, end - 3 * hour])
    own = {split: found.rows_of(split, times).tolist() for split in SPLITS}
    assert own == {
        "train": [True, False, False, False],
        "tune": [False, True, True, False],
        "confirm": [False, False, False, True],
    }
    further = split_hours(days, (end - 30 * hour, end - 24 * hour), "UTC")
    assert further.days == {"train": [days[0]], "tune": [days[0]], "confirm": [days[1]]}
    with pytest.raises(Refused, match="no hour to train on"):
        split_hours(days, (end - 48 * hour, end - hour), "UTC")


def test_a_schema_says_what_its_counters_mean() -> None:
    fields = [{"name": "item", "owner": "item"}]
    counter = {"keys": ["item"], "owner": "item", "prior_rate": 0.2, "prior_events": 5}
    windows = (
        {"of": "stay", "at_least": 2.5, "last": 3},
        {"window_days": 30, "freshness": "day"},
        {"window_hours": 3},
        {"within": "session"},
    )
    made = Features.model_validate(
        {"fields": fields, "counters": [{**counter, **one} for one in windows]}
    )
    week, longer, hours, session = (counter_meaning(c, made, 14) for c in made.counters)
    inputs = {"events": "item_7d_last3_stay_from_2.5_events"}
    inputs["rate"] = "item_7d_last3_stay_from_2.5_rate"
    assert week == CounterMeaning(
        ("item",), inputs, "event", 5, 0.2, window_days=7, last=3, of="stay", at_least=2.5
    )
    assert (longer.window_days, longer.freshness) == (14, "day")  # what a night reads
    assert (hours.window_days, hours.window_hours) == (None, 3)
    assert (session.within, session.session_gap_minutes) == ("session", 30)
    named = made.model_copy(update={"session_column": "visit"})
    assert counter_meaning(made.counters[3], named, 14).session_column == "visit"
