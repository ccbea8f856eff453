"""The raw values of held-out rows, read a block at a time: they are what would fill the memory.

A row's raw values take hundreds of bytes, what a metric needs of it a few dozen. So values stay in
their Parquet files, and a block of them is in memory while it is scored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

READ_AT_ONCE = 2**14  # rows
BUFFER = 2**16  # bytes a column; without it a whole group of rows is read before its first row


class RawValues(Protocol):
    """One column of raw values a field."""

    @property
    def names(self) -> Sequence[str]:
        """The fields."""

    def blocks(self, rows: int) -> Iterator[pa.Table]:
        """All rows in their order, so many at a time; the last block has what is left."""

    def take(self, places: NDArray[np.int64]) -> pa.Table:
        """The rows [k] at these places."""

    def select(self, names: Sequence[str]) -> "RawValues":
        """The same rows with these fields alone."""


@dataclass(frozen=True)
class TableValues:
    """Values in memory."""

    table: pa.Table

    @property
    def names(self) -> Sequence[str]:
        """The fields."""
        return list(self.table.column_names)

    def blocks(self, rows: int) -> Iterator[pa.Table]:
        """All rows in their order, so many at a time."""
        for start in range(0, self.table.num_rows, rows):
            yield self.table.slice(start, rows)

    def take(self, places: NDArray[np.int64]) -> pa.Table:
        """The rows [k] at these places."""
        return self.table.take(places)

    def select(self, names: Sequence[str]) -> "TableValues":
        """The same rows with these fields alone."""
        return TableValues(self.table.select(list(names)))


@dataclass(frozen=True)
class StoredValues:
    """Values in the `files` of one split; `columns` are the files' by field."""

    files: Sequence[Path]
    columns: Mapping[str, str]
    _kept: dict[tuple[int, int], pa.Table] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> Sequence[str]:
        """The fields."""
        return list(self.columns)

    def blocks(self, rows: int) -> Iterator[pa.Table]:
        """All rows in their order, so many at a time; a block may span files."""
        rest = None
        for file in self.files:
            with pq.ParquetFile(file, buffer_size=BUFFER) as parquet:
                for batch in parquet.iter_batches(READ_AT_ONCE, columns=[*self.columns.values()]):
                    found = pa.Table.from_batches([batch])
                    whole = pa.concat_tables([rest, found]) if rest is not None else found
                    full = whole.num_rows - whole.num_rows % rows
                    for start in range(0, full, rows):
                        yield self._by_field(whole.slice(start, rows))
                    rest = whole.slice(full)
        if rest is not None and rest.num_rows:
            yield self._by_field(rest)

    def take(self, places: NDArray[np.int64]) -> pa.Table:
        """The rows [k] at these places; of files, the groups of rows that hold them are read."""
        starts = self._starts
        of_group = np.searchsorted([start for start, _, _ in starts], places, side="right") - 1
        edges = np.flatnonzero(np.diff(of_group)) + 1
        parts = []
        for run in np.split(np.arange(len(places)), edges):
            start, file, group = starts[int(of_group[run[0]])]
            parts.append(self._group(file, group).take(places[run] - start))
        return self._by_field(pa.concat_tables(parts))

    def select(self, names: Sequence[str]) -> "StoredValues":
        """The same rows with these fields alone."""
        return replace(self, columns={name: self.columns[name] for name in names}, _kept={})

    @cached_property
    def _starts(self) -> list[tuple[int, int, int]]:
        """Of every group of rows its first place, its file and its number there."""
        found, start = [], 0
        for number, file in enumerate(self.files):
            metadata = pq.read_metadata(file)
            for group in range(metadata.num_row_groups):
                found.append((start, number, group))
                start += metadata.row_group(group).num_rows
        return found

    def _group(self, file: int, group: int) -> pa.Table:
        """One group of rows; the last one is kept, for requests ask for neighbours."""
        if (file, group) not in self._kept:
            with pq.ParquetFile(self.files[file]) as parquet:
                found = parquet.read_row_group(group, columns=[*self.columns.values()])
            self._kept.clear()
            self._kept[file, group] = found
        return self._kept[file, group]

    def _by_field(self, table: pa.Table) -> pa.Table:
        return table.select([*self.columns.values()]).rename_columns([*self.columns])
