"""Events a day at a time: a worker of Spark reads one day's files with Arrow, in their order.

A day is the unit of work. Spark hands the days out to its workers, and again where a worker dies;
what crosses days (totals, ranks, what came before) is Spark's own. Nothing is handed over row by
row: a worker reads Parquet, and writes Parquet where the driver says, on storage that both see.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from secateur.contracts.artifact_files import VERSION_FROM
from secateur.contracts.features import TimePart
from secateur.encoding.event_time import time_parts
from secateur.features.days.versions import Versions

ROWS_A_GROUP = 1 << 18  # of every file that is kept
_ROWS, _BYTES = 1 << 20, 1 << 28  # what a worker reads at once
Result = TypeVar("Result")


@dataclass(frozen=True)
class JoinedTable:
    """A side table: its key, its other columns, its files, and whether its rows are versions."""

    key: str
    columns: tuple[str, ...]
    files: tuple[Path, ...]
    dated: bool = False


@dataclass(frozen=True)
class Day:
    """One day's events in their files, and the side tables to join, each after the one before.

    `times` are columns that are made of the events' time in `timezone`.
    """

    name: str
    files: tuple[Path, ...]
    sides: tuple[JoinedTable, ...]
    times: Mapping[str, TimePart] = field(default_factory=dict)
    timezone: str = "UTC"

    def tables(self, columns: Iterable[str]) -> Iterator[pa.Table]:
        """These columns [rows] of the events, a part at a time; side tables' as dictionaries."""
        wanted = set(columns)
        times = [name for name in self.times if name in wanted]
        read = (wanted - set(times)) | ({"time_ms"} if times else set())
        own, joined = self._columns_to_read(read)
        for table in regroup(_batches(self.files, sorted(own)), _ROWS, _BYTES):
            yield reduce(self._add_time, times, reduce(_join, joined, table))

    def _add_time(self, table: pa.Table, name: str) -> pa.Table:
        """The table [rows] with a column of the events' time, as text."""
        parts = time_parts(table["time_ms"].to_numpy(), self.times[name], self.timezone)
        return table.append_column(name, pa.array(parts).cast(pa.string()))

    def _columns_to_read(
        self, columns: set[str]
    ) -> tuple[set[str], list[tuple[JoinedTable, pa.Table]]]:
        """Names to read from the events, and the side tables [its rows] that give the others."""
        joined = []
        for side in reversed(self.sides):
            wanted = sorted(columns & set(side.columns))
            if wanted:
                names = [side.key, *wanted, *([VERSION_FROM] if side.dated else [])]
                files = [pq.ParquetFile(file).read(names) for file in side.files]
                joined.append((side, pa.concat_tables(files).combine_chunks()))
                columns = (columns - set(wanted)) | {side.key}
                columns |= {"time_ms"} if side.dated else set()
        return columns, joined[::-1]


class AlignedRows:
    """The rows of a Parquet file that has a row for each of other rows, in the same order."""

    def __init__(self, file: Path, columns: Collection[str]) -> None:
        self._batches = _batches([file], list(columns))
        self._held = pa.table({})

    def take(self, rows: int) -> pa.Table:
        """The next [rows]. Raises ValueError where there are not as many."""
        while len(self._held) < rows:
            batch = next(self._batches, None)
            if batch is None:
                raise ValueError(f"{rows - len(self._held)} rows too few")
            more = pa.Table.from_batches([batch])
            self._held = pa.concat_tables([self._held, more]) if len(self._held) else more
        taken, self._held = self._held.slice(0, rows), self._held.slice(rows)
        return taken.combine_chunks()


def on_days(
    spark: SparkSession, days: Sequence[Day], work: Callable[[Day], Result]
) -> list[Result]:
    """What `work` gives for every day, each a task of Spark's; `work` is pickled to the workers."""
    return list(spark.sparkContext.parallelize(days, max(1, len(days))).map(work).collect())


def regroup(
    parts: Iterable[pa.RecordBatch | pa.Table], rows: int, most_bytes: int | None = None
) -> Iterator[pa.Table]:
    """The same rows, tables of [rows] but for the last; fewer where they hold `most_bytes`."""
    held: list[pa.RecordBatch] = []
    for part in parts:
        held += part.to_batches() if isinstance(part, pa.Table) else [part]
        many = most_bytes is not None and sum(b.nbytes for b in held) >= most_bytes
        while held and (many or sum(map(len, held)) >= rows):
            table = pa.Table.from_batches(held)
            yield table.slice(0, rows).combine_chunks()
            held, many = table.slice(rows).to_batches(), False
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def write(file: Path, tables: Iterable[pa.Table]) -> int:
    """Write tables of any [rows] as Parquet in groups of `ROWS_A_GROUP`; gives the rows.

    There must be a table.
    The file is there in one step, so that a task that dies leaves no half.
    """
    parts, rows = regroup(tables, ROWS_A_GROUP), 0
    first = next(parts)
    with (
        _whole(file) as started,
        pq.ParquetWriter(started, first.schema, compression="zstd") as out,
    ):
        for part in chain([first], parts):
            out.write_table(part)
            rows += len(part)
    return rows


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A path to write to, which becomes `file` in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    started = file.with_name(f".{file.name}.started")
    yield started
    started.replace(file)


def _batches(files: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for file in files:
        yield from pq.ParquetFile(file).iter_batches(ROWS_A_GROUP, columns=columns)


def _join(table: pa.Table, joined: tuple[JoinedTable, pa.Table]) -> pa.Table:
    side, other = joined
    keys, known = text_of(table[side.key]), other[side.key].combine_chunks()
    if side.dated:
        versions = Versions(known, other[VERSION_FROM].to_numpy())
        place = versions.places(keys, table["time_ms"].to_numpy())
    else:
        place = pc.index_in(keys, value_set=known)
    for name in other.column_names:
        if name not in (side.key, VERSION_FROM):
            column = other[name].combine_chunks().dictionary_encode()
            table = table.append_column(name, column.take(place))
    return table


def text_of(column: pa.ChunkedArray) -> pa.Array:
    """The column [rows] as plain strings [rows]."""
    return column.cast(pa.string()).combine_chunks()
