"""A world of users and items whose clicks are planted: what is true of every row of a log.

Every value is a hash of the seed and the row's number: the same on any number of cores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

FIRST_DAY = date(2025, 1, 1)
DAY_MS = 86_400_000
ROWS_A_FILE = 1_000_000
CATEGORIES, TASTES, TABS, POSITIONS = 50, 16, 8, 20
STEPS = 256  # of the logit in 1: few enough values to count each
KINDS = (
    *("user_missing", "item_missing", "label_not_binary", "time_unparsable", "time_future"),
    "repeated",
)
_LOGISTIC_DEVIATION = 1.8138  # pi / sqrt(3)


@dataclass(frozen=True)
class World:
    """What is asked for. `dirt` is the share of rows that get one of the kinds of dirt."""

    rows: int
    days: int = 10
    users: int = 0
    items: int = 0
    dirt: float = 0.01
    format: str = "csv"
    seed: int = 1

    @property
    def user_count(self) -> int:
        """As asked, else a user for every 20 rows."""
        return self.users or max(self.rows // 20, 100)

    @property
    def item_count(self) -> int:
        """As asked, else an item for every 200 rows."""
        return self.items or max(self.rows // 200, 100)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of dirt: a line may have too many columns only where there are lines."""
        return (*KINDS, "malformed") if self.format == "csv" else KINDS

    @property
    def files(self) -> int:
        """How many files there are, each of one day."""
        return self.days * -(-self.rows // (self.days * ROWS_A_FILE))

    def day(self, number: int) -> str:
        """The day with this number, from 0."""
        return str(FIRST_DAY + timedelta(days=number))


@dataclass(frozen=True)
class Truth:
    """What was planted. `rows` are the log's lines; `days` counts the usable events by day.

    `auc_ceiling` is the AUC that the true probabilities reach on average over labels drawn anew.
    """

    rows: int
    events: int
    rate: float
    auc_ceiling: float
    dirt: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)


def hidden(numbers: DataFrame, world: World) -> DataFrame:
    """The rows with everything that is true of them, from their numbers in the column `id`.

    The columns `day` (number), `user`, `item` (ranks by frequency), `taste`, `category`, `tab`,
    `position`, `logit` (in 1/256), `label`, `dirt` (a kind, or null) and `ms` of the day.
    """
    pick = Dice(world.seed)
    row = F.col("id")
    drawn = numbers.select(
        row,
        part_of(row, world.days, world.rows).alias("day"),
        _zipf(pick(1, row), world.user_count, 0.7).alias("user"),
        _zipf(pick(2, row), world.item_count, 1.0).alias("item"),
        F.floor(pick(3, row) * POSITIONS).alias("position"),
        F.floor(pick(4, row) * DAY_MS).alias("ms"),
        F.when(pick(5, row) < world.dirt, _one_of(pick(6, row), world.kinds)).alias("dirt"),
    )
    # The first tabs gain from day to day.
    lean = 1 + F.col("day") / world.days
    known = drawn.withColumns(
        {
            "taste": F.floor(pick(7, F.col("user")) * TASTES),
            "category": category_of(F.col("item"), pick),
            "tab": F.floor(TABS * F.pow(pick(8, row), lean)),
        }
    )
    steps = F.round(_logit(pick, world) * STEPS).cast("int").alias("logit")
    planted = known.select("*", steps)
    return planted.withColumn(
        "label", (pick(9, row) < 1 / (1 + F.exp(-F.col("logit") / STEPS))).cast("int")
    )


def truth_of(truth: DataFrame, world: World) -> Truth:
    """Count what is true: one pass over the rows."""
    table = truth.groupBy("day", "dirt", "logit").agg(
        F.count("*").alias("rows"), F.sum("label").alias("positives")
    )
    counted = [tuple(row) for row in table.collect()]
    dirty = dict.fromkeys(world.kinds, 0)
    days = dict.fromkeys(map(world.day, range(world.days)), 0)
    good: dict[int, int] = {}
    positives = 0
    for day, dirt, logit, rows, clicked in counted:
        if dirt is not None:
            dirty[dirt] += rows
        if dirt in (None, "repeated"):
            days[world.day(day)] += rows
            good[logit] = good.get(logit, 0) + rows
            positives += clicked
    events = sum(days.values())
    lines = world.rows + dirty["repeated"]
    return Truth(lines, events, positives / events, auc_ceiling(good), dirty, days)


def auc_ceiling(rows_by_logit: dict[int, int]) -> float:
    """AUC of true probabilities p by themselves, in expectation over the labels.

    Sum over pairs of rows of p_i (1 - p_j) ([p_i > p_j] + [p_i = p_j] / 2), over the sum of
    p_i (1 - p_j): every row is a positive to the degree p and a negative to the degree 1 - p.
    """
    logits = np.array(sorted(rows_by_logit))
    rows = np.array([rows_by_logit[logit] for logit in logits], dtype=np.float64)
    chance = 1 / (1 + np.exp(-logits / STEPS))
    positive, negative = rows * chance, rows * (1 - chance)
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + negative / 2)) / (positive.sum() * negative.sum()))


class Dice:
    """Numbers in (0, 1), the same for the same salt and keys; nothing is drawn in an order."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, salt: int, *keys: Column) -> Column:
        """A uniform one."""
        mixed = F.xxhash64(F.lit(self.seed), F.lit(salt), *keys)
        return (F.shiftrightunsigned(mixed, 12) + 0.5) * 2.0**-52

    def effect(self, salt: int, deviation: float, *keys: Column) -> Column:
        """A logistic number of mean 0."""
        u = self(salt, *keys)
        return F.log(u / (1 - u)) * (deviation / _LOGISTIC_DEVIATION)


def _logit(pick: Dice, world: World) -> Column:
    user, item, tab, position = map(F.col, ("user", "item", "tab", "position"))
    since_middle = F.col("day") / world.days - 0.5
    return (
        F.lit(-1.5)
        + pick.effect(11, 0.6, user)
        + pick.effect(12, 0.7, item)
        + pick.effect(13, 0.6, F.col("taste"), F.col("category"))
        + pick.effect(14, 0.3, tab)
        + pick.effect(15, 0.5, item) * since_middle
        - 0.04 * position
    )


def category_of(item: Column, pick: Dice) -> Column:
    """The number of an item's category."""
    return F.floor(pick(16, item) * CATEGORIES)


def _zipf(u: Column, size: int, power: float) -> Column:
    """A rank 0..size-1 whose share falls about as (rank + 1) ** -power, by the inverse of its sum.

    https://en.wikipedia.org/wiki/Zipf%27s_law, with the sum taken as an integral.
    """
    if power == 1:
        rank = F.exp(u * float(np.log(size + 1)))
    else:
        rank = F.pow(1 + u * float((size + 1) ** (1 - power) - 1), F.lit(1 / (1 - power)))
    return F.least(F.floor(rank) - 1, F.lit(size - 1))


def part_of(row: Column, parts: int, rows: int) -> Column:
    """In which of `parts` equal parts a row lies, as `spark.range` cuts them."""
    return F.floor(((row + 1) * parts - 1) / rows)


def _one_of(u: Column, values: Sequence[str]) -> Column:
    return F.element_at(F.array(*map(F.lit, values)), (F.floor(u * len(values)) + 1).cast("int"))
