"""What must hold of an EventSet, drawn from the scenario; `running` runs it."""

from collections.abc import Mapping, Sequence

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.scenario import Features, Logs, Validation
from secateur.spark import named
from secateur.validation.drift import event_profile
from secateur.validation.running import Check
from secateur.validation.suites.row_conditions import columns_check, plain, rule_check


def events_checks(
    events: DataFrame,
    counted: Mapping[str, int],
    features: Features,
    logs: Logs,
    validation: Validation,
) -> list[Check]:
    """The suites of an EventSet that promises `counted` events by day of its window.

    Where a column is gone that every event has, there is no more to examine than that.
    """
    own = (logs.user, logs.item, "time_ms", "label", "day")
    needed = (*own, *_columns_of(features), *_columns_of_sides(logs), *_columns_watched(validation))
    names = tuple(dict.fromkeys(needed))
    columns = columns_check("columns", events, names)
    if not set(own) <= set(events.columns):
        return [columns]
    found = [
        columns,
        _events_check(events, own, counted, validation),
        _days_check(events, counted, validation),
    ]
    if validation.max_missing_rate:
        found.append(_missing_check(events, validation.max_missing_rate))
    return [*found, *(rule_check(events, rule) for rule in validation.rules)]


def _columns_of(features: Features) -> Sequence[str]:
    """The event columns that the features will be built from: a history reads its item's."""
    read = (f.name if f.kind != "history" else f.shares or f.name for f in features.fields)
    types = (f.type for f in features.fields if f.type)
    counted = (name for counter in features.counters for name in counter.columns)
    return (*read, *types, *counted, *(one.column for one in features.slices))


def _columns_of_sides(logs: Logs) -> Sequence[str]:
    return tuple(side.key for side in logs.sides)


def _columns_watched(validation: Validation) -> Sequence[str]:
    drift = validation.drift
    return (*validation.max_missing_rate, *drift.categories, *drift.numbers)


def _events_check(
    events: DataFrame, own: Sequence[str], counted: Mapping[str, int], validation: Validation
) -> Check:
    low, high = validation.label_rate
    return Check(
        "events",
        events.select(*(named(name).alias(plain(name)) for name in own)),
        (
            gxe.ExpectTableRowCountToBeBetween(min_value=validation.min_rows),
            *(gxe.ExpectColumnValuesToNotBeNull(column=plain(name)) for name in own),
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
            gxe.ExpectColumnMeanToBeBetween(column="label", min_value=low, max_value=high),
            gxe.ExpectColumnDistinctValuesToBeInSet(column="day", value_set=sorted(counted)),
        ),
    )


def _days_check(events: DataFrame, counted: Mapping[str, int], validation: Validation) -> Check:
    """Every day of the window has enough events, and as many as cleaning counted.

    A day without events has no row to fail on, so the days are those that were promised.
    """
    found = event_profile.days(events)
    days = sorted({*found, *counted})
    frame = {
        "day": days,
        "rows": [found.get(day, 0) for day in days],
        "counted": [counted.get(day, 0) for day in days],
    }
    return Check(
        "days",
        pa.table(frame).to_pandas(),
        (
            gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=validation.min_rows_a_day),
            gxe.ExpectColumnPairValuesToBeEqual(column_A="rows", column_B="counted"),
        ),
        key="day",
    )


def _missing_check(events: DataFrame, limits: Mapping[str, float]) -> Check:
    """The share of missing values by column; a column that is gone misses all."""
    present = [name for name in limits if name in events.columns]
    shares = [F.avg(F.isnull(named(name)).cast("int")) for name in present]
    found = dict(zip(present, events.agg(F.count("*"), *shares).collect()[0][1:], strict=True))
    frame = pa.table({name: [found.get(name, 1.0)] for name in limits})
    most = (
        gxe.ExpectColumnMaxToBeBetween(column=name, max_value=limit)
        for name, limit in limits.items()
    )
    return Check("share of missing values", frame.to_pandas(), tuple(most))
