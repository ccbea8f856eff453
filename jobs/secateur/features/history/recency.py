"""What is no sum of days: counts over a key's last events, hours or session, and times since.

The known events of a key stand in the order in which they became known: each at its own time, one
that came late at the beginning of the day that it arrived on; of those at once the earlier first,
then the negatives. An event looks at those known strictly before it, or, with the freshness "day",
before the beginning of its day (see `counters`).

Spark brings a key's events of all days together, once for all counters with the same keys; a worker
sorts its part, finds each event's place in it, and writes what other workers read by day:

    <folder>/<group>/<day>/part-<n>.parquet   a row an event: `ROW` and `recent_columns`

So the events of one key must fit into a worker, as those of a user do; and a night makes it all
anew, as it does histories.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import part_name
from secateur.features.days.arrow_days import text_of, write
from secateur.features.days.event_window import ROW
from secateur.features.days.lateness import midnights
from secateur.features.history.daily_counts import key_of, outcomes
from secateur.features.history.prior_counts import Counts
from secateur.features.history.sessions import Sessions, session_key
from secateur.scenario import Counter
from secateur.spark import column_named

_OWN = ("day", ROW, "time_ms", "label")
_HOUR = 2 * 3_600_000  # in half milliseconds
_ROWS = 1 << 21  # events that a worker sorts at once


def recent_columns(place: int) -> tuple[str, ...]:
    """The columns of the counter at this place: events, positives, gap, age."""
    return f"events_{place}", f"positives_{place}", f"gap_{place}", f"age_{place}"


@dataclass(frozen=True)
class Recent:
    """Looks at single events for the counters that ask so, below `folder`."""

    counters: Sequence[Counter]
    sessions: Sessions
    folder: Path

    @property
    def groups(self) -> list[dict[int, Counter]]:
        """Those counters by place, together with others of the same keys."""
        asking = {n: c for n, c in enumerate(self.counters) if c.of_single_events}
        keys = dict.fromkeys(map(_group_key, asking.values()))
        return [{n: c for n, c in asking.items() if _group_key(c) == key} for key in keys]

    def read(self, day: str) -> pa.Table:
        """`recent_columns` of a day's events, int64 [events], in their order."""
        found = [pa.table({})]
        for number in range(len(self.groups)):
            files = sorted((self.folder / str(number) / day).glob("part-*.parquet"))
            table = pa.concat_tables(pq.ParquetFile(file).read() for file in files)
            found.append(table.sort_by(ROW).drop_columns(ROW))
        return reduce(side_by_side, found)


def _group_key(counter: Counter) -> tuple[object, ...]:
    return (counter.keys, counter.within)


def look_back(recent: Recent, events: DataFrame, rows: int) -> None:
    """Look back from so many events: `day`, `ROW`, `time_ms`, `label`, keys and signals."""
    cores = events.sparkSession.sparkContext.defaultParallelism
    for number, group in enumerate(recent.groups):
        counter, *_ = group.values()
        own = recent.sessions.columns if counter.within else ()
        names = (*_OWN, *own, *(name for c in group.values() for name in c.columns))
        columns = tuple(dict.fromkeys(names))
        parts = cores * (1 + rows // (cores * _ROWS))
        # A key's events come together, or a user's; those without one are spread by their rows.
        keys = (recent.sessions.user,) if counter.within else counter.keys
        whole = reduce(Column.__and__, (column_named(key).isNotNull() for key in keys))
        spread = (*map(column_named, keys), F.when(~whole, F.col(ROW)))
        together = events.select(*map(column_named, columns)).repartition(parts, *spread)
        plain = together.toDF(*map(str, range(len(columns))))  # Arrow's way in knows no dots
        look = _Look(group, columns, recent.sessions, recent.folder / str(number))
        plain.mapInArrow(look, "part int").collect()


@dataclass(frozen=True)
class _Look:
    """Looks at a part of the events, all of its keys' together, on a worker."""

    counters: Mapping[int, Counter]
    columns: Sequence[str]
    sessions: Sessions
    folder: Path

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        part, given = TaskContext.get().partitionId(), list(batches)
        if given:
            table = pa.Table.from_batches(given).rename_columns(list(self.columns)).combine_chunks()
            found = pa.table({ROW: table[ROW], **dict(self._columns(table))})
            for day in table["day"].unique().to_pylist():
                of_day = found.filter(pc.equal(table["day"], day))
                write(self.folder / day / part_name(part), [of_day])
        yield pa.RecordBatch.from_pydict({"part": pa.array([part], pa.int32())})

    def _columns(self, table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
        moments = _Moments.of(table, self.sessions.timezone)
        counter, *_ = self.counters.values()
        key = key_of([text_of(table[name]) for name in counter.keys])
        if counter.within:
            session = self.sessions.of_rows(table, moments.late)
            key = session_key(session, key, text_of(table[self.sessions.user]))
        for signal in dict.fromkeys(counter.signal for counter in self.counters.values()):
            past = _Past.of(key, outcomes(table, signal), moments)
            for place, counter in self.counters.items():
                if counter.signal == signal:
                    found = map(pa.array, past.prior_counts(counter, moments))
                    yield from zip(recent_columns(place), found, strict=True)


@dataclass(frozen=True)
class _Moments:
    """When each event happened, and when it was known, in half milliseconds.

    What came late is known half a millisecond before its day, so that it is known on that day only.
    """

    times: Counts
    known: Counts
    midnights: Counts  # of all days
    today: Counts  # place of the day that an event happened on
    late: NDArray[np.bool_]  # happened on an earlier day than it came

    @classmethod
    def of(cls, table: pa.Table, timezone: str) -> "_Moments":
        """Of events [rows] with `time_ms` and `day`."""
        times, days = table["time_ms"].to_numpy(), table["day"].combine_chunks().dictionary_encode()
        starts, first = midnights(times, days.dictionary.to_pylist(), timezone)
        arrived = first[days.indices.to_numpy()]
        happened = np.searchsorted(starts, times, side="right") - 1
        late = happened < arrived
        known = np.where(late, 2 * starts[arrived] - 1, 2 * times)
        return cls(times, known, 2 * starts, np.minimum(happened, arrived), late)

    def window(self, counter: Counter) -> tuple[Counts, Counts]:
        """Int64 [rows] twice: an event sees what was known from the one moment to the other."""
        midnight = self.midnights[self.today] - 1
        end = midnight if counter.freshness == "day" else 2 * self.times
        if counter.window_hours is not None:
            return end - counter.window_hours * _HOUR, end
        if counter.days is None:
            return np.full_like(end, self.known.min()), end
        return self.midnights[np.maximum(self.today - counter.days + 1, 0)] - 1, end


@dataclass(frozen=True)
class _Past:
    """The events that have a key and an outcome, by key, and then as they became known.

    A slot is a key's number and a moment after `since` in one, `span` moments a key.
    """

    keys: Counts  # number of each event's key, of all events
    since: int
    span: int
    slots: Counts
    times: Counts
    positives: Counts  # running sum, one longer

    @classmethod
    def of(cls, key: pa.Array, outcome: pa.Array, moments: _Moments) -> "_Past":
        """Of all a worker's events: `key` text [rows], `outcome` int64 [rows] or null."""
        keys = key.dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)
        there = np.flatnonzero((keys >= 0) & outcome.is_valid().to_numpy(zero_copy_only=False))
        positive = outcome.fill_null(0).to_numpy()
        since, until = int(moments.known.min()), int(moments.known.max())
        slots = keys * (until - since + 1) + moments.known - since
        order = there[np.lexsort((positive[there], moments.times[there], slots[there]))]
        sums = np.append(0, np.cumsum(positive[order]))
        return cls(keys, since, until - since + 1, slots[order], moments.times[order], sums)

    def prior_counts(self, counter: Counter, moments: _Moments) -> tuple[Counts, ...]:
        """Int64 [rows] each, before every event: events, positives, and seconds since the last of
        them and since the first.
        """
        start, end = (
            np.searchsorted(self.slots, self.keys * self.span + np.maximum(at - self.since, 0))
            for at in moments.window(counter)
        )
        if counter.last is not None:
            start = np.maximum(start, end - counter.last)
        times = np.append(self.times, 0)
        gap, age = ((moments.times - times[place]) // 1000 for place in (end - 1, start))
        return end - start, self.positives[end] - self.positives[start], gap, age


def side_by_side(left: pa.Table, right: pa.Table) -> pa.Table:
    """The columns of both, each [rows]."""
    columns = dict(zip(right.column_names, right.columns, strict=True))
    return pa.table({**dict(zip(left.column_names, left.columns, strict=True)), **columns})
