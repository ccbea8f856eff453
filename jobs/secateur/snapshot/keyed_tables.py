"""The tables of a snapshot below its folder: `snapshot.json`, and a folder a table.

snapshot.json                    FeatureSnapshot
table-0/keys.npy                 rising hashes of the keys
table-0/0.numbers.npy            a column, see `packed_columns`
table-0/1.codes.npy, ...
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.snapshot.key_index import Hashes, KeyIndex, Places, sorted_hashes
from secateur.snapshot.packed_columns import (
    ListColumn,
    Lists,
    NumberColumn,
    Numbers,
    TextColumn,
    Texts,
    write_lists,
    write_numbers,
    write_texts,
)

SNAPSHOT = "snapshot.json"
_KEYS = "keys.npy"

Values = Numbers | Texts | Lists
Column = NumberColumn | TextColumn | ListColumn


def table_folder(folder: Path, number: int) -> Path:
    """Where the table of this number lies."""
    return folder / f"table-{number}"


def write_table(
    folder: Path, keys: Sequence[str], columns: Sequence[tuple[SnapshotColumn, Values]]
) -> None:
    """Write the values [n] of each column by distinct `keys` [n] below a table's folder.

    Numbers are float64 with NaN for a missing one; texts and lists have None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hashes, order = sorted_hashes(keys)
    np.save(folder / _KEYS, hashes, allow_pickle=False)
    for number, (column, values) in enumerate(columns):
        name = str(number)
        if isinstance(values, np.ndarray):
            write_numbers(folder, name, values[order], column.unit)
        elif column.kind == "text":
            write_texts(folder, name, [values[place] for place in order.tolist()])
        else:
            write_lists(folder, name, [values[place] for place in order.tolist()])


class KeyedTable:
    """A table in its files, memory-mapped."""

    def __init__(self, folder: Path, table: SnapshotTable) -> None:
        self._index = KeyIndex(folder / _KEYS)
        self.table = table
        self._columns = {
            column.name: (column, _column(folder, str(number), column))
            for number, column in enumerate(table.columns)
        }
        if len(self._index) != table.rows:
            raise CorruptArtifact(f"{folder} has {len(self._index)} rows, expected {table.rows}")

    def places(self, hashes: Hashes) -> Places:
        """Int64 [n]: the rows of the keys with these hashes [n], -1 where there is none."""
        return self._index.places(hashes)

    def values(self, name: str, places: Places) -> Values:
        """The values [n] of a column at `places` [n]; nothing where there is no row."""
        column, stored = self._columns[name]
        if not len(places) or places.min() >= 0:
            return stored.take(places)
        there = np.flatnonzero(places >= 0)
        found = stored.take(places[there])
        if isinstance(found, np.ndarray):
            numbers = np.full(len(places), np.nan)
            numbers[there] = found
            return numbers
        every: list[object] = [None if column.kind == "text" else []] * len(places)
        for place, value in zip(there.tolist(), found, strict=True):
            every[place] = value
        return every  # type: ignore[return-value]


class StoredSnapshot:
    """A snapshot in its folder. Safe to share between threads: nothing changes after opening."""

    def __init__(self, folder: Path) -> None:
        """Open it. Raises CorruptArtifact where a file is missing or damaged."""
        try:
            self.meaning = record.from_json(FeatureSnapshot, (folder / SNAPSHOT).read_bytes())
            self.tables: Mapping[tuple[str, ...], KeyedTable] = {
                table.keys: KeyedTable(table_folder(folder, number), table)
                for number, table in enumerate(self.meaning.tables)
            }
        except (OSError, ValueError) as error:
            raise CorruptArtifact(f"{folder} is no whole snapshot: {error}") from error

    @cached_property
    def items(self) -> list[str]:
        """The ids of all items that it knows."""
        table = self.tables[(self.meaning.item,)]
        return cast("list[str]", table.values(self.meaning.item, np.arange(table.table.rows)))


def _column(folder: Path, name: str, column: SnapshotColumn) -> Column:
    match column.kind:
        case "number":
            return NumberColumn(folder, name, column.unit)
        case "text":
            return TextColumn(folder, name)
        case "list":
            return ListColumn(folder, name)
