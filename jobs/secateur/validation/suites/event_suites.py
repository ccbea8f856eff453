"""What must hold of an EventSet, drawn from the scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.scenario import Features, Logs, Validation
from secateur.scenario.sections.validation import LEAST_SHARE
from secateur.spark import column_named
from secateur.validation.suite_runner import Suite
from secateur.validation.suites.row_conditions import columns_suite, plain_name, rule_suite


@dataclass(frozen=True)
class RowsByDay:
    """Rows of an EventSet by day: those that are there, and those that cleaning counted."""

    found: Mapping[str, int]
    counted: Mapping[str, int]


def event_suites(
    events: DataFrame,
    days: RowsByDay,
    features: Features,
    logs: Logs,
    validation: Validation,
    context: bool = False,
) -> list[Suite]:
    """The suites of an EventSet.

    With `context`, some events have no label.
    Where a column is gone that every event has, there is no more to examine than that.
    """
    own = (logs.user, logs.item, "time_ms", "label", "day")
    drift, sides = validation.drift, (side.key for side in logs.sides)
    limited = (*validation.max_missing_rate, *drift.categories, *drift.numbers)
    needed = dict.fromkeys((*own, *_columns_of(features), *sides, *limited))
    columns = columns_suite("columns", events, tuple(needed))
    if not set(own) <= set(events.columns):
        return [columns]
    suites = [
        columns,
        _events_suite(events, own, days.counted, validation, context),
        _days_suite(days, validation),
    ]
    if validation.max_missing_rate:
        suites.append(_missing_suite(events, validation.max_missing_rate))
    return [*suites, *(rule_suite(events, rule) for rule in validation.rules)]


def _columns_of(features: Features) -> Sequence[str]:
    """The event columns that the features will be built from: a history reads its item's."""
    histories = (f.shares or f.name for f in features.fields if f.kind == "history")
    read = (*(f.name for f in features.fields if f.is_column), *histories)
    types = (f.type for f in features.fields if f.type)
    keys = (name for counter in features.counters for name in counter.columns)
    counted = (name for name in keys if name not in features.times)
    return (*read, *types, *counted, *(one.column for one in features.slices))


def _events_suite(
    events: DataFrame,
    own: Sequence[str],
    counted: Mapping[str, int],
    validation: Validation,
    context: bool,
) -> Suite:
    low, high = validation.label_rate
    told = [name for name in own if name != "label" or not context]
    return Suite(
        "events",
        events.select(*(column_named(name).alias(plain_name(name)) for name in own)),
        (
            gxe.ExpectTableRowCountToBeBetween(min_value=validation.min_rows),
            *(gxe.ExpectColumnValuesToNotBeNull(column=plain_name(name)) for name in told),
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
            gxe.ExpectColumnMeanToBeBetween(column="label", min_value=low, max_value=high),
            gxe.ExpectColumnDistinctValuesToBeInSet(column="day", value_set=sorted(counted)),
        ),
    )


def _days_suite(by_day: RowsByDay, validation: Validation) -> Suite:
    """Every day of the window has enough events, and as many as cleaning counted.

    A day without events has no row to fail on, so the days are those that were promised.
    """
    found, counted = by_day.found, by_day.counted
    days = sorted({*found, *counted})
    rows = [found.get(day, 0) for day in days]
    frame = {
        "day": days,
        "rows": rows,
        "counted": [counted.get(day, 0) for day in days],
    }
    typical = median(rows) if days else 0
    least = validation.min_rows_a_day or max(1, ceil(LEAST_SHARE * typical))
    return Suite(
        "days",
        pa.table(frame).to_pandas(),
        (
            gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=least),
            gxe.ExpectColumnPairValuesToBeEqual(column_A="rows", column_B="counted"),
        ),
        key="day",
    )


def _missing_suite(events: DataFrame, limits: Mapping[str, float]) -> Suite:
    """The share of missing values by column; a column that is gone misses all."""
    present = [name for name in limits if name in events.columns]
    shares = [F.avg(F.isnull(column_named(name)).cast("int")) for name in present]
    found = dict(zip(present, events.agg(F.count("*"), *shares).collect()[0][1:], strict=True))
    frame = pa.table({name: [found.get(name, 1.0)] for name in limits})
    most = (
        gxe.ExpectColumnMaxToBeBetween(column=name, max_value=limit)
        for name, limit in limits.items()
    )
    return Suite("share of missing values", frame.to_pandas(), tuple(most))
