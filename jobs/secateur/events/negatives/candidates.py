"""What may be drawn at a moment: the items with a positive shortly before it, by steps of time.

Time is cut into steps of an hour, or of a day where items live longer than two of them. A step's
candidates are told by two things: the positives of each item in the whole steps before it, which is
a row an item, and the step's own positives one by one. So the counts up to any moment of the step
are exact, and nothing later than the moment is among them.
"""

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.events.raw_rows import DAY
from secateur.scenario import Logs, Negatives
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

ITEM, KNOWN, ROWS = (f"{INTERNAL}{name}" for name in ("item", "known", "rows"))
AT, MOMENT, STEP, PART = (f"{INTERNAL}{name}" for name in ("at", "moment", "step", "part"))
_HOUR_MS = 3_600_000
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class DrawingRule:
    """How negatives are drawn from a log: the log's columns and clocks, and the scenario's rule.

    `parts` is how many tasks share the events of one step.
    """

    logs: Logs
    negatives: Negatives
    parts: int = 1

    @cached_property
    def step_ms(self) -> int:
        """Milliseconds of a step."""
        hours = 1 if self.negatives.live_hours <= 2 * _HOURS_A_DAY else _HOURS_A_DAY
        return hours * _HOUR_MS

    @property
    def steps(self) -> int:
        """How many whole steps an item lives."""
        return -(-self.negatives.live_hours * _HOUR_MS // self.step_ms)

    def step_of(self, ms: Column) -> Column:
        """The number of the step that a millisecond (bigint) lies in."""
        return F.floor(ms / F.lit(self.step_ms)).cast("bigint")

    def moment(self) -> Column:
        """The millisecond before which positives count for an event."""
        fresh = self.negatives.freshness == "event"
        return F.col("time_ms") if fresh else midnight(self.logs.timezone)

    def known_from(self) -> Column:
        """The millisecond of a positive: its own, or of a late one the last before its `day`."""
        return F.greatest("time_ms", midnight(self.logs.timezone) - 1)


def midnight(timezone: str) -> Column:
    """The first millisecond (bigint) of the column `day` in an IANA time zone."""
    return F.unix_millis(F.to_utc_timestamp(F.to_date(DAY).cast("timestamp"), timezone))


def known_positives(positives: DataFrame, rule: DrawingRule) -> DataFrame:
    """For each step, and each of its parts, what its candidates are told by.

    A row without `_known` has an item's positives (`_rows`) in the whole steps before, and the item
    columns of the latest; a row with it is one positive of the step's own, known from then on. The
    rows of a step are bounded by the items that live in it and its own positives.
    """
    names = rule.negatives.item_columns
    # Renamed to its own name, a column is another one to Spark than that of the events beside it.
    described = [column_named(name).alias(name) for name in names]
    item = column_named(rule.logs.item).alias(ITEM)
    known = positives.select(item, *described, "time_ms", rule.known_from().alias(KNOWN))
    known = known.withColumn(STEP, rule.step_of(F.col(KNOWN)))
    of_item = [column_named(name) for name in names]
    own = known.select(STEP, ITEM, KNOWN, F.lit(1).cast("bigint").alias(ROWS), *of_item)
    latest = F.max(F.struct(KNOWN, *of_item)).alias("latest")
    by_step = known.groupBy(ITEM, STEP).agg(F.count("*").alias(ROWS), latest)
    later = F.explode(F.sequence(F.col(STEP) + 1, F.col(STEP) + rule.steps))
    asked = by_step.select(ITEM, ROWS, "latest", later.alias(STEP))
    whole = asked.groupBy(STEP, ITEM).agg(F.sum(ROWS).alias(ROWS), F.max("latest").alias("latest"))
    of_latest = [F.col("latest")[name].alias(name) for name in names]
    unknown = F.lit(None).cast("bigint").alias(KNOWN)
    both = own.unionByName(whole.select(STEP, ITEM, unknown, ROWS, *of_latest))
    part = F.explode(F.sequence(F.lit(0), F.lit(rule.parts - 1)))
    return both.select("*", part.alias(PART))


def events_by_step(positives: DataFrame, rule: DrawingRule) -> DataFrame:
    """The positives with the step and the part that draw for them; `_at` hashes each."""
    part = F.pmod(F.col(AT), F.lit(rule.parts)).cast("int")
    moment = positives.withColumn(MOMENT, rule.moment())
    return moment.withColumns({STEP: rule.step_of(F.col(MOMENT)), PART: part})
