"""Which usable rows say an event again, and how often it was said.

Rows are equal where all columns of `deduplicate_on` are: one that lacks any of them equals none. A
row repeats an equal one that arrived before it, on its own day or the `late_days` before, so that a
day's events depend on these days alone; in a flat log, on any day.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.events.cleaning import FILTERED, REASONS, ROW
from secateur.events.cleaning_context import Rules
from secateur.events.instants import TIME_MS, TOLD_MS
from secateur.events.raw_files import RawLog
from secateur.events.raw_rows import DAY, SOURCE
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

REPETITION = f"{INTERNAL}repetition"
EXAMPLES = 3  # of keys that stand in many rows
_SALT, _KEY, _PLACE = f"{INTERNAL}salt", f"{INTERNAL}key", f"{INTERNAL}place"


def usable_rows(marked: DataFrame, log: RawLog, rules: Rules) -> DataFrame:
    """The rows that are neither quarantined nor filtered.

    `_repetition` tells those that repeat another. Of equal rows the one that arrived first is no
    repetition; of those of one day, the first by all of the log's columns and its file.
    """
    good = marked.where((F.size(REASONS) == 0) & ~F.col(FILTERED)).drop(
        REASONS, FILTERED, ROW, TOLD_MS
    )
    keys, column = key_columns(rules), rules.cleaning.count_repetitions
    if not keys:
        return good.withColumn(REPETITION, F.lit(False))
    has_key = reduce(and_, (key.isNotNull() for key in keys))
    rest = [column_named(c) for c in log.columns if c in marked.columns]
    # Rows without a key are many, and none is sought among the others: no partition holds them all.
    salted = good.withColumn(_SALT, F.when(~has_key, F.xxhash64(*rest)))
    same = Window.partitionBy(_SALT, *keys)
    in_order = same.orderBy(DAY, *rest, TIME_MS, SOURCE)
    again = F.datediff(DAY, F.lag(DAY).over(in_order)) <= F.lit(rules.cleaning.late_days)
    if rules.logs.layout == "flat":
        again = F.lag(DAY).over(in_order).isNotNull()
    found = salted.withColumn(REPETITION, F.coalesce(has_key & again, F.lit(False)))
    if column is not None:
        rows = F.count("*").over(Window.partitionBy(_SALT, *keys, DAY))
        found = found.withColumn(column, F.when(has_key, rows).otherwise(1).cast("string"))
    return found.drop(_SALT)


def most_repeated(usable: DataFrame, rules: Rules) -> Mapping[str, Mapping[str, int]]:
    """By day, the keys (as JSON) that most rows repeat, `EXAMPLES` at most, and how many do.

    They are shown to people, and so without the user.
    """
    user = rules.logs.user
    shown = [name for name in rules.cleaning.deduplicate_on if name != user]
    parts = _columns(shown, rules) or [F.lit("a user").alias("of")]
    key = F.to_json(F.struct(*parts)).alias(_KEY)
    counted = usable.where(REPETITION).groupBy(DAY, key).count()
    most = Window.partitionBy(DAY).orderBy(F.desc("count"), _KEY)
    chosen = counted.withColumn(_PLACE, F.row_number().over(most)).where(F.col(_PLACE) <= EXAMPLES)
    found: dict[str, dict[str, int]] = {}
    for row in chosen.orderBy(DAY, _PLACE).collect():
        found.setdefault(row[DAY], {})[row[_KEY]] = row["count"]
    return found


def key_columns(rules: Rules) -> list[Column]:
    """The columns of marked rows in which rows of one event are equal; none where none is."""
    return _columns(rules.cleaning.deduplicate_on, rules)


def _columns(names: Sequence[str], rules: Rules) -> list[Column]:
    return [column_named(TIME_MS if name == rules.logs.time else name) for name in names]
