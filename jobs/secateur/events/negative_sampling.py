"""Negative sampling, for a log that holds positives only.

For every positive (user u, item i, time t) of day d, up to `per_positive` distinct items are drawn
from those with a positive on the `days` days strictly before d, each with the chance

    (positives of the item on those days) ^ power    /  the sum of that over all items

(power 1 is popularity, 0 uniform; 0.75 as in Mikolov et al. 2013). What u took itself, in the
window or up to day d, is never drawn; such a draw is thrown away and the next one counts. Draw k is
a hash of the seed, the positive and k, so it depends on no order and on no partition. The first
day has nothing before it, and gets no negatives; where the draws give fewer items than wished for,
there are fewer negatives, and the counts say how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import DAY_FOLDER, EVENTS
from secateur.contracts.data import CleaningCounts
from secateur.events.clean_days import rows_in
from secateur.events.cleaning_context import CleaningContext
from secateur.events.event_set import event_files
from secateur.events.raw_rows import DAY
from secateur.scenario import Negatives, PurchaseLabel
from secateur.spark import column_named, move_part, quoted_name, read_parquet, write_days

_DRAWS_A_WISH = 6  # draws for one negative: most of what a user did not take is drawn at once
_CHANCE, _DRAW, _ITEM, _WEIGHT, _AT = "_chance", "_draw", "_item", "_weight", "_at"
_MANTISSA_BITS = 53  # of a double


@dataclass(frozen=True)
class UserItemColumns:
    """The names of the log's user and item column."""

    user: str
    item: str


def sample_negatives(
    context: CleaningContext, seed: int, counts: CleaningCounts, folder: Path
) -> CleaningCounts:
    """Replace the positives below an EventSet's `folder` by positives and sampled negatives.

    Gives the counts with what was drawn. Changes nothing where the label is not that of a purchase.
    """
    label, logs = context.rules.label, context.rules.logs
    if not isinstance(label, PurchaseLabel):
        return counts
    positives = read_parquet(context.spark, event_files(folder))
    events = add_negatives(positives, UserItemColumns(logs.user, logs.item), label.negatives, seed)
    order = list(dict.fromkeys(map(quoted_name, ("time_ms", *events.columns))))
    written = write_days(events.repartition(DAY), order, context.scratch / "sampled")
    days = {day: rows_in(file) for day, file in written.items()}
    for day, file in written.items():
        move_part(file, folder / EVENTS / f"{DAY_FOLDER}{day}")
    sampled = sum(days.values()) - counts.events
    undrawn = counts.events * label.negatives.per_positive - sampled
    return replace(
        counts, days=counts.days | days, events=sum(days.values()), sampled=sampled, undrawn=undrawn
    )


def add_negatives(
    positives: DataFrame, columns: UserItemColumns, rule: Negatives, seed: int
) -> DataFrame:
    """The positives and their sampled negatives, with the columns that both can have.

    `positives` hold `time_ms`, `label` 1, `day`, and strings.
    """
    names = (columns.user, columns.item, *rule.shared, *rule.item_columns)
    kept = [column_named(name) for name in names] + [F.col(c) for c in ("time_ms", "label", DAY)]
    drawn = _draw(positives, _popularity(positives, columns, rule), columns, rule, seed)
    fresh = _without_taken(drawn, positives, columns, rule)
    first = Window.partitionBy(_AT, columns.user).orderBy(_DRAW)
    chosen = fresh.withColumn("_place", F.row_number().over(first))
    negatives = chosen.where(F.col("_place") <= rule.per_positive).withColumn("label", F.lit(0))
    return positives.select(*kept).unionByName(negatives.select(*kept))


def _popularity(positives: DataFrame, columns: UserItemColumns, rule: Negatives) -> DataFrame:
    """Weight and latest item columns of every item, by each day that may draw it."""
    latest = F.struct("time_ms", *map(column_named, rule.item_columns))
    daily = positives.groupBy(column_named(columns.item).alias(_ITEM), DAY).agg(
        F.count("*").alias("rows"), F.max(latest).alias("latest")
    )
    start = F.to_date(DAY)
    later = F.sequence(F.date_add(start, 1), F.date_add(start, rule.days))
    asked = daily.select(_ITEM, "rows", "latest", F.explode(later).alias("_date"))
    asked = asked.withColumn(DAY, F.date_format("_date", "yyyy-MM-dd"))
    weight = F.pow(F.sum("rows").cast("double"), F.lit(rule.power)).alias(_WEIGHT)
    by_item = asked.groupBy(DAY, _ITEM).agg(weight, F.max("latest").alias("latest"))
    described = (F.col("latest")[name].alias(name) for name in rule.item_columns)
    return by_item.select(DAY, _ITEM, _WEIGHT, *described)


def _draw(
    positives: DataFrame, popular: DataFrame, columns: UserItemColumns, rule: Negatives, seed: int
) -> DataFrame:
    """Draws that are no positive of the day's own: one row each, numbered from 0."""
    event = F.xxhash64(F.lit(seed), *map(column_named, positives.columns)).alias(_AT)
    shared = [
        column_named(columns.user),
        *map(column_named, rule.shared),
        F.col("time_ms"),
        F.col(DAY),
    ]
    each = F.explode(F.sequence(F.lit(0), F.lit(_DRAWS_A_WISH * rule.per_positive - 1)))
    asked = positives.select(*shared, event).select("*", each.alias(_DRAW))
    upper_bits = F.shiftrightunsigned(F.xxhash64(_AT, _DRAW), 64 - _MANTISSA_BITS)
    asked = asked.withColumn(_CHANCE, upper_bits / F.lit(float(1 << _MANTISSA_BITS)))  # in [0, 1)
    fields = [f"{quoted_name(f.name)} {f.dataType.simpleString()}" for f in asked.schema]
    described = [f"{quoted_name(name)} string" for name in (columns.item, *rule.item_columns)]
    take = partial(_take, [*rule.item_columns], columns.item)
    schema = ", ".join([*fields, *described])
    by_day = asked.groupBy(DAY).cogroup(popular.groupBy(DAY))
    return by_day.applyInArrow(take, schema)


def _take(described: Sequence[str], item: str, asked: pa.Table, popular: pa.Table) -> pa.Table:
    """The item that each draw's chance falls on, for the draws and the items of one day.

    `asked` [n] has a draw a row, with its chance (float64); `popular` [m] an item a row, with its
    weight (float64). Gives `asked` with the item and its columns `described` (strings), no row
    where there is no item.
    """
    popular = popular.sort_by(_ITEM)
    if not popular.num_rows:
        asked = asked.slice(0, 0)
    bounds = np.cumsum(popular[_WEIGHT].to_numpy())
    total = bounds[-1] if len(bounds) else 0.0
    found = np.searchsorted(bounds, asked[_CHANCE].to_numpy() * total, side="right")
    rows = popular.take(pa.array(np.minimum(found, len(bounds) - 1)))
    table = asked.append_column(item, rows[_ITEM])
    for name in described:
        table = table.append_column(name, rows[name].cast(pa.string()))
    return table.filter(pc.is_valid(table[item]))


def _without_taken(
    drawn: DataFrame, positives: DataFrame, columns: UserItemColumns, rule: Negatives
) -> DataFrame:
    """Draws of items that the user did not take, the first of each item for a positive."""
    user, item = column_named(columns.user), column_named(columns.item)
    taken = positives.groupBy(user.alias("_user"), item.alias("_taken")).agg(
        F.min(DAY).alias("_since")
    )
    same = (user == F.col("_user")) & (item == F.col("_taken"))
    if rule.exclude == "past":
        same = same & (F.col("_since") <= F.col(DAY))
    free = drawn.join(taken, same, "left_anti")
    once = Window.partitionBy(_AT, columns.user, columns.item).orderBy(_DRAW)
    return free.withColumn("_again", F.row_number().over(once)).where("_again = 1")
