"""Per-key counts and smoothed rates of the events before an event, point in time.

An event is known from its own time on, or, where it came late, from the beginning of the day that
it arrived on. For an event with key k that happened on day d at time t, over the events with key k
that were known strictly before t and lie on a day > d - window_days (on every day without one):

    <key>_events     how many
    <key>_positives  how many of them were positive
    <key>_rate       (positives + prior_events * prior_rate) / (events + prior_events), 4 decimals

With the freshness "day" only those of days before d. Of simultaneous events none counts another.
An event that lacks a key has no counters. The prior is the scenario's, not the data's, so that no
later day can change an earlier row.

Days before d are sums of each day's counts (see `counting`), which are narrow, additive, and
reused from night to night. The event's own day is a running count within key and day. No window
holds a key's whole life at the grain of events.

What a service must count to give the same numbers: for each key, events and positives a day (in
the log's timezone), kept for window_days; the counter is today's so far, for the freshness "event"
alone, and those of the window_days - 1 days before. An event enters when its outcome is logged
with the time of the event; the request that is being scored is not in it.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.features.counting import tally_of
from secateur.features.joining import ROW, known_from, named
from secateur.scenario import Counter

DIGITS = 4  # of a rate; far finer than any bucket
_DAY, _MS, _COUNTED, _ASKS = "_at_day", "_at_ms", "_counted", "_asks"
_EVENTS, _POSITIVES = "_events", "_positives"


def count_before(
    events: DataFrame, daily: DataFrame, counters: Sequence[Counter], timezone: str
) -> DataFrame:
    """`day`, `_row`, and a double a counter's field, null without a key.

    `events` need `time_ms`, `label` and the keys; `daily` holds the rows of `counting.COUNTS` of
    every day.
    """
    columns = dict.fromkeys(key for counter in counters for key in counter.keys)
    alias = {column: f"_key_{place}" for place, column in enumerate(columns)}
    keyed = events.select(
        "day", ROW, "label", "time_ms", *(named(c).alias(name) for c, name in alias.items())
    )
    moments = _moments(keyed, timezone)
    late = moments.where(F.col(_COUNTED) == 0)
    late = None if late.isEmpty() else late  # most logs have none: not to be looked for again
    for counter in counters:
        keys = [alias[key] for key in counter.keys]
        moments = _add(moments, _before_day(daily, late, counter, keys), counter, keys)
    fields = (field.name for counter in counters for field in counter.fields)
    return moments.where(_ASKS).select("day", ROW, *map(named, fields))


def _moments(events: DataFrame, timezone: str) -> DataFrame:
    """Where every event asks and where it is counted: at one moment, at two where it came late."""
    day = F.unix_date(F.to_date("day"))
    local = F.from_utc_timestamp(F.timestamp_millis("time_ms"), timezone)
    happened = F.unix_date(F.to_date(local))
    in_time = F.array(_moment(day, F.col("time_ms"), counted=1, asks=True))
    late = F.array(
        _moment(day, known_from(timezone), counted=1, asks=False),
        _moment(happened, F.col("time_ms"), counted=0, asks=True),
    )
    rest = (named(name) for name in events.columns if name != "time_ms")
    return events.select(*rest, F.inline(F.when(happened < day, late).otherwise(in_time)))


def _moment(day: Column, ms: Column, counted: int, asks: bool) -> Column:
    columns = {_DAY: day, _MS: ms, _COUNTED: F.lit(counted), _ASKS: F.lit(asks)}
    return F.struct(*(column.alias(name) for name, column in columns.items()))


def _add(moments: DataFrame, before: DataFrame, counter: Counter, keys: Sequence[str]) -> DataFrame:
    """Add the counter's fields."""
    given = moments.columns
    moments = moments.join(before, [*keys, _DAY], "left")
    events, positives = (F.coalesce(name, F.lit(0)) for name in (_EVENTS, _POSITIVES))
    if counter.freshness == "event":
        today = Window.partitionBy(*keys, _DAY).orderBy(_MS)
        earlier = today.rangeBetween(Window.unboundedPreceding, -1)
        positive = F.col(_COUNTED) * F.col("label")
        events = events + F.coalesce(F.sum(_COUNTED).over(earlier), F.lit(0))
        positives = positives + F.coalesce(F.sum(positive).over(earlier), F.lit(0))
    moments = moments.select(*map(named, given), events.alias(_EVENTS), positives.alias(_POSITIVES))
    known = F.concat(*keys).isNotNull()
    made = (
        F.when(known, _measure(counter, measure)).cast("double").alias(counter.field(measure))
        for measure in counter.measures
    )
    return moments.select(*map(named, given), *made)


def _measure(counter: Counter, measure: str) -> Column:
    events, positives, prior = F.col(_EVENTS), F.col(_POSITIVES), F.lit(counter.prior_events)
    if measure == "rate":
        rate = (positives + prior * F.lit(counter.prior_rate)) / (events + prior)
        return F.round(rate, DIGITS)
    return events if measure == "events" else positives


def _before_day(
    daily: DataFrame, late: DataFrame | None, counter: Counter, keys: Sequence[str]
) -> DataFrame:
    """Events and positives of the window's days before a day, by key and day.

    A key has a row on the days that count an event of it, and on those that a late event asks of.
    """
    counts = (F.col(name).alias(f"_{name}") for name in ("events", "positives"))
    parts = (F.col("key")[place].alias(name) for place, name in enumerate(keys))
    own = daily.where(F.col("tally") == tally_of(counter.keys).name)
    by_day = own.select(*parts, F.unix_date(F.to_date("day")).alias(_DAY), *counts)
    if late is not None:
        by_day = _with_zeros(by_day, late.select(*keys, _DAY).dropna(), keys)
    first = Window.unboundedPreceding if counter.window_days is None else 1 - counter.window_days
    window = Window.partitionBy(*keys).orderBy(_DAY).rangeBetween(first, Window.currentRow)
    before = (
        (F.sum(name).over(window) - F.col(name)).alias(name) for name in (_EVENTS, _POSITIVES)
    )
    return by_day.select(*keys, _DAY, *before)


def _with_zeros(by_day: DataFrame, asked: DataFrame, keys: Sequence[str]) -> DataFrame:
    zeros = asked.withColumns({_EVENTS: F.lit(0), _POSITIVES: F.lit(0)})
    sums = (F.sum(name).alias(name) for name in (_EVENTS, _POSITIVES))
    return by_day.unionByName(zeros).groupBy(*keys, _DAY).agg(*sums)
