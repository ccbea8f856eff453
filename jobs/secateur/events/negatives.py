"""Sampled negatives for a log that holds positives only.

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
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.events.reading import DAY
from secateur.scenario import Negatives
from secateur.spark import named

_DRAWS_A_WISH = 6  # draws for one negative: most of what a user did not take is drawn at once
_CHANCE, _DRAW, _ITEM, _WEIGHT, _AT = "_chance", "_draw", "_item", "_weight", "_at"
_TOP_53_BITS = 11


@dataclass(frozen=True)
class Columns:
    """The names of the log's user and item column."""

    user: str
    item: str


def add_negatives(positives: DataFrame, columns: Columns, rule: Negatives, seed: int) -> DataFrame:
    """The positives and their sampled negatives, with the columns that both can have.

    `positives` hold `time_ms`, `label` 1, `day`, and strings.
    """
    names = (columns.user, columns.item, *rule.shared, *rule.item_columns)
    kept = [named(name) for name in names] + [F.col(c) for c in ("time_ms", "label", DAY)]
    drawn = _draw(positives, _popularity(positives, columns, rule), columns, rule, seed)
    fresh = _without_taken(drawn, positives, columns, rule)
    first = Window.partitionBy(_AT, columns.user).orderBy(_DRAW)
    chosen = fresh.withColumn("_place", F.row_number().over(first))
    negatives = chosen.where(F.col("_place") <= rule.per_positive).withColumn("label", F.lit(0))
    return positives.select(*kept).unionByName(negatives.select(*kept))


def _popularity(positives: DataFrame, columns: Columns, rule: Negatives) -> DataFrame:
    """Weight and latest item columns of every item, by each day that may draw it."""
    latest = F.struct("time_ms", *map(named, rule.item_columns))
    daily = positives.groupBy(named(columns.item).alias(_ITEM), DAY).agg(
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
    positives: DataFrame, popular: DataFrame, columns: Columns, rule: Negatives, seed: int
) -> DataFrame:
    """Draws that are no positive of the day's own: one row each, numbered from 0."""
    event = F.xxhash64(F.lit(seed), *map(named, positives.columns)).alias(_AT)
    shared = [named(columns.user), *map(named, rule.shared), F.col("time_ms"), F.col(DAY)]
    each = F.explode(F.sequence(F.lit(0), F.lit(_DRAWS_A_WISH * rule.per_positive - 1)))
    asked = positives.select(*shared, event).select("*", each.alias(_DRAW))
    asked = asked.withColumn(_CHANCE, _uniform(F.xxhash64(_AT, _DRAW)))
    fields = [f"`{f.name}` {f.dataType.simpleString()}" for f in asked.schema]
    described = [f"`{name}` string" for name in (columns.item, *rule.item_columns)]
    take = partial(_take, [*rule.item_columns], columns.item)
    schema = ", ".join([*fields, *described])
    by_day = asked.groupBy(DAY).cogroup(popular.groupBy(DAY))
    return by_day.applyInArrow(take, schema)


def _uniform(hashed: Column) -> Column:
    """A number in [0, 1) from the hash's upper 53 bits."""
    return F.shiftrightunsigned(hashed, _TOP_53_BITS) / F.lit(float(1 << 53))


def _take(described: Sequence[str], item: str, asked: pa.Table, popular: pa.Table) -> pa.Table:
    """For each draw the item that its chance falls on; nothing where there is no item."""
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
    drawn: DataFrame, positives: DataFrame, columns: Columns, rule: Negatives
) -> DataFrame:
    """Draws of items that the user did not take, the first of each item for a positive."""
    user, item = named(columns.user), named(columns.item)
    taken = positives.groupBy(user.alias("_user"), item.alias("_taken")).agg(
        F.min(DAY).alias("_since")
    )
    same = (user == F.col("_user")) & (item == F.col("_taken"))
    if rule.exclude == "past":
        same = same & (F.col("_since") <= F.col(DAY))
    free = drawn.join(taken, same, "left_anti")
    once = Window.partitionBy(_AT, columns.user, columns.item).orderBy(_DRAW)
    return free.withColumn("_again", F.row_number().over(once)).where("_again = 1")
