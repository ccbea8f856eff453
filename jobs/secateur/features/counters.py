"""What was known of a user or an item when a day began: smoothed counts, point in time.

For an event of day d with key k, over the window's days strictly before d:

    <key>_events  how many events k had
    <key>_rate    (positives + prior_events * prior_rate) / (events + prior_events)

The prior is the scenario's, not the data's, so that no later day can change an earlier row. A
missing key has no counters. A service gives the same two numbers, from its own counting up to
midnight or from its feature store.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.scenario import Counter

DIGITS = 4  # of a rate; far finer than any bucket


@dataclass(frozen=True)
class CounterTable:
    """One row a key and day: the key's two counters from the days before."""

    key: str
    rows: DataFrame

    def join(self, events: DataFrame) -> DataFrame:
        """Add the two columns, as text like every event column, to events of any days."""
        return events.join(self.rows, on=[self.key, "day"], how="left")


def count_before(events: DataFrame, counter: Counter) -> CounterTable:
    """Count over all the window's events, which have `day`, `label` and the counter's key."""
    daily = (
        events.where(F.col(counter.key).isNotNull())
        .groupBy(counter.key, "day")
        .agg(F.count("*").alias("events"), F.sum("label").alias("positives"))
    )
    by_day = Window.partitionBy(counter.key).orderBy("day")
    before = by_day.rowsBetween(Window.unboundedPreceding, -1)
    seen = F.coalesce(F.sum("events").over(before), F.lit(0))
    positive = F.coalesce(F.sum("positives").over(before), F.lit(0))
    prior = F.lit(counter.prior_events)
    rate = (positive + prior * F.lit(counter.prior_rate)) / (seen + prior)
    columns = {counter.events_name: seen, counter.rate_name: F.round(rate, DIGITS)}
    counted = daily.select(
        counter.key, "day", *(c.cast("string").alias(name) for name, c in columns.items())
    )
    return CounterTable(counter.key, counted.persist())
