"""Per-key counts and smoothed rates of the events before an event, point in time.

An event is known from its own time on, or, where it came late, from the beginning of the day that
it arrived on. For an event with key k that happened on day d at time t, over the events with key k
that were known strictly before t and lie on a day > d - window_days, or became known in the
window_hours before t, or lie in the same session of the user (see `sessions`):

    <key>_events     how many
    <key>_positives  how many of them were positive
    <key>_rate       (positives + prior_events * prior_rate) / (events + prior_events), 4 decimals
    <key>_gap        whole seconds since the last of them, none where there is none
    <key>_age        whole seconds since the first of them, none where there is none

With the freshness "day" only those of days before d. Of simultaneous events none counts another.
An event that lacks a key has no counters. Positive is an event by its label, or by another signal
of the log (`of`), 0 or 1, or a number of which some are enough (`at_least`): then only events that
have it are counted. The prior is the scenario's,
not the data's, so that no later day can change an earlier row.

Days before d are looked up in what was summed up by key and day (see `prior_counts`). The event's
own day is a running count within key and day, which Spark makes (`count_today`). No window holds a
key's whole life at the grain of events. What is no sum of days, counts over the `last` n events,
hours or a session, gaps and ages, is made of the events themselves (see `recency`).

What a service must count to give the same numbers: for each key, events and positives a day (in
the log's timezone), kept for window_days; the counter is today's so far, for the freshness "event"
alone, and those of the window_days - 1 days before. An event enters when its outcome is logged
with the time of the event; the request that is being scored is not in it. For the last n events of
a key it keeps their outcomes, in the order in which it learned them, for a gap the last one's time,
for an age the first one's in the window. Windows and priors stand in the published schema
(`contracts.features.CounterMeaning`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.encoding.numbers import Doubles
from secateur.features.columns.number_columns import Sample
from secateur.features.days.arrow_days import AlignedRows, Day, text_of, write
from secateur.features.days.event_window import ROW
from secateur.features.days.lateness import known_from, late_rows
from secateur.features.history.daily_counts import key_of
from secateur.features.history.prior_counts import Counts, Lookup, Series, Sums
from secateur.features.history.recency import Recent, recent_columns, side_by_side
from secateur.scenario import Counter, Logs, Signal
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named, finite_number, local_date

DIGITS = 4  # of a rate; far finer than any bucket
_TIE = 1e-9  # what falls short of a half by less is one: binary numbers miss decimal halves
_COUNTS = ("events", "positives")
_DAY, _MS, _COUNTED, _ASKS = (
    f"{INTERNAL}{name}" for name in ("at_day", "at_ms", "counted", "asks")
)


@dataclass(frozen=True)
class CountBefore:
    """Writes the fields of the counters of a day's events, in their order, on a worker.

    `sums` are those of the counters' series; `today` holds each day's file with the columns of
    `count_today`, where a counter is fresh by the event; `recent` what is no sum of days. Gives
    each field's numbers, of train days those before `train_until_ms`.
    """

    counters: Sequence[Counter]
    logs: Logs
    sums: Sums
    today: Mapping[str, Path]
    recent: Recent
    folder: Path
    train_until_ms: int | None = None

    def __call__(self, day: Day) -> dict[str, Sample]:
        """Count before each event of the day."""
        fields = [field.name for counter in self.counters for field in counter.fields]
        seen: dict[str, list[Sample]] = {name: [] for name in fields}
        write(self.file(day), self._tables(day, seen))
        return {name: Sample.together(parts) for name, parts in seen.items()}

    def file(self, day: Day) -> Path:
        """Where the fields of a day's events lie."""
        return self.folder / f"{day.name}.parquet"

    def _tables(self, day: Day, seen: Mapping[str, list[Sample]]) -> Iterator[pa.Table]:
        columns = {"time_ms", "label", *(key for counter in self.counters for key in counter.keys)}
        lookup = cache(lambda at, series: Lookup.read(self.sums.series_folder(series), at))
        fresh = [name for at in fresh_today(self.counters) for name in today_columns(at)]
        today = AlignedRows(self.today[day.name], fresh) if fresh else None
        recent, place = self.recent.read(day.name), 0
        for table in day.tables(columns):
            asked = _Asked(day.name, table, self.logs.timezone, lookup)
            made = recent.slice(place, len(table))
            made = side_by_side(made, today.take(len(table))) if today else made
            place += len(table)
            fields = dict(self._fields(asked, made))
            is_row = self._teaches(table)
            for name, column in fields.items():
                seen[name].append(Sample.of_counts(column.filter(is_row)))
            yield pa.table(fields)

    def _teaches(self, table: pa.Table) -> pa.Array:
        """Bool [rows]: whether scales are learned of a train day's row. Context has no label."""
        is_row = pc.is_valid(table["label"])
        if self.train_until_ms is not None:
            is_row = pc.and_(is_row, pc.less(table["time_ms"], self.train_until_ms))
        return is_row.combine_chunks()

    def _fields(self, asked: "_Asked", made: pa.Table) -> Iterator[tuple[str, pa.Array]]:
        """Float64 [rows] by field: known before the day, and `made` [rows] of its own events."""
        for number, counter in enumerate(self.counters):
            keys = key_of([text_of(asked.table[key]) for key in counter.keys])
            columns = [name for name in recent_columns(number) if name in made.column_names]
            counts = {name.partition("_")[0]: made[name].to_numpy() for name in columns}
            if not counter.of_single_events:
                sums = zip(_COUNTS, asked.prior_counts(keys, Series.of(counter)), strict=True)
                counts = {name: before + counts.get(name, 0) for name, before in sums}
            missing = pc.is_null(keys).to_numpy(zero_copy_only=False)
            for measure in counter.measures:
                never = missing | (counts["events"] == 0)
                unknown = never if measure in ("gap", "age") else missing
                found = _measure(counter, measure, counts)
                yield counter.field(measure), pa.array(found, mask=unknown)


@dataclass(frozen=True)
class _Asked:
    """Some events of a day, and what is known of the days they ask of."""

    day: str
    table: pa.Table
    timezone: str
    lookup: Callable[[str, Series], Lookup]

    def prior_counts(self, keys: pa.Array, series: Series) -> tuple[Counts, Counts]:
        """Events and positives, int64 [rows] each, of `keys` [rows] before the event's own day."""
        events, positives = self.lookup(self.day, series).of(keys)
        times = self.table["time_ms"].to_numpy()
        for earlier, rows in late_rows(times, self.day, self.timezone):
            events[rows], positives[rows] = self.lookup(earlier, series).of(keys.take(rows))
        return events, positives


def _measure(counter: Counter, measure: str, counts: Mapping[str, Counts]) -> Doubles:
    return smoothed_rate(counter, counts) if measure == "rate" else counts[measure].astype(float)


def smoothed_rate(counter: Counter, counts: Mapping[str, Counts | Doubles]) -> Doubles:
    """The rate (float64 [n]) of `events` and `positives` [n], with the counter's prior."""
    prior = counter.prior_events
    rate = (counts["positives"] + prior * counter.prior_rate) / (counts["events"] + prior)
    unit = 10.0**DIGITS
    return np.floor(rate * unit + 0.5 + _TIE) / unit


def fresh_today(counters: Sequence[Counter]) -> dict[int, Counter]:
    """The counters, by place, to whose sums of days the event's own day is added."""
    wanted = enumerate(counters)
    return {n: c for n, c in wanted if c.freshness == "event" and not c.of_single_events}


def today_columns(place: int) -> tuple[str, str]:
    """The columns of `count_today` for the counter at this place: events, positives."""
    return f"events_{place}", f"positives_{place}"


def count_today(events: DataFrame, counters: Sequence[Counter], timezone: str) -> DataFrame:
    """`day`, `ROW`, and what each counter that is fresh by the event saw on the event's own day.

    `events` need `time_ms`, `label`, the keys and signals; one counter at least is fresh so.
    """
    fresh = fresh_today(counters)
    keys = dict.fromkeys(key for counter in fresh.values() for key in counter.keys)
    alias = {key: f"{INTERNAL}key_{place}" for place, key in enumerate(keys)}
    signals = dict.fromkeys(counter.signal for counter in fresh.values())
    outcome = {of: f"{INTERNAL}outcome_{place}" for place, of in enumerate(signals)}
    columns = [column_named(key).alias(name) for key, name in alias.items()]
    columns += [_outcome(of).alias(name) for of, name in outcome.items()]
    moments = _moments(events.select("day", ROW, "time_ms", *columns), timezone)
    for place, counter in sorted(fresh.items(), key=lambda one: one[1].keys):  # one sort a key
        key = [alias[name] for name in counter.keys]
        moments = _add(moments, key, outcome[counter.signal], today_columns(place))
    found = (name for place in fresh for name in today_columns(place))
    return moments.where(_ASKS).select("day", ROW, *found)


def _outcome(of: Signal | None) -> Column:
    """As `daily_counts.outcomes`."""
    if of is None:
        return F.col("label")
    text = column_named(of.column).cast("string")
    if of.at_least is None:
        return F.when(text == "1", 1).when(text == "0", 0)
    return (finite_number(of.column) >= of.at_least).cast("int")


def _moments(events: DataFrame, timezone: str) -> DataFrame:
    """Where every event asks and where it is counted: at one moment, at two where it came late."""
    day = F.unix_date(F.to_date("day"))
    happened = F.unix_date(local_date(F.col("time_ms"), timezone))
    in_time = F.array(_moment(day, F.col("time_ms"), counted=1, asks=True))
    late = F.array(
        _moment(day, known_from(timezone), counted=1, asks=False),
        _moment(happened, F.col("time_ms"), counted=0, asks=True),
    )
    rest = (column_named(name) for name in events.columns if name != "time_ms")
    return events.select(*rest, F.inline(F.when(happened < day, late).otherwise(in_time)))


def _moment(day: Column, ms: Column, counted: int, asks: bool) -> Column:
    columns = {_DAY: day, _MS: ms, _COUNTED: F.lit(counted), _ASKS: F.lit(asks)}
    return F.struct(*(column.alias(name) for name, column in columns.items()))


def _add(
    moments: DataFrame, keys: Sequence[str], outcome: str, names: tuple[str, str]
) -> DataFrame:
    """Add the events and positives counted on a moment's day before it."""
    today = Window.partitionBy(*keys, _DAY).orderBy(_MS)
    earlier = today.rangeBetween(Window.unboundedPreceding, -1)
    positive = F.col(_COUNTED) * F.col(outcome)
    counted = (F.when(positive.isNotNull(), F.col(_COUNTED)), positive)
    sums = (F.coalesce(F.sum(one).over(earlier), F.lit(0)).cast("long") for one in counted)
    return moments.select("*", *(total.alias(n) for total, n in zip(sums, names, strict=True)))
