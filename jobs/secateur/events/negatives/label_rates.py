"""What drawn negatives tell of the label: by day, and by the age of the item at the event."""

from collections.abc import Callable, Iterable
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.data import AGES, HISTORY_ONLY, DrawnCounts, RowCounts
from secateur.events.negatives.candidates import DrawingRule
from secateur.events.raw_rows import DAY
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

_HOUR_MS = 3_600_000
_FIRST, _ITEM = f"{INTERNAL}first", f"{INTERNAL}item"


def count_rows(events: DataFrame, rule: DrawingRule) -> DrawnCounts:
    """Count an EventSet's positives that are no rows, and its rows by day and by item age.

    An item's age is the time since its first positive in the window.
    """
    positives = events.where("label = 1")
    reasons = positives.groupBy(HISTORY_ONLY).agg(F.count("*").alias("rows")).collect()
    told = sorted((row for row in reasons if row[HISTORY_ONLY]), key=lambda row: row[HISTORY_ONLY])
    item = column_named(rule.logs.item)
    first = positives.groupBy(item.alias(_ITEM)).agg(F.min(rule.known_from()).alias(_FIRST))
    rows = events.where(F.col(HISTORY_ONLY).isNull())
    aged = rows.join(first, item == F.col(_ITEM), "left")
    return DrawnCounts(
        positives=sum(row["rows"] for row in reasons),
        history_only={row[HISTORY_ONLY]: row["rows"] for row in told},
        days=_by(aged, F.col(DAY), sorted),
        ages=_by(aged, _age(), partial(sorted, key=list(AGES).index)),
    )


def _age() -> Column:
    """The bin of the time from the item's first positive to the event, by its name."""
    hours = (F.col("time_ms") - F.col(_FIRST)) / _HOUR_MS
    bins = F.lit(list(AGES)[-1])
    for name, end in reversed(list(AGES.items())[:-1]):
        bins = F.when(hours < end, F.lit(name)).otherwise(bins)
    return bins


def _by(
    rows: DataFrame, key: Column, order: Callable[[Iterable[str]], list[str]]
) -> dict[str, RowCounts]:
    """Rows and positives by a few values, in their order."""
    counted = rows.groupBy(key.alias("key")).agg(
        F.count("*").alias("rows"), F.sum("label").alias("positives")
    )
    found = {row["key"]: RowCounts(row["rows"], row["positives"]) for row in counted.collect()}
    return {key: found[key] for key in order(found)}
