"""A service gives hours and weekdays, or the time that they are made of."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from secateur.contracts.errors import UsageError
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.serving.encoding.time_columns import with_time_columns
from secateur.serving.scorer import load

SCHEMA = FeatureSchema(
    scenario="timed",
    label="liked",
    categories=(CategoryField("hour", "context", 25, 1), CategoryField("weekday", "context", 8, 1)),
    buckets=(),
    id_key="ab" * 8,
    times={"hour": "hour_of_day", "weekday": "day_of_week"},
    timezone="Asia/Shanghai",
)
SATURDAY = datetime(2024, 3, 1, 22, 30, tzinfo=UTC)  # in Shanghai
MS = int(SATURDAY.timestamp() * 1000)
STORED = Path(__file__).parents[1] / "packages" / "8-counters"


@pytest.mark.parametrize("time", [MS, str(MS), float(MS), SATURDAY])
def test_the_time_gives_hour_and_weekday(time: object) -> None:
    made = with_time_columns({"time_ms": time, "item": [1, 2]}, SCHEMA)
    assert made == {"hour": 6, "weekday": 6, "item": [1, 2]}


def test_each_candidate_may_have_a_time_of_its_own() -> None:
    made = with_time_columns({"time_ms": [MS, MS + 3_600_000]}, SCHEMA)
    assert {name: list(column) for name, column in made.items()} == {
        "hour": [6, 7],
        "weekday": [6, 6],
    }


def test_what_is_given_is_not_made() -> None:
    given = {"hour": "5", "weekday": 1, "time_ms": MS}
    assert with_time_columns(given, SCHEMA) == {"hour": "5", "weekday": 1}
    assert with_time_columns({"hour": 5, "weekday": 1}, SCHEMA) == {"hour": 5, "weekday": 1}


@pytest.mark.parametrize("time", ["noon", None, [None], datetime(2024, 3, 1)])
def test_what_is_no_time_is_refused(time: object) -> None:
    with pytest.raises(UsageError, match="time_ms holds no milliseconds since 1970"):
        with_time_columns({"time_ms": time}, SCHEMA)


def test_a_scorer_takes_the_time_or_what_is_made_of_it() -> None:
    held = json.loads((STORED / "expected.json").read_text())
    scorer = load(STORED, id_key=held["id_key"].encode())
    columns = {n: c for n, c in held["columns"].items() if n not in ("temperature", "age")}
    told = scorer.score({**columns, "temperature": 6, "age": 6})
    np.testing.assert_array_equal(scorer.score({**columns, "time_ms": MS}), told)
    with pytest.raises(UsageError, match="missing"):
        scorer.score(columns)
