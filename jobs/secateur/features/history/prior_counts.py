"""What keys had before each day, and on all train days: sums of the daily counts, by key.

The counts (see `daily_counts`) are narrow, additive, and reused from night to night. Spark brings
the days of a key together, in as many parts as their number asks for; a worker adds up its part,
and writes what other workers look up by day:

    <folder>/<series>/<day>/part-<n>.parquet   what a key had before the day, for a series
    <folder>/<tally>/<day>/part-<n>.parquet    what a key of a held-out day had on the train days
    <folder>/totals/part-<n>.parquet           what every key of every tally had on the train days

A key has a row on the days that count an event of it, and on those that a late event asks of.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import DataFrame

from secateur.contracts.artifact_files import part_name
from secateur.features.days.arrow_days import write
from secateur.features.history.daily_counts import tally_of
from secateur.scenario import Counter

Counts = NDArray[np.int64]
TOTALS = "totals"
_COUNTS = ("events", "positives")
_DAY_BITS = 32  # of a slot, below the number of its key
_ROWS = 1 << 21  # daily counts that a worker adds up at once


@dataclass(frozen=True)
class Series:
    """A tally over the days d - window_days + 1 ... d - 1."""

    tally: str
    window_days: int

    @classmethod
    def of(cls, counter: Counter) -> "Series":
        """The series of a counter that is a sum of days."""
        return cls(tally_of(counter.keys, counter.signal).name, counter.days or 1)


@dataclass(frozen=True)
class Lookup:
    """Events and positives (int64) by key."""

    keys: pa.Array
    counts: tuple[Counts, Counts]

    @classmethod
    def read(cls, folder: Path, day: str) -> "Lookup":
        """What is looked up on a day, below the folder of a series or a tally."""
        files = sorted((folder / day).glob("part-*.parquet"))
        tables = [_NOTHING, *(pq.ParquetFile(file).read() for file in files)]
        table = pa.concat_tables(tables).combine_chunks()
        events, positives = (table[name].to_numpy() for name in _COUNTS)
        return cls(table["key"].combine_chunks(), (events, positives))

    def of(self, keys: pa.Array) -> tuple[Counts, Counts]:
        """Events and positives, int64 [n] each, of `keys` [n]; 0 where there are none."""
        place = pc.index_in(keys, value_set=self.keys).fill_null(len(self.keys)).to_numpy()
        events, positives = (np.append(counts, 0)[place] for counts in self.counts)
        return events, positives


@dataclass(frozen=True)
class Sums:
    """Adds up daily counts below `folder`: `series`, and the train events of `tallies`."""

    series: Sequence[Series]
    tallies: Sequence[str]
    train: Sequence[str]
    held_out: Sequence[str]
    folder: Path

    def write(self, daily: DataFrame, rows: int) -> None:
        """Add up so many rows of `daily_counts.COUNTS`."""
        cores = daily.sparkSession.sparkContext.defaultParallelism
        by_key = daily.repartition(cores * (1 + rows // (cores * _ROWS)), "tally", "key")
        by_key.mapInArrow(self._add_up, "part int").collect()

    def series_folder(self, series: Series) -> Path:
        """Where a series lies."""
        return self.folder / f"series-{self.series.index(series)}"

    def tally_folder(self, tally: str) -> Path:
        """Where the train events of a tally lie."""
        return self.folder / f"tally-{self.tallies.index(tally)}"

    @property
    def totals(self) -> list[Path]:
        """The files of all train events by tally and key."""
        return sorted((self.folder / TOTALS).glob("part-*.parquet"))

    def _add_up(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        part, given = TaskContext.get().partitionId(), list(batches)
        if given:
            table = pa.Table.from_batches(given)
            name = part_name(part)
            tallies = table["tally"].unique().to_pylist()
            parts = [
                _Keys.of(tally, table.filter(pc.equal(table["tally"], tally))) for tally in tallies
            ]
            write(self.folder / TOTALS / name, (keys.totals(self.train) for keys in parts))
            for keys in parts:
                self._write(keys, name)
        yield pa.RecordBatch.from_pydict({"part": pa.array([part], pa.int32())})

    def _write(self, keys: "_Keys", name: str) -> None:
        for series in self.series:
            if series.tally == keys.tally:
                counts = keys.prior_counts(series.window_days)
                for day, table in keys.by_day(counts, keys.days):
                    write(self.series_folder(series) / day / name, [table])
        if keys.tally in self.tallies:
            counts = keys.on(self.train)
            for day, table in keys.by_day(counts, self.held_out):
                write(self.tally_folder(keys.tally) / day / name, [table])


@dataclass(frozen=True)
class _Keys:
    """All counts of some keys of a tally: a row a key and day, by key and then by day."""

    tally: str
    names: pa.Array
    slots: Counts  # key's number << _DAY_BITS | day's ordinal
    counts: tuple[Counts, Counts]

    @classmethod
    def of(cls, tally: str, table: pa.Table) -> "_Keys":
        """Of a tally's rows of `daily_counts.COUNTS`, [rows] in any order."""
        keys = table["key"].combine_chunks().dictionary_encode()
        days = table["day"].combine_chunks().dictionary_encode()
        number = np.array([date.fromisoformat(d).toordinal() for d in days.dictionary.to_pylist()])
        slots = (
            keys.indices.to_numpy().astype(np.int64) << _DAY_BITS | number[days.indices.to_numpy()]
        )
        order = np.argsort(slots, kind="stable")
        distinct, first = np.unique(slots[order], return_index=True)
        events, positives = (np.add.reduceat(table[n].to_numpy()[order], first) for n in _COUNTS)
        return cls(tally, keys.dictionary, distinct, (events, positives))

    @property
    def key(self) -> Counts:
        """Int64 [rows]: the number of each row's key."""
        return self.slots >> _DAY_BITS

    @property
    def day(self) -> Counts:
        """Int64 [rows]: the ordinal of each row's day."""
        return self.slots & ((1 << _DAY_BITS) - 1)

    @property
    def days(self) -> list[str]:
        """The days that have a row."""
        return [str(date.fromordinal(day)) for day in np.unique(self.day)]

    def prior_counts(self, window_days: int) -> tuple[Counts, Counts]:
        """Events and positives, int64 [rows] each, of each row's key in its window before it."""
        first = np.maximum(self.day - window_days + 1, 0)
        start = np.searchsorted(self.slots, self.key << _DAY_BITS | first)
        sums = (np.append(0, np.cumsum(counts)) for counts in self.counts)
        events, positives = (total[:-1] - total[start] for total in sums)
        return events, positives

    def on(self, days: Sequence[str]) -> tuple[Counts, Counts]:
        """Events and positives, int64 [rows] each, of each row's key on these days."""
        inside = np.isin(self.day, list(map(_ordinal, days)))
        key, size = self.key, len(self.names)
        sums = (np.bincount(key[inside], c[inside], size).astype(np.int64) for c in self.counts)
        events, positives = (total[key] for total in sums)
        return events, positives

    def totals(self, days: Sequence[str]) -> pa.Table:
        """The keys with an event on these days, and how many: a table of [keys]."""
        first = np.searchsorted(self.slots, np.arange(len(self.names)) << _DAY_BITS)
        events = self.on(days)[0][first]
        there = np.flatnonzero(events)
        names = {"tally": pa.repeat(self.tally, len(there)), "key": self.names.take(there)}
        return pa.table({**names, "events": events[there]})

    def by_day(
        self, counts: tuple[Counts, Counts], days: Sequence[str]
    ) -> Iterator[tuple[str, pa.Table]]:
        """Keys with these counts (int64 [rows] each), for each of these days that has a row."""
        order = np.argsort(self.day, kind="stable")
        ordinals = list(map(_ordinal, days))
        ends = (np.searchsorted(self.day[order], ordinals, side) for side in ("left", "right"))
        for day, start, end in zip(days, *ends, strict=True):
            rows = order[start:end]
            if len(rows):
                parts = (one[rows] for one in counts)
                columns = dict(zip(_COUNTS, parts, strict=True))
                yield day, pa.table({"key": self.names.take(self.key[rows]), **columns})


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


_NOTHING = pa.table(
    {"key": pa.array([], pa.string()), **{name: pa.array([], pa.int64()) for name in _COUNTS}}
)
